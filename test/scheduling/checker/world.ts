/** The cluster as it is once the plan has happened. */
import type {
  DaemonSet, ExistingNode, InstanceType, NewNode, NodePool, Offering, Plan, Pod, PodRef, PodSpec, Problem, Requirement, Taint
} from "../../../src/scheduling/index.ts"
import type { Amounts } from "./amounts.ts"
import { amounts, beyond, needs, none, plus } from "./amounts.ts"
import type { LabelMap } from "./labels.ts"
import {
  attracted, capacityTypeKey, hostnameKey, meets, nodePoolKey, stableKey, stableLabels, tolerated, typeKey, zoneKey
} from "./labels.ts"

/** One thing that a node may turn out to be. */
export interface Face {
  readonly name: string
  readonly labels: LabelMap
  /** What daemons leave of what the node has for pods. */
  readonly room: Amounts
  /** Those that run or will run there. */
  readonly daemons: ReadonlyArray<PodSpec>
  readonly volumeLimits: Readonly<Record<string, number>>
  readonly type?: InstanceType
  readonly offering?: Offering
}

/** A node with what is on it. One that is there has one face; one to buy has one for each type and offering it may become. */
export interface Spot {
  readonly name: string
  readonly made?: NewNode
  readonly taints: ReadonlyArray<Taint>
  readonly faces: ReadonlyArray<Face>
  readonly running: ReadonlyArray<Pod>
  readonly placed: ReadonlyArray<Pod>
}

export interface World {
  readonly problem: Problem
  readonly spots: ReadonlyArray<Spot>
}

export const keyOf = (ref: { readonly namespace?: string; readonly name: string }): string =>
  `${ref.namespace ?? "default"}/${ref.name}`

const daemonsOn = (
  daemonSets: ReadonlyArray<DaemonSet>, labels: LabelMap, taints: ReadonlyArray<Taint>
): ReadonlyArray<PodSpec> =>
  daemonSets.map((daemonSet) => daemonSet.spec.template.spec).filter((spec) => attracted(spec, labels) && tolerated(spec, taints))

const isDaemon = (pod: Pod): boolean => (pod.metadata.ownerReferences ?? []).some(({ kind }) => kind === "DaemonSet")

/** A node that is there. Daemons that run already are part of what daemons were expected to take. */
export const spotOf = (problem: Problem, node: ExistingNode, placed: ReadonlyArray<Pod>): Spot => {
  const labels = { [hostnameKey]: node.name, ...stableLabels(node.labels) }
  const daemons = daemonsOn(problem.daemonSets, labels, node.taints)
  const sum = (specs: ReadonlyArray<PodSpec>): Amounts => specs.map(needs).reduce(plus, none)
  const bound = sum(node.pods.filter(isDaemon).map((pod) => pod.spec))
  const taken = beyond(sum(daemons), bound)
  const room = new Map([...amounts(node.allocatable)].map(([name, amount]) => [name, amount - (taken.get(name) ?? 0)]))
  const face: Face = { name: node.name, labels, room, daemons, volumeLimits: node.volumeLimits ?? {} }
  return { name: node.name, taints: node.taints, faces: [face], running: node.pods, placed }
}

/** Labels of a type: where it leaves a choice, one map for each. */
const labelChoices = (type: InstanceType): ReadonlyArray<LabelMap> => {
  let out: ReadonlyArray<LabelMap> = [{ "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", ...type.labels }]
  for (const { key, operator, values = [] } of type.requirements ?? []) {
    if (operator === "In") out = out.flatMap((labels) => values.map((value) => ({ ...labels, [stableKey(key)]: value })))
  }
  return out.map(stableLabels)
}

const allocatableOf = (type: InstanceType): Amounts => {
  const overhead = amounts(type.overhead)
  const out = new Map([...amounts(type.capacity)].map(([name, amount]) => [name, amount - (overhead.get(name) ?? 0)]))
  const pages = [...amounts(type.capacity)].reduce((sum, [name, amount]) => name.startsWith("hugepages-") ? sum + amount : sum, 0)
  if (pages > 0) out.set("memory", Math.max(0, (out.get("memory") ?? 0) - pages))
  return out
}

export const isToBeHad = (offering: Offering): boolean =>
  offering.available !== false && (offering.capacityType !== "reserved" || (offering.reservationCapacity ?? 0) > 0)

