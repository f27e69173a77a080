/** What a claim's node is made of at LKE, and the key of the pools that may hold it. */
import { label, providerWellKnownLabels } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NewPool, Pool, PoolTaint } from "../../linode/models.ts"
import { digest } from "../digest.ts"
import type { ClusterShape } from "./cluster.ts"
import { isOfNodePool, newPoolTags } from "./tags.ts"

export interface PoolSpec {
  /** Claims of equal key can share a pool. 16 hex digits. */
  readonly key: string
  readonly type: string
  /** Whether a pool of the Go provider was made for the like of this. */
  readonly fits: (pool: Pool) => boolean
  /** The pool that `change` makes. */
  readonly pool: (change: string, count: number) => NewPool
}

/** Labels that say what one node turned out to be: registration puts them on, and they must not split pools. */
const ofOneNode: ReadonlySet<string> = new Set([
  ...providerWellKnownLabels, label.capacityType, label.registered, label.initialized, label.doNotSyncTaints
])

/** Linode refuses label keys of Kubernetes and of its own: those reach the Node at registration. */
const isAllowed = (key: string): boolean => !/kubernetes\.io|k8s\.io|linode\.com/.test(key)

const carried = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.fromEntries(
  Object.entries(labels)
    .filter(([key]) => isAllowed(key) && !ofOneNode.has(key))
    .toSorted(([a], [b]) => a < b ? -1 : 1)
)

/** A claim's labels that its pool carries, sorted. */
export const poolLabels = (claim: NodeClaim): Readonly<Record<string, string>> => carried(claim.metadata.labels ?? {})

type Taints = NewPool["taints"]

const sorted = (taints: ReadonlyArray<typeof PoolTaint.Type>): Taints => taints
  .filter(({ key }) => isAllowed(key))
  .map(({ key, value, effect }) => ({ key, value: value ?? "", effect }))
  .toSorted((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : a.effect < b.effect ? -1 : 1)

/**
 * A claim's taints that its pool carries, sorted. Startup taints stay out: LKE would put them on every node of the pool
 * again and again. Keys that Linode refuses reach the Node at registration.
 */
export const poolTaints = (claim: NodeClaim): Taints => sorted(claim.spec.taints ?? [])

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

export const poolSpec = (cluster: ClusterShape, nodeClass: LinodeNodeClass, claim: NodeClaim, type: string): PoolSpec => {
  const labels = poolLabels(claim)
  const taints = poolTaints(claim)
  const nodePool = claim.metadata.labels?.[label.nodePool] ?? ""
  const { firewallID, lkeK8sVersion, tags } = nodeClass.spec
  // The standard tier knows none of these.
  const enterprise = cluster.tier !== "enterprise" ? {} : {
    ...(firewallID === undefined ? {} : { firewall_id: firewallID }),
    ...(lkeK8sVersion === undefined ? {} : { k8s_version: lkeK8sVersion }),
    update_strategy: "on_recycle" as const
  }
  const key = digest([nodePool, type, labels, taints, enterprise])
  // The Go provider gives a pool the startup taints too.
  const everyTaint = sorted([...claim.spec.taints ?? [], ...claim.spec.startupTaints ?? []])
  const fits = (pool: Pool): boolean => pool.type === type && isOfNodePool(pool, nodePool) &&
    same(carried(pool.labels ?? {}), labels) && same(sorted(pool.taints ?? []), everyTaint) &&
    (cluster.tier !== "enterprise" || ((pool.firewall_id ?? 0) === (firewallID ?? 0) &&
      (lkeK8sVersion === undefined || pool.k8s_version === lkeK8sVersion)))
  const names = { cluster: cluster.name, nodePool, nodeClass: nodeClass.metadata.name }
  return {
    key,
    type,
    fits,
    pool: (change, count) => ({ type, count, labels, taints, tags: newPoolTags(names, key, change, tags ?? []), ...enterprise })
  }
}
