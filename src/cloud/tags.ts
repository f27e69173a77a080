/**
 * Tags of machines: Linode allows 50 characters a tag. Those of the Go provider, of this program and of LKE say whose a machine
 * is; the others are the user's.
 */
import { label, providerGroup } from "../apis/labels.ts"

export const longestTag = 50

const claimTagKey = "karpenter.sh/nodeclaim"
const clusterOwned = ["kubernetes.io/cluster/", "=owned"] as const
const clusterName = "lke-cluster-name="
/** Begins a tag of a pool that says what of it is to go. */
export const sentence = "karpenter-sentenced="

/** Keys of tags that a user's tags cannot have: they are how pools and machines are recognised. */
export const reservedTagKeys: ReadonlySet<string> = new Set([
  label.nodePool, label.nodeClass, claimTagKey, `${providerGroup}/lke-managed`, `${providerGroup}/pool-hash`,
  `${providerGroup}/intent`, `${providerGroup}/cluster-id`, `${providerGroup}/made-of`, "karpenter-sentenced", "lke-cluster-name",
  "Name"
])

/** Tags that this program, the Go provider or LKE itself goes by: whatever a class says, they stay. */
export const isSystemTag = (tag: string): boolean =>
  reservedTagKeys.has(tagKey(tag) ?? "") || tag.startsWith(clusterOwned[0]) || tag.startsWith(sentence) ||
  /^(nodepool=|lke)\d+$/.test(tag)

/** The key of a `key=value` tag; a tag without one is opaque (provider spec: tag grammar). */
export const tagKey = (tag: string): string | undefined => {
  const at = tag.indexOf("=")
  return at > 0 && at < tag.length - 1 ? tag.slice(0, at) : undefined
}

/** FNV-1a of 32 bits over the text's UTF-8, as 8 hex digits: what the Go provider shortens long names with. */
const fnv1a32 = (text: string): string => {
  let sum = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0
  return sum.toString(16).padStart(8, "0")
}

/** `prefix + value + suffix`, with a value that is too long cut and ended by `-` and its hash. */
export const fitTag = (prefix: string, value: string, suffix = ""): string => {
  const room = longestTag - prefix.length - suffix.length
  return value.length <= room ? `${prefix}${value}${suffix}` : `${prefix}${value.slice(0, room - 9)}-${fnv1a32(value)}${suffix}`
}

/** What a machine is made for. */
export interface MachineNames {
  readonly cluster: string
  readonly nodePool: string
  readonly nodeClass: string
}

/** The tags that the Go provider gives to whatever it makes. */
export const providerTags = (names: MachineNames): ReadonlyArray<string> => [
  fitTag(clusterOwned[0], names.cluster, clusterOwned[1]),
  fitTag(clusterName, names.cluster),
  fitTag(`${label.nodePool}=`, names.nodePool),
  fitTag(`${label.nodeClass}=`, names.nodeClass)
]

/** The tag by which the Go provider gives a Linode to a claim. */
export const claimTag = (claim: string): string => fitTag(`${claimTagKey}=`, claim)

/** Which claim the Linode has been given to, as `claimTag` says it; none where it is free. */
export const claimTagOf = (tags: ReadonlyArray<string>): string | undefined =>
  tags.find((tag) => tag.startsWith(`${claimTagKey}=`))

/** Whether it was made for the cluster of this name, as its tags say. */
export const isOfCluster = (tags: ReadonlyArray<string>, cluster: string): boolean =>
  tags.includes(fitTag(clusterName, cluster)) || tags.includes(fitTag(clusterOwned[0], cluster, clusterOwned[1]))