/** Everything that a type can become in a NodePool with these labels and taints, as far as the requirements allow. */
export const facesOf = (
  problem: Problem,
  name: string,
  type: InstanceType,
  requirements: ReadonlyArray<Requirement>,
  own: LabelMap,
  taints: ReadonlyArray<Taint>
): ReadonlyArray<Face> => type.offerings.filter(isToBeHad).flatMap((offering) => {
  const { reservationIdLabel } = problem
  const reservation = reservationIdLabel !== undefined && offering.reservationId !== undefined
    ? { [reservationIdLabel]: offering.reservationId } : {}
  return labelChoices(type).flatMap((choice): ReadonlyArray<Face> => {
    const labels = {
      ...choice, ...stableLabels(own), ...reservation, "karpenter.sh/registered": "true", "karpenter.sh/initialized": "true",
      [hostnameKey]: `new ${name}`, [typeKey]: type.name, [zoneKey]: offering.zone, [capacityTypeKey]: offering.capacityType
    }
    const chooses = (item: Requirement): boolean => {
      const key = stableKey(item.key)
      return key === zoneKey || key === capacityTypeKey || key === reservationIdLabel || (
        (type.requirements ?? []).some((other) => stableKey(other.key) === key)
      )
    }
    if (requirements.some((item) => chooses(item) && !meets(item, labels))) return []
    const daemons = daemonsOn(problem.daemonSets, labels, taints)
    const taken = daemons.map(needs).reduce(plus, none)
    const room = new Map([...allocatableOf(type)].map(([key, amount]) => [key, amount - (taken.get(key) ?? 0)]))
    const { volumeLimits = {} } = type
    return [{ name: `${name} as ${type.name} in ${offering.zone}`, labels, room, daemons, volumeLimits, type, offering }]
  })
})

/** A node to buy. */
const newSpot = (problem: Problem, made: NewNode, placed: ReadonlyArray<Pod>): Spot => {
  const types = problem.instanceTypes[made.nodePool] ?? []
  const faces = made.instanceTypeOptions.flatMap((option) => {
    const type = types.find((other) => other.name === option)
    return type === undefined ? [] : facesOf(problem, made.name, type, made.requirements, made.labels, made.taints)
  })
  return { name: made.name, made, taints: made.taints, faces, running: [], placed }
}

const freshOf: WeakMap<Problem, Map<string, ReadonlyArray<Spot>>> = new WeakMap()

/** The empty nodes that a NodePool could have: each of its types in each offering. Labels that it leaves open are not there. */
export const freshSpots = (problem: Problem, pool: NodePool): ReadonlyArray<Spot> => {
  const known = freshOf.get(problem) ?? new Map<string, ReadonlyArray<Spot>>()
  freshOf.set(problem, known)
  const spots = known.get(pool.metadata.name) ?? newFresh(problem, pool)
  known.set(pool.metadata.name, spots)
  return spots
}

const newFresh = (problem: Problem, pool: NodePool): ReadonlyArray<Spot> => {
  const { requirements, taints = [] } = pool.spec.template.spec
  const own = { ...pool.spec.template.metadata?.labels, [nodePoolKey]: pool.metadata.name }
  return (problem.instanceTypes[pool.metadata.name] ?? []).flatMap((type) =>
    facesOf(problem, `${pool.metadata.name} ${type.name}`, type, requirements, own, taints)
      .filter((face) => requirements.every((item) => meets(item, face.labels)))
      .map((face) => ({ name: face.name, taints, faces: [face], running: [], placed: [] })))
}

/** Pods that the plan names and the problem has not are left out: that they are there is found elsewhere. */
export const worldOf = (problem: Problem, plan: Plan): World => {
  const byKey = new Map(problem.pods.map((pod) => [keyOf(pod.metadata), pod]))
  const podsOf = (refs: ReadonlyArray<PodRef>): ReadonlyArray<Pod> => refs.flatMap((ref) => byKey.get(keyOf(ref)) ?? [])
  const placedOn = new Map(plan.existingNodes.map((placement) => [placement.name, podsOf(placement.pods)]))
  return {
    problem,
    spots: [
      ...problem.nodes.map((node) => spotOf(problem, node, placedOn.get(node.name) ?? [])),
      ...plan.newNodes.map((made) => newSpot(problem, made, podsOf(made.pods)))
    ]
  }
}

/** Pods on their way out count for nothing but their room. */
export const isStaying = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined

/** The pods that rules about other pods look at. */
export const peopleOf = (spot: Spot): ReadonlyArray<Pod> => [...spot.running.filter(isStaying), ...spot.placed]

/** What a node may have under a label; undefined where it may lack it. */
export const valuesOf = (spot: Spot, key: string): ReadonlySet<string | undefined> =>
  new Set(spot.faces.map((face) => face.labels[stableKey(key)]))

/** The value that a node has for certain. */
export const valueOf = (spot: Spot, key: string): string | undefined => {
  const values = valuesOf(spot, key)
  return values.size === 1 ? [...values][0] : undefined
}

/** The world with a pod more on one of its nodes, or on one more node. */
export const withPod = (world: World, spot: Spot, pod: Pod): World => {
  const grown = { ...spot, placed: [...spot.placed, pod] }
  const spots = world.spots.includes(spot) ? world.spots.map((other) => other === spot ? grown : other) : [...world.spots, grown]
  return { ...world, spots }
}
