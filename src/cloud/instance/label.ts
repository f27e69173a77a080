/** What a claim's machine is called: at Linode, in the cluster, and by itself. */
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { digest } from "../digest.ts"

/** Of a host's name and of a label of Kubernetes; Linode allows one more. */
const longest = 63

const hashed = 12

/** Letters, digits and single dashes: Linode takes no doubled punctuation, and a dot would make a domain of a host's name. */
const readable = (name: string): string => {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+/, "")
  return /^[a-z]/.test(plain) ? plain : `n-${plain}`
}

/**
 * The same in every process for the same claim, and no other claim's of any cluster. No two Linodes of an account have one
 * label, so it is the lock that keeps a claim from having two (docs/design/instance.md).
 */
export const machineLabel = (identity: string, { metadata: { name, uid = "" } }: Pick<NodeClaim, "metadata">): string => {
  const begin = readable(name).slice(0, longest - hashed - 1).replace(/-+$/, "")
  return `${begin}-${digest([identity, uid]).slice(0, hashed)}`
}
