/** The problem compiled once for all passes over it: pools, nodes, and the pods as runs of equals, in the order of placing. */
import { Catalogue } from "./catalogue.ts"
import { DefaultConstraints } from "./defaultSpread.ts"
import { Dimensions, PODS } from "./dimensions.ts"
import { TopologyKeys } from "./domains.ts"
import { drained } from "./drained.ts"
import type { Counts, Membership, Spoken, Standing } from "./groups.ts"
import { Groups } from "./groups.ts"
import type { HostPort } from "./hostPorts.ts"
import { keepAlive } from "./keepAlive.ts"
import { Namespaces } from "./namespaces.ts"
import type { NodeModel } from "./nodes.ts"
import { BoundRequests, nodeModel, nodeOrder } from "./nodes.ts"
import { constraintsOf, unsupportedField } from "./podClass.ts"
import type { PoolLimits } from "./pools.ts"
import { daemonOf, Pool } from "./pools.ts"
import { podRequests } from "./podRequests.ts"
import type { InstanceType, Pod, Problem } from "./problem.ts"
import type { UnschedulableReason } from "./plan.ts"
import type { Run } from "./runs.ts"
import { ordering } from "./podOrder.ts"
import { runsOf } from "./runs.ts"
import type { Example } from "./shapes.ts"
import { shaping } from "./shapes.ts"
import { reservedCapacity } from "./reservations.ts"
import { States } from "./states.ts"
import type { Step } from "./steps.ts"
import { Steps } from "./steps.ts"
import { attachmentsOf } from "./volumeRoom.ts"
import type { AttachedClaim } from "./volumes.ts"
import { Volumes } from "./volumes.ts"
import { coreWellKnownLabels } from "./wellKnown.ts"

/** After so many others may have their turn. */
const nodesAtOnce = 100
const classesAtOnce = 100

/** As Karpenter: what a NodeClaim can list. */
const defaultMaxInstanceTypes = 600

export interface PodClass {
  /** From all wishes to those that can't be given up. */
  readonly steps: ReadonlyArray<Step>
  readonly ports: ReadonlyArray<HostPort>
  /** The groups in which its pods count, wherever they are. */
  readonly counts: Membership
  /**
   * Labels by which rules count its pods: whoever moves one of them to another node to buy must leave the values that these labels
   * can have there within those that the pod had before.
   */
  readonly pinned: ReadonlyArray<string>
  /** Those of them of which a node must have one value before its pods can be moved: all but those that others' wishes look at. */
  readonly decided: ReadonlyArray<string>
  /** Claims of its pods that other pods use too; what they take of a node is not in the request. */
  readonly shared: ReadonlyArray<AttachedClaim>
  /** True when its pods must have others near them. */
  readonly needsCompany: boolean
  /** False: nodes to buy that hold one of its pods are left as the first plan has them. */
  readonly movable: boolean
  /** Why no pod of the class can be placed at all. */
  readonly refusal: { readonly reason: UnschedulableReason; readonly message: string } | undefined
}

export interface Model {
  readonly problem: Problem
  readonly dimensions: Dimensions
  readonly wellKnown: ReadonlySet<string>
  /** Heaviest first, then by name, last first. */
  readonly pools: ReadonlyArray<Pool>
  /** By pool: what it may still buy. */
  readonly limits: ReadonlyArray<PoolLimits>
  readonly nodes: ReadonlyArray<NodeModel>
  /** By node and dimension: the room left on it, where that is not what the node says. All -1 where nothing fits any more. */
  readonly free?: Float64Array
  /** The sets of pods that rules speak of. */
  readonly groups: Groups
  /** How many pods of each run already. */
  readonly counts: Counts
  readonly topologyKeys: TopologyKeys
  readonly states: States
  /** By reservation: how many nodes may draw from it. */
  readonly reservations: ReadonlyMap<string, number>
  readonly runs: ReadonlyArray<Run>
  /** By pod: its run, -1 for an invalid pod. */
  readonly runOf: Int32Array
  /** Pods whose requests cannot be read. */
  readonly invalid: ReadonlyArray<{ readonly pod: number; readonly message: string }>
}

