/**
 * The tags of a pool. They are all that says whose a pool is, so they are written once, with the pool, and only sentences
 * and a LinodeNodeClass's own tags ever change. Linode allows 50 characters a tag.
 */
import type { Pool } from "../../linode/models.ts"
import { label, providerGroup } from "../../apis/labels.ts"
import { fitTag, isOfCluster, providerTags, sentence } from "../tags.ts"
import type { MachineNames } from "../tags.ts"

const managed = `${providerGroup}/lke-managed=true`
const hash = `${providerGroup}/pool-hash=`
const nonce = `${providerGroup}/intent=`
const wholePool = "pool"

/** Every tag of a new pool: those of the Go provider, the pool's key, the change that makes it, and the user's own. */
export const newPoolTags = (names: MachineNames, key: string, change: string, own: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([
    ...providerTags(names),
    managed,
    `${hash}${key}`,
    `${nonce}${change}`,
    ...own
  ])
]

/** Whether the pool was made by Karpenter, this program's or the Go provider's, for the cluster of this name. */
export const isOurs = (pool: Pool, cluster: string): boolean =>
  pool.tags.includes(managed) && isOfCluster(pool.tags, cluster)

const valueOf = (pool: Pool, prefix: string): string | undefined =>
  pool.tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length)

/** The key that the pool was made for; none on a pool of the Go provider, which new nodes never join. */
export const poolKeyOf = (pool: Pool): string | undefined => valueOf(pool, hash)

/** Whether the pool was made for the NodePool of this name. */
export const isOfNodePool = (pool: Pool, nodePool: string): boolean => pool.tags.includes(fitTag(`${label.nodePool}=`, nodePool))

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

/** The pool's tags with these nodes (or all of it) sentenced, and without sentences that were carried out or are taken back. */
export const withSentence = (
  pool: Pool, doomed: ReadonlyArray<string> | "pool", spare: ReadonlyArray<string> = []
): ReadonlyArray<string> => {
  const listed = new Set(pool.nodes.map((node) => node.id))
  const kept = pool.tags.filter((tag) => {
    const id = tag.startsWith(sentence) ? tag.slice(sentence.length) : undefined
    return id === undefined || id === wholePool || (listed.has(id) && !spare.includes(id))
  })
  const added = doomed === "pool" ? [wholePool] : doomed
  return [...new Set([...kept, ...added.map((id) => `${sentence}${id}`)])]
}
