/** The time as Kubernetes writes it: UTC, whole seconds. */
export const timestamp = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`
