/** Puts the scheduler's question together from the state of the cluster. Pure. */
import { conditionType, nodeClaimConditions } from "../apis/conditions.ts"
import { label, providerWellKnownLabels } from "../apis/labels.ts"
import type { NodePool } from "../apis/nodePool.ts"
import type { DaemonSet, Pod } from "../kube/objects.ts"
import type { ExistingNode, InstanceType, Options, Problem } from "../scheduling/problem.ts"
import type { StateNode } from "./cluster.ts"
import { noSurroundings } from "./surroundings.ts"
import type { Surroundings, VolumeLimits } from "./surroundings.ts"

export interface Situation {
  /** To be placed, whether they are pending or still run on a node that is going away. */
  readonly pods: ReadonlyArray<Pod>
  readonly nodes: ReadonlyArray<StateNode>
  /** Those that take part. */
  readonly nodePools: ReadonlyArray<NodePool>
  readonly instanceTypes: ReadonlyMap<string, ReadonlyArray<InstanceType>>
  readonly daemonSets: ReadonlyArray<DaemonSet>
  /** Pods that wait for a machine to be ready, by the machine's name: their room is taken. */
  readonly promised: ReadonlyMap<string, ReadonlyArray<Pod>>
  readonly options: Options
  /** Absent: no storage, no labels of namespaces, no default spread. */
  readonly surroundings?: Surroundings
}

const existing = (node: StateNode, promised: ReadonlyArray<Pod>, volumeLimits: VolumeLimits | undefined): ExistingNode => ({
  name: node.name,
  ...(node.nodePool === undefined ? {} : { nodePool: node.nodePool }),
  labels: node.labels,
  taints: node.taints,
  capacity: node.charge,
  allocatable: node.allocatable,
  initialized: node.initialized,
  pods: promised.length === 0 ? node.pods : [...node.pods, ...promised],
  ...(volumeLimits === undefined ? {} : { volumeLimits })
})

/**
 * What the node's own drivers say. Until the node is ready some have not spoken yet: what its type will be able to have stands in
 * for them.
 */
const volumeLimitsOf = (
  { initialized, labels, name, nodePool }: StateNode, { instanceTypes, surroundings = noSurroundings }: Situation
): VolumeLimits | undefined => {
  const said = surroundings.volumeLimits.get(name)
  if (initialized) return said
  const type = instanceTypes.get(nodePool ?? "")?.find((one) => one.name === labels[label.instanceType])
  return type?.volumeLimits === undefined ? said : { ...type.volumeLimits, ...said }
}

/**
 * Whether pods may be placed on the machine, now or when it is ready. One that had joined and whose Node object is gone
 * does not come back by itself: it counts for the limits until its claim is collected, but not as room.
 */
export const takesPods = ({ claim, markedForDeletion, node }: StateNode): boolean =>
  !markedForDeletion &&
  (node !== undefined || claim === undefined || !nodeClaimConditions.isTrue(claim, conditionType.registered))

/** A pod that has a node already is placed as if it had none. */
const unbound = (pod: Pod): Pod => {
  if (pod.spec.nodeName === undefined) return pod
  const { nodeName: _, ...spec } = pod.spec
  return { ...pod, spec }
}

/** Machines marked for deletion take no pods, and do not count for the limits. */
export const problemOf = (situation: Situation): Problem => {
  const { volumeLimits: _, ...surroundings } = situation.surroundings ?? noSurroundings
  return {
    version: 1,
    pods: situation.pods.map(unbound),
    nodePools: situation.nodePools,
    instanceTypes: Object.fromEntries(situation.nodePools.map((pool) =>
      [pool.metadata.name, situation.instanceTypes.get(pool.metadata.name) ?? []])),
    nodes: situation.nodes.filter(takesPods)
      .map((node) => existing(node, situation.promised.get(node.name) ?? [], volumeLimitsOf(node, situation))),
    daemonSets: situation.daemonSets,
    wellKnownLabels: providerWellKnownLabels,
    options: situation.options,
    ...surroundings
  }
}
