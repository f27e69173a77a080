/**
 * The tags of a pool. They are all that says whose a pool is, so they are written once, with the pool, and only sentences
 * and a LinodeNodeClass's own tags ever change. Linode allows 50 characters a tag.
 */
import type { Pool } from "../../linode/models.ts"
import { label, providerGroup } from "../../apis/labels.ts"

export const longestTag = 50

const clusterOwned = ["kubernetes.io/cluster/", "=owned"] as const
const clusterName = "lke-cluster-name="
const managed = `${providerGroup}/lke-managed=true`
const hash = `${providerGroup}/pool-hash=`
const nonce = `${providerGroup}/intent=`
const sentence = "karpenter-sentenced="
const wholePool = "pool"
const claim = "karpenter.sh/nodeclaim="

/** Keys of tags that a user's tags cannot have: they are how pools and machines are recognised. */
export const reservedTagKeys: ReadonlySet<string> = new Set([
  label.nodePool, label.nodeClass, claim.slice(0, -1), `${providerGroup}/lke-managed`, `${providerGroup}/pool-hash`,
  `${providerGroup}/intent`, "karpenter-sentenced", "lke-cluster-name", "Name"
])

/** Tags that this program, the Go provider or LKE itself goes by: whatever a class says, they stay. */
export const isSystemTag = (tag: string): boolean =>
  reservedTagKeys.has(tagKey(tag) ?? "") || tag.startsWith(clusterOwned[0]) || tag.startsWith(sentence) || /^(nodepool=|lke)\d+$/.test(tag)

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

export interface PoolNames {
  readonly cluster: string
  readonly nodePool: string
  readonly nodeClass: string
}

/** Every tag of a new pool: those of the Go provider, the pool's key, the change that makes it, and the user's own. */
export const newPoolTags = (names: PoolNames, key: string, change: string, own: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([
    fitTag(clusterOwned[0], names.cluster, clusterOwned[1]),
    fitTag(clusterName, names.cluster),
    fitTag(`${label.nodePool}=`, names.nodePool),
    fitTag(`${label.nodeClass}=`, names.nodeClass),
    managed,
    `${hash}${key}`,
    `${nonce}${change}`,
    ...own
  ])
]

/** Whether the pool was made by Karpenter, this program's or the Go provider's, for the cluster of this name. */
export const isOurs = (pool: Pool, cluster: string): boolean =>
  pool.tags.includes(managed) &&
  (pool.tags.includes(fitTag(clusterName, cluster)) || pool.tags.includes(fitTag(clusterOwned[0], cluster, clusterOwned[1])))

const valueOf = (pool: Pool, prefix: string): string | undefined =>
  pool.tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length)

/** The key that the pool was made for; none on a pool of the Go provider, which new nodes never join. */
export const poolKeyOf = (pool: Pool): string | undefined => valueOf(pool, hash)

/** Whether the pool was made for the NodePool of this name. */
export const isOfNodePool = (pool: Pool, nodePool: string): boolean => pool.tags.includes(fitTag(`${label.nodePool}=`, nodePool))

/** The tag by which the Go provider gives a Linode to a claim. */
export const claimTag = (name: string): string => fitTag(claim, name)

/** Which claim the Go provider has given the Linode to, as `claimTag` says it; none where it is free. */
export const claimTagOf = (tags: ReadonlyArray<string>): string | undefined => tags.find((tag) => tag.startsWith(claim))

/** The change that made the pool. */
export const nonceOf = (pool: Pool): string | undefined => valueOf(pool, nonce)

/** Whether the pool is to go as a whole: nothing in it is ever given to a claim again. */
export const isSentenced = (pool: Pool): boolean => pool.tags.includes(`${sentence}${wholePool}`)

/** Ids of the pool's nodes that are to go though no claim says so. */
export const sentencedNodes = (pool: Pool): ReadonlySet<string> => new Set(
  pool.tags.filter((tag) => tag.startsWith(sentence))
    .map((tag) => tag.slice(sentence.length))
    .filter((id) => id !== wholePool)
)

/** The pool's tags with these nodes (or all of it) sentenced, and without sentences that have been carried out. */
export const withSentence = (pool: Pool, doomed: ReadonlyArray<string> | "pool"): ReadonlyArray<string> => {
  const listed = new Set(pool.nodes.map((node) => node.id))
  const kept = pool.tags.filter((tag) => {
    const id = tag.startsWith(sentence) ? tag.slice(sentence.length) : undefined
    return id === undefined || id === wholePool || listed.has(id)
  })
  const added = doomed === "pool" ? [wholePool] : doomed
  return [...new Set([...kept, ...added.map((id) => `${sentence}${id}`)])]
}
