/** Puts consolidation's question together. */
import { Effect } from "effect"
import type { StateNode } from "../../cluster/cluster.ts"
import type { Pod } from "../../kube/objects.ts"
import type { Candidate as Asked, ConsolidationNode, ConsolidationProblem, PoolTotals } from "../../scheduling/consolidation/contract.ts"
import { inSlices } from "../../runtime/inSlices.ts"
import { drained } from "../../scheduling/drained.ts"
import { Settings } from "../../settings/settings.ts"
import { consolidatable } from "../nodeclaim/consolidatable.ts"
import type { Participants } from "../provisioning/nodePools.ts"
import { questionOf } from "../provisioning/solve.ts"
import { priceOf, wholeCostOf } from "./candidate.ts"
import type { Candidate } from "./candidate.ts"
import type { View } from "./look.ts"
import { homeless, movingPods } from "./simulate.ts"

/** Nodes that are worked out at a time. */
const atOnce = 50

/** Pods came or went there not long ago, or it is not ready: it takes none of those that consolidation moves. */
export const isTooYoung = ({ claim, initialized, nodePool }: StateNode, { nodePools, nowMillis }: View): boolean => {
  if (!initialized) return true
  const pool = nodePools.get(nodePool ?? "")
  if (claim === undefined || pool === undefined) return false
  const decision = consolidatable(claim, pool, nowMillis)
  return decision.action === "clear" && decision.reason === "TooSoon"
}

interface Totals {
  readonly [nodePool: string]: PoolTotals
}

/** What NodePools with the policy Balanced are measured by: all of their nodes. */
export const totalsOf = (view: View): Totals => drained(totallingOf(view))

/** The same, some nodes at a time. */
export function* totallingOf({ candidates, nodes, pools, prices }: View): Generator<void, Totals> {
  const totals: { [nodePool: string]: { hourlyPrice: number; disruptionCost: number } } = {}
  for (const { name, policy } of pools("Underutilized").values()) {
    if (policy === "Balanced") totals[name] = { hourlyPrice: 0, disruptionCost: 0 }
  }
  if (Object.keys(totals).length === 0) return totals
  const known = new Map(candidates.map((candidate) => [candidate.name, candidate]))
  for (const [i, node] of nodes.entries()) {
    if (i % atOnce === 0) yield
    const { claim, nodePool = "" } = node
    const total = totals[nodePool]
    if (claim === undefined || total === undefined) continue
    const candidate = known.get(node.name)
    total.hourlyPrice += priceOf(node, prices.get(nodePool) ?? new Map()) ?? 0
    total.disruptionCost += candidate?.consolidatable === true ? candidate.disruptionCost : wholeCostOf(node)
  }
  return totals
}

const keyOf = ({ metadata: { name, namespace = "default" } }: Pod): string => `${namespace}/${name}`

/** `candidates` are those that may go; `isHeld` tells NodePools that are left alone for now. */
export const consolidationProblem = Effect.fnUntraced(function*(
  view: View, candidates: ReadonlyArray<Candidate>, participants: Participants, isHeld: (nodePool: string) => boolean
) {
  const { consolidationMinimumSavings, consolidationPodPrice } = yield* Settings
  const { leaving, pending } = yield* homeless(view)
  const { nodes, ...question } = yield* questionOf({
    pods: [...pending, ...leaving], nodes: view.nodes, promised: new Map<string, ReadonlyArray<Pod>>()
  }, participants)
  const pools = view.pools("Underutilized")
  const { asked, there, poolTotals } = yield* inSlices(function*() {
    const found: Array<Asked> = []
    for (const candidate of candidates) {
      const state = view.byName.get(candidate.name)
      const { disruptionCost, nodePool, price } = candidate
      if (state === undefined || nodePool === undefined) continue
      const policy = pools.get(nodePool)?.policy === "Balanced" ? "Balanced" : "WhenEmptyOrUnderutilized"
      found.push({
        node: candidate.name, hourlyPrice: price, moving: movingPods(state, view).map(keyOf), disruptionCost, nodePool, policy
      })
      if (found.length % atOnce === 0) yield
    }
    const seen: Array<ConsolidationNode> = []
    for (const node of nodes) {
      const state = view.byName.get(node.name)
      seen.push({ ...node, takesMoved: state !== undefined && !isTooYoung(state, view) })
      if (seen.length % atOnce === 0) yield
    }
    return { asked: found, there: seen, poolTotals: yield* totallingOf(view) }
  }())
  const problem: ConsolidationProblem = {
    ...question,
    nodes: there,
    candidates: asked,
    budgets: Object.fromEntries([...pools.values()].map(({ name, remaining }) => [name, isHeld(name) ? 0 : remaining])),
    poolTotals,
    consolidation: {
      minimumSavings: consolidationMinimumSavings,
      ...(consolidationPodPrice === undefined ? {} : { podPrice: consolidationPodPrice }),
      spotToSpot: false
    }
  }
  return problem
})
