/** The problem compiled once for all passes over it: pools, nodes, and the pods as runs of equals, in the order of placing. */
import { Catalogue } from "./catalogue.ts"
import { CPU, Dimensions, MEMORY, PODS } from "./dimensions.ts"
import type { HostPort } from "./hostPorts.ts"
import type { HostMembership } from "./hostGroups.ts"
import { HostGroups, labelsMatter } from "./hostGroups.ts"
import type { NodeModel } from "./nodes.ts"
import { nodeModel, nodeOrder } from "./nodes.ts"
import type { Constraints } from "./podClass.ts"
import { constraintsOf, unsupportedField } from "./podClass.ts"
import { daemonOf, Pool } from "./pools.ts"
import { podRequests } from "./podRequests.ts"
import type { InstanceType, Pod, Problem, Toleration } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { identityOfRequirements, matchesLabels } from "./requirements.ts"
import type { UnschedulableReason } from "./plan.ts"
import { podOrder } from "./podOrder.ts"
import { shapesOf } from "./shapes.ts"
import type { Demand } from "./states.ts"
import { States } from "./states.ts"
import { untolerated } from "./taints.ts"
import { Topology } from "./topology.ts"
import { coreWellKnownLabels } from "./wellKnown.ts"

/** A step of a class' ladder, interned: classes share it. */
export class Step {
  readonly demand: Demand
  readonly tolerations: ReadonlyArray<Toleration>
  /** By pool: whether its taints are tolerated. */
  readonly pools: ReadonlyArray<boolean>
  /** By node: 1 where labels and taints let the pods in, -1 where not, 0 while unknown. */
  private readonly nodes: Int8Array

  constructor(demand: Demand, tolerations: ReadonlyArray<Toleration>, pools: ReadonlyArray<boolean>, nodes: number) {
    this.demand = demand
    this.tolerations = tolerations
    this.pools = pools
    this.nodes = new Int8Array(nodes)
  }

  allowsNode(index: number, node: NodeModel): boolean {
    if (this.nodes[index] === 0) {
      const fine = untolerated(node.taints, this.tolerations).length === 0 && matchesLabels(this.demand.requirements, node.labels)
      this.nodes[index] = fine ? 1 : -1
    }
    return this.nodes[index] === 1
  }
}

export interface PodClass {
  /** From all wishes to those that can't be given up. */
  readonly steps: ReadonlyArray<Step>
  readonly ports: ReadonlyArray<HostPort>
  /** With whom its pods may share a node. */
  readonly hosts: HostMembership
  /**
   * Labels by which rules count its pods: whoever moves one of them to another node to buy must leave the values that these labels
   * can have there within those that the pod had before.
   */
  readonly pinned: ReadonlyArray<string>
  /** False: nodes to buy that hold one of its pods are left as the first plan has them. */
  readonly movable: boolean
  /** Why no pod of the class can be placed at all. */
  readonly refusal: { readonly reason: UnschedulableReason; readonly message: string } | undefined
}

/** Pods of equal class and request, to be placed one after the other. */
export interface Run {
  readonly podClass: PodClass
  readonly request: Float64Array
  readonly pods: ReadonlyArray<number>
}

export interface Model {
  readonly problem: Problem
  readonly dimensions: Dimensions
  readonly wellKnown: ReadonlySet<string>
  /** Heaviest first, then by name, last first. */
  readonly pools: ReadonlyArray<Pool>
  readonly nodes: ReadonlyArray<NodeModel>
  /** By group of pods that rules speak of, and node: how many of them are there. */
  readonly hostCounts: ReadonlyArray<Int32Array>
  readonly states: States
  readonly runs: ReadonlyArray<Run>
  /** By pod: its run, -1 for an invalid pod. */
  readonly runOf: Int32Array
  /** Pods whose requests cannot be read. */
  readonly invalid: ReadonlyArray<{ readonly pod: number; readonly message: string }>
}