export const compile = (problem: Problem): Model => drained(compiling(problem))

/** As `compile`, a part at a time. */
export function* compiling(problem: Problem): Generator<void, Model> {
  const existing = nodeOrder(problem.nodes)
  const bound = existing.flatMap(({ pods }) => pods)
  const volumes = new Volumes(problem)
  yield
  const { shapes, shapeOf, examples, classOf } = yield* shaping(problem.pods, bound, volumes, new DefaultConstraints(problem.defaultSpread))
  yield
  const wellKnown = new Set([
    ...coreWellKnownLabels, ...(problem.wellKnownLabels ?? []),
    ...(problem.reservationIdLabel === undefined ? [] : [problem.reservationIdLabel])
  ])
  const dimensions = new Dimensions(resourceNames(problem, [
    ...shapes.map((shape) => shape.requests), ...examples.map(({ shared }) => attachmentsOf(shared))
  ]))
  const daemons = problem.daemonSets.map((daemonSet) => daemonOf(daemonSet, dimensions))

  const catalogues = new Map<ReadonlyArray<InstanceType>, Catalogue>()
  const catalogueOf = (types: ReadonlyArray<InstanceType>): Catalogue => {
    let catalogue = catalogues.get(types)
    if (catalogue === undefined) {
      catalogue = new Catalogue(types, dimensions, wellKnown, problem.reservationIdLabel)
      catalogues.set(types, catalogue)
    }
    return catalogue
  }
  const pools = [...problem.nodePools]
    .sort((a, b) => (b.spec.weight ?? 0) - (a.spec.weight ?? 0) || (a.metadata.name < b.metadata.name ? 1 : -1))
    .map((pool) => {
      const catalogue = catalogueOf(problem.instanceTypes[pool.metadata.name] ?? [])
      return new Pool(pool, catalogue, daemons, problem.nodes, dimensions, wellKnown)
    })
  yield
  const nodes: Array<NodeModel> = []
  const bounds = new BoundRequests(dimensions)
  for (const node of existing) {
    nodes.push(nodeModel(node, daemons, volumes, dimensions, bounds))
    if (nodes.length % nodesAtOnce === 0) yield
  }
  keepAlive("bounds", bounds)

  const reservations = reservedCapacity(problem)
  const topologyKeys = new TopologyKeys(pools, nodes)
  const groups = new Groups(topologyKeys, new Namespaces(problem))
  const classes = yield* new Classes(problem, groups, new Steps(pools, nodes), reservations.size > 0, [...pools, ...nodes]).of(examples, bound)
  yield
  const requests = shapes.map((shape) => {
    const request = dimensions.need(shape.requests)
    request[PODS] = 1
    return request
  })
  const usable = shapes.every((shape) => shape.invalid === undefined) ? undefined : shapes.map((shape) => shape.invalid === undefined)
  const invalid = usable === undefined ? [] : [...shapeOf].flatMap((shape, pod) => {
    const message = shapes[shape]!.invalid
    return message === undefined ? [] : [{ pod, message }]
  })
  yield
  const order = yield* ordering(problem.pods)
  yield
  const runs = runsOf(order, classes, classOf, requests, shapeOf, usable)
  const runOf = new Int32Array(problem.pods.length).fill(-1)
  runs.forEach(({ pods }, r) => {
    for (let i = 0; i < pods.length; i++) runOf[pods[i]!] = r
  })
  yield
  const counts = yield* groups.countBound(existing, nodes)
  return {
    problem,
    dimensions,
    wellKnown,
    pools,
    limits: pools,
    nodes,
    groups,
    counts,
    topologyKeys,
    states: new States(dimensions.size, wellKnown, problem.options?.maxInstanceTypes ?? defaultMaxInstanceTypes),
    reservations,
    runs,
    runOf,
    invalid
  }
}

