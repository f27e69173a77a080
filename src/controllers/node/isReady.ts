import type { Node } from "../../kube/objects.ts"

/** Its kubelet says that it can run pods, and has been heard of lately. */
export const isReady = (node: Node): boolean =>
  (node.status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True")