export const compile = (problem: Problem): Model => {
  const { shapes, shapeOf, examples, classOf } = shapesOf(problem.pods, labelsMatter(problem.pods, problem.nodes))
  const wellKnown = new Set([...coreWellKnownLabels, ...(problem.wellKnownLabels ?? [])])
  const dimensions = new Dimensions(resourceNames(problem, shapes.map((shape) => shape.requests)))
  const daemons = problem.daemonSets.map((daemonSet) => daemonOf(daemonSet, dimensions))

  const catalogues = new Map<ReadonlyArray<InstanceType>, Catalogue>()
  const catalogueOf = (types: ReadonlyArray<InstanceType>): Catalogue => {
    let catalogue = catalogues.get(types)
    if (catalogue === undefined) {
      catalogue = new Catalogue(types, dimensions, wellKnown)
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
  const existing = nodeOrder(problem.nodes)
  const nodes = existing.map((node) => nodeModel(node, daemons, dimensions))

  const topology = new Topology(pools, nodes, existing)
  const groups = new HostGroups()
  const own = examples.map((pod) => groups.learn(pod))
  for (const node of existing) for (const pod of node.pods) groups.learn(pod)
  const intern = new Interner(pools, nodes.length)
  const preferred = problem.options?.preferencePolicy !== "Ignore"
  const softTaints = [...pools, ...nodes].some((host) => host.taints.some((taint) => taint.effect === "PreferNoSchedule"))
  const classes = examples.map((pod, i) => {
    const field = unsupportedField(pod.spec) ?? topology.unsupportedField(pod)
    if (field !== undefined) return unsupported(field)
    const constraints = constraintsOf(pod.spec, topology.requirementsFor(pod), preferred, softTaints)
    return classFrom(constraints, groups.complete(pod, own[i]!), intern)
  })
  const requests = shapes.map((shape) => {
    const request = dimensions.need(shape.requests)
    request[PODS] = 1
    return request
  })
  const invalid: Array<{ pod: number; message: string }> = []
  shapeOf.forEach((shape, pod) => {
    const message = shapes[shape]!.invalid
    if (message !== undefined) invalid.push({ pod, message })
  })
  const usable = invalid.length === 0 ? undefined : shapes.map((shape) => shape.invalid === undefined)
  const runs = runsOf(problem.pods, classes, classOf, requests, shapeOf, usable)
  const runOf = new Int32Array(problem.pods.length).fill(-1)
  runs.forEach((run, r) => run.pods.forEach((pod) => {
    runOf[pod] = r
  }))
  return {
    problem,
    dimensions,
    wellKnown,
    pools,
    nodes,
    hostCounts: groups.countBound(existing.map((node) => node.pods)),
    states: new States(dimensions.size, wellKnown),
    runs,
    runOf,
    invalid
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

/** Gives equal demands and equal steps one object. */
class Interner {
  private readonly pools: ReadonlyArray<Pool>
  private readonly nodes: number
  private readonly demands: Map<string, Demand> = new Map()
  private readonly steps: Map<string, Step> = new Map()

  constructor(pools: ReadonlyArray<Pool>, nodes: number) {
    this.pools = pools
    this.nodes = nodes
  }

  step(requirements: Requirements, ports: ReadonlyArray<HostPort>, tolerations: ReadonlyArray<Toleration>): Step {
    const key = `${identityOfRequirements(requirements)}\n${JSON.stringify(ports)}`
    let demand = this.demands.get(key)
    if (demand === undefined) {
      demand = { id: this.demands.size, requirements, ports }
      this.demands.set(key, demand)
    }
    const identity = `${demand.id} ${JSON.stringify(tolerations)}`
    let step = this.steps.get(identity)
    if (step === undefined) {
      const tolerated = this.pools.map((pool) => untolerated(pool.taints, tolerations).length === 0)
      step = new Step(demand, tolerations, tolerated, this.nodes)
      this.steps.set(identity, step)
    }
    return step
  }
}

const unsupported = (field: string): PodClass => ({
  steps: [],
  ports: [],
  hosts: { rules: [], counts: [] },
  pinned: [],
  movable: true,
  refusal: { reason: "UnsupportedConstraint", message: `${field} is not supported yet` }
})

const classFrom = ({ rungs, ports, impossible }: Constraints, hosts: HostMembership, intern: Interner): PodClass => ({
  steps: [...new Set(rungs.map((rung) => intern.step(rung.requirements, ports, rung.tolerations)))],
  ports,
  hosts,
  pinned: [],
  movable: true,
  refusal: impossible
    ? { reason: "IncompatibleRequirements", message: "its required node affinity has only empty terms, which match no node" }
    : undefined
})

/** Largest requests first: CPU, then memory, then the rest; equal ones by the oldest pod of their class. */
const runsOf = (
  pods: ReadonlyArray<Pod>,
  classes: ReadonlyArray<PodClass>,
  classOf: Int32Array,
  requests: ReadonlyArray<Float64Array>,
  shapeOf: Int32Array,
  usable: ReadonlyArray<boolean> | undefined
): ReadonlyArray<Run> => {
  // Different ways to ask for the same amounts are one size.
  const sizes = new Map<string, number>()
  const sizeOf = requests.map((request) => {
    const key = request.join(",")
    const size = sizes.get(key) ?? sizes.size
    sizes.set(key, size)
    return size
  })
  const order = podOrder(pods)
  interface Group extends Run {
    readonly pods: Array<number>
    readonly first: number
  }
  const groups = new Map<number, Group>()
  for (let i = 0; i < order.length; i++) {
    const pod = order[i]!
    const shape = shapeOf[pod]!
    if (usable !== undefined && !usable[shape]!) continue
    const key = sizeOf[shape]! * classes.length + classOf[pod]!
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, { podClass: classes[classOf[pod]!]!, request: requests[shape]!, pods: [pod], first: i })
    } else group.pods.push(pod)
  }
  return [...groups.values()].sort((a, b) => {
    for (const d of [CPU, MEMORY]) if (a.request[d] !== b.request[d]) return b.request[d]! - a.request[d]!
    for (let d = PODS + 1; d < a.request.length; d++) if (a.request[d] !== b.request[d]) return b.request[d]! - a.request[d]!
    return a.first - b.first
  })
}
