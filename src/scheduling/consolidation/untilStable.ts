import { subtractResources } from "../podRequests.ts"
import type { Budget, Pod } from "../problem.ts"
import { keyOfPod } from "../otherPods.ts"
import { CapacityTypeLabel, HostnameLabel, InitializedLabel, InstanceTypeLabel, RegisteredLabel, ZoneLabel } from "../wellKnown.ts"
import { consolidate } from "./consolidate.ts"
import type { Candidate, ConsolidationNode, ConsolidationProblem, Disruption, StableConsolidation } from "./contract.ts"

/**
 * Every command that would follow, one after the other, until there is none: replacements are initialized nodes with their pods, and
 * candidates, in the next round. Budgets are what may go in one round.
 */
export const untilStable = (problem: ConsolidationProblem, budget?: Budget): StableConsolidation => {
  const disruptions: Array<Disruption> = []
  let state: ConsolidationProblem = { ...problem, consolidation: { ...problem.consolidation, explain: false } }
  const first = consolidate(state, budget)
  let last = first
  while (last.command !== undefined) {
    disruptions.push(last.command)
    state = afterwards(state, last.command, disruptions.length)
    last = consolidate(state, budget)
  }
  const { lowerBound } = first.totals.after
  return { disruptions, kept: last.kept, totals: { before: first.totals.before, after: { ...last.totals.after, lowerBound } } }
}

/** The problem once the command has been carried out. `round` makes the names of new nodes unique. */
export const afterwards = (problem: ConsolidationProblem, command: Disruption, round: number): ConsolidationProblem => {
  const gone = new Set(command.remove)
  const moved = new Map<string, Pod>()
  const movedTo = new Map<string, Array<Pod>>()
  for (const node of problem.nodes) if (gone.has(node.name)) for (const pod of node.pods) moved.set(keyOfPod(pod), pod)
  for (const { pod, to } of command.moves) {
    const own = moved.get(`${pod.namespace}/${pod.name}`)!
    const on = movedTo.get(to)
    if (on === undefined) movedTo.set(to, [own])
    else on.push(own)
  }
  const stays = problem.nodes.filter(({ name }) => !gone.has(name))
    .map((node) => movedTo.has(node.name) ? { ...node, pods: [...node.pods, ...movedTo.get(node.name)!] } : node)
  const costOf = disruptionCosts(problem)
  const bought = command.replace.map((made): { readonly node: ConsolidationNode; readonly candidate: Candidate } => {
    const type = problem.instanceTypes[made.nodePool]!.find(({ name }) => name === made.instanceType)!
    const name = `${made.name}-${round}`
    const pods = movedTo.get(made.name) ?? []
    const node: ConsolidationNode = {
      name,
      nodePool: made.nodePool,
      labels: {
        ...type.labels, ...made.labels, [HostnameLabel]: name, [InstanceTypeLabel]: type.name, [ZoneLabel]: made.zone,
        [CapacityTypeLabel]: made.capacityType, [RegisteredLabel]: "true", [InitializedLabel]: "true"
      },
      taints: made.taints,
      capacity: type.capacity,
      allocatable: type.overhead === undefined ? type.capacity : subtractResources(type.capacity, type.overhead),
      initialized: true,
      pods,
      ...(type.volumeLimits === undefined ? {} : { volumeLimits: type.volumeLimits })
    }
    const policy = problem.candidates.find(({ nodePool }) => nodePool === made.nodePool)?.policy
    return {
      node,
      candidate: {
        node: name, hourlyPrice: made.hourlyPrice, moving: pods.map(keyOfPod), nodePool: made.nodePool,
        disruptionCost: pods.reduce((sum, pod) => sum + costOf(keyOfPod(pod)), 1),
        ...(policy === undefined ? {} : { policy })
      }
    }
  })
  const candidates = problem.candidates.filter(({ node }) => !gone.has(node)).map((candidate) => {
    const more = movedTo.get(candidate.node)
    return more === undefined ? candidate : {
      ...candidate, moving: [...candidate.moving, ...more.map(keyOfPod)],
      disruptionCost: more.reduce((sum, pod) => sum + costOf(keyOfPod(pod)), candidate.disruptionCost)
    }
  })
  return {
    ...problem,
    nodes: [...stays, ...bought.map(({ node }) => node)],
    candidates: [...candidates, ...bought.map(({ candidate }) => candidate)]
  }
}

/** What a pod adds to the disruption cost of its node: as much as others of the node where it was. */
const disruptionCosts = ({ candidates }: ConsolidationProblem): (key: string) => number => {
  const costs = new Map<string, number>()
  for (const { disruptionCost, moving } of candidates) {
    for (const key of moving) costs.set(key, (disruptionCost - 1) / moving.length)
  }
  return (key) => costs.get(key) ?? 1
}
