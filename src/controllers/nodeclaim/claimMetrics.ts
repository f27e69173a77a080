/** What Karpenter counts of the lives of NodeClaims and Nodes, under its names. */
import { Effect } from "effect"
import { label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { ObjectMeta } from "../../kube/objects.ts"
import { Metrics } from "../../runtime/metrics.ts"

const powersOfTwo = (highest: number): ReadonlyArray<number> => Array.from({ length: highest + 1 }, (_, n) => 2 ** n)
const hour = 3600
const day = 24 * hour
const lifetimes = [
  900, 1800, 2700, hour, 2 * hour, 4 * hour, 6 * hour, 8 * hour, 10 * hour, 12 * hour, 16 * hour, 20 * hour,
  day, 2 * day, 3 * day, 5 * day, 10 * day, 15 * day, 20 * day, 25 * day, 30 * day
]
interface Labelled {
  readonly metadata: ObjectMeta
}
const of = (object: Labelled, key: string): string => object.metadata.labels?.[key] ?? ""
const poolAndZone = (object: Labelled) => ({ nodepool: of(object, label.nodePool), zone: of(object, label.zone) })

/** The metrics as things that happen. Seconds throughout. */
export const claimMetrics = Effect.map(Metrics, (metrics) => {
  const terminated = metrics.counter("karpenter_nodeclaims_terminated_total",
    "Number of nodeclaims terminated in total by Karpenter.", ["nodepool", "capacity_type", "zone"])
  const instanceTermination = metrics.histogram("karpenter_nodeclaims_instance_termination_duration_seconds",
    "Time from the first request to give an instance back until it is gone.", ["nodepool"], powersOfTwo(10))
  const termination = metrics.histogram("karpenter_nodeclaims_termination_duration_seconds",
    "Time from a nodeclaim's deletion until it is gone.", ["nodepool"], powersOfTwo(11))
  const nodesCreated = metrics.counter(
    "karpenter_nodes_created_total", "Number of nodes created in total by Karpenter.", ["nodepool", "zone"])
  const nodesTerminated = metrics.counter(
    "karpenter_nodes_terminated_total", "Number of nodes terminated in total by Karpenter.", ["nodepool", "zone"])
  const nodesDrained = metrics.counter(
    "karpenter_nodes_drained_total", "Number of nodes drained in total by Karpenter.", ["nodepool"])
  const nodeTermination = metrics.summary("karpenter_nodes_termination_duration_seconds",
    "Time from a node's deletion until it is gone.", ["nodepool"])
  const nodeLifetime = metrics.histogram("karpenter_nodes_lifetime_duration_seconds",
    "Time from a node's creation until it is gone.", ["nodepool"], lifetimes)

  return {
    nodeCreated: (claim: NodeClaim): void => nodesCreated.inc(poolAndZone(claim)),
    nodeDrained: (claim: NodeClaim): void => nodesDrained.inc({ nodepool: of(claim, label.nodePool) }),
    instanceGone: (claim: NodeClaim, seconds: number): void =>
      instanceTermination.observe({ nodepool: of(claim, label.nodePool) }, seconds),
    claimGone: (claim: NodeClaim, seconds: number): void => {
      termination.observe({ nodepool: of(claim, label.nodePool) }, seconds)
      terminated.inc({ ...poolAndZone(claim), capacity_type: of(claim, label.capacityType) })
    },
    nodeGone: (node: Labelled, seconds: { readonly termination: number; readonly lifetime: number }): void => {
      nodesTerminated.inc(poolAndZone(node))
      nodeTermination.observe({ nodepool: of(node, label.nodePool) }, seconds.termination)
      nodeLifetime.observe({ nodepool: of(node, label.nodePool) }, seconds.lifetime)
    }
  }
})

export type ClaimMetrics = Effect.Success<typeof claimMetrics>
