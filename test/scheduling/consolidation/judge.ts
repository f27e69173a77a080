/** Judges a command by Kubernetes' rules: what it leaves behind, and where its pods end up. */
import type { ConsolidationProblem, Disruption } from "../../../src/scheduling/consolidation/contract.ts"
import type { Plan, Pod, Problem } from "../../../src/scheduling/index.ts"
import { affinityViolations } from "../checker/affinity.ts"
import { antiAffinityObjections } from "../checker/antiAffinity.ts"
import { fitObjections } from "../checker/fit.ts"
import { newNodeViolations } from "../checker/newNodes.ts"
import { spreadViolations } from "../checker/spread.ts"
import { volumeObjections } from "../checker/volumes.ts"
import { worldOf } from "../checker/world.ts"

const keyOf = ({ metadata: { name, namespace = "default" } }: Pod): string => `${namespace}/${name}`

/** Everything that is wrong with the command, in sentences. */
export const objectionsTo = (problem: ConsolidationProblem, command: Disruption): ReadonlyArray<string> => {
  const gone = new Set(command.remove)
  const candidates = new Map(problem.candidates.map((candidate) => [candidate.node, candidate]))
  const out: Array<string> = []
  const moving = new Map<string, Pod>()
  for (const name of command.remove) {
    const candidate = candidates.get(name)
    if (candidate === undefined) {
      out.push(`${name} is no candidate`)
      continue
    }
    const node = problem.nodes.find((one) => one.name === name)!
    for (const pod of node.pods) if (candidate.moving.includes(keyOf(pod))) moving.set(keyOf(pod), pod)
  }
  if (gone.size < command.remove.length || gone.size === 0) out.push("removes a node twice or none")
  for (const [pool, most] of Object.entries(problem.budgets ?? {})) {
    const count = command.remove.filter((name) => candidates.get(name)?.nodePool === pool).length
    if (count > most) out.push(`takes ${count} nodes of ${pool}, ${most} may go`)
  }
  const moved = command.moves.map(({ pod }) => `${pod.namespace}/${pod.name}`)
  for (const key of moving.keys()) if (moved.filter((one) => one === key).length !== 1) out.push(`${key} does not move once`)
  for (const key of moved) if (!moving.has(key)) out.push(`${key} has no need to move`)
  const removed = command.remove.reduce((sum, name) => sum + (candidates.get(name)?.hourlyPrice ?? 0), 0)
  const bought = command.replace.reduce((sum, { hourlyPrice }) => sum + hourlyPrice, 0)
  if (command.reason === "Underutilized" && command.hourlySavings <= 0) out.push("saves nothing")
  if (command.podsMoved !== command.moves.length) out.push("miscounts its moves")
  const stays = problem.nodes.filter(({ name }) => !gone.has(name))
  for (const { pod, to } of command.moves) {
    const on = problem.nodes.find(({ name }) => name === to)
    if (gone.has(to)) out.push(`${pod.name} goes to ${to}, which goes itself`)
    else if (on !== undefined && (on.takesMoved ?? on.initialized) === false) out.push(`${pod.name} goes to ${to}, which takes nobody`)
    else if (on === undefined && !command.replace.some(({ name, pods }) => name === to && pods.some((one) => one.name === pod.name))) {
      out.push(`${pod.name} goes to ${to}, which is no replacement for it`)
    }
  }
  const state: Problem = { ...problem, pods: [...moving.values()], nodes: stays }
  const existing = stays.flatMap(({ name }) => {
    const pods = command.moves.filter(({ to }) => to === name).map(({ pod }) => pod)
    return pods.length === 0 ? [] : [{ name, pods }]
  })
  const plan: Plan = {
    version: 1, newNodes: command.replace, existingNodes: existing, unschedulable: [],
    totals: { newNodes: command.replace.length, hourlyPrice: bought, unschedulable: 0 }
  }
  const world = worldOf(state, plan)
  const worst = world.spots.reduce((sum, { faces, made }) =>
    made === undefined ? sum : sum + Math.max(...faces.map(({ offering }) => offering!.price)), 0)
  if (removed - worst < command.hourlySavings - 1e-9) out.push(`says it saves ${command.hourlySavings}, may save ${removed - worst}`)
  return [
    ...out, ...newNodeViolations(world, plan), ...affinityViolations(world), ...spreadViolations(world),
    ...world.spots.flatMap((spot) => [
      ...fitObjections(spot), ...volumeObjections(world.problem, spot),
      ...spot.placed.flatMap((pod) => antiAffinityObjections(world, spot, pod))
    ])
  ]
}
