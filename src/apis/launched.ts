import type { NodeClaim } from "./nodeClaim.ts"

/** Linode has not said what the claim's machine is. */
export const isUnlaunched = ({ status }: NodeClaim): boolean => status?.capacity === undefined