/** Makes classes of examples, once all that anybody says about other pods is known. */
class Classes {
  private readonly groups: Groups
  private readonly steps: Steps
  private readonly preferred: boolean
  private readonly softTaints: boolean
  private readonly reserves: boolean

  constructor(
    { options }: Problem, groups: Groups, steps: Steps, reserves: boolean,
    hosts: ReadonlyArray<{ readonly taints: NodeModel["taints"] }>
  ) {
    this.groups = groups
    this.steps = steps
    this.preferred = options?.preferencePolicy !== "Ignore"
    this.softTaints = hosts.some(({ taints }) => taints.some((taint) => taint.effect === "PreferNoSchedule"))
    this.reserves = reserves
  }

  *of(examples: ReadonlyArray<Example>, bound: ReadonlyArray<Pod>): Generator<void, ReadonlyArray<PodClass>> {
    const spoken = examples.map(({ pod, spreads }) => this.groups.read(pod, spreads, this.preferred))
    yield* this.groups.readBound(bound)
    // Whoever somebody wants to be with on one node stays there.
    const anchors = new Set(spoken.flatMap(({ affinity, preferredAffinity }) => [...affinity, ...preferredAffinity])
      .flatMap((term) => term.on === "host" ? [term.group] : []))
    const out: Array<PodClass> = []
    for (const example of examples) {
      const own = spoken[out.length]!
      out.push(this.one(example, own, this.groups.standing(example.pod, own.owns), anchors))
      if (out.length % classesAtOnce === 0) yield
    }
    return out
  }

  private one(
    { pod: { spec }, volumes, shared }: Example, spoken: Spoken, { host, domain, keptOut }: Standing, anchors: ReadonlySet<number>
  ): PodClass {
    const field = unsupportedField(spec)
    const { rungs, ports, impossible } = constraintsOf(spec, spoken, keptOut, this.preferred, this.softTaints)
    const refusal: PodClass["refusal"] = volumes.refusal !== undefined ? { reason: "VolumeNotUsable", message: volumes.refusal }
      : field !== undefined ? { reason: "UnsupportedConstraint", message: `${field} is not supported` }
      : impossible ? {
          reason: "IncompatibleRequirements",
          message: "its required node affinity has only empty terms, which match no node"
        }
      : undefined
    const steps = refusal === undefined ? [...new Set(rungs.map((rung) => this.steps.of(rung, volumes.alternatives, ports)))] : []
    const own = steps.flatMap(({ keys }) => keys.map(({ key }) => key.label))
    const labelsOf = (groups: ReadonlyArray<number>): ReadonlyArray<string> =>
      [...new Set([...groups.map((group) => this.groups.domain[group]!.key.label), ...own])]
    return {
      steps,
      ports,
      counts: { host, domain },
      shared,
      pinned: labelsOf(domain),
      decided: labelsOf(domain.filter((group) => this.groups.ruled.has(group))),
      needsCompany: spoken.affinity.length > 0,
      movable: !this.reserves && volumes.alternatives.length < 2 && shared.length === 0 && steps.every(({ company }) => company.length === 0) &&
        !host.some((group) => anchors.has(group)),
      refusal
    }
  }
}

/** Every resource that somebody asks for, offers less of than nothing, or limits. What nobody asks for needs no counting. */
const resourceNames = (problem: Problem, requests: ReadonlyArray<object>): Set<string> => {
  const names = new Set<string>()
  const take = (list: object | undefined): void => {
    for (const name in list) names.add(name)
  }
  requests.forEach(take)
  for (const daemonSet of problem.daemonSets) take(podRequests(daemonSet.spec.template.spec))
  for (const pool of problem.nodePools) take(pool.spec.limits)
  for (const types of new Set(Object.values(problem.instanceTypes))) {
    for (const type of types) {
      take(type.overhead)
      for (const name in type.capacity) if (name.startsWith("hugepages-")) names.add(name)
    }
  }
  for (const node of problem.nodes) take(node.allocatable)
  names.delete("nodes")
  return names
}
