/** Puts consolidation's question together. */
import { Effect } from "effect"
import type { StateNode } from "../../cluster/cluster.ts"
import type { Pod } from "../../kube/objects.ts"
import type { Candidate as Asked, ConsolidationProblem, PoolTotals } from "../../scheduling/consolidation/contract.ts"
import { Settings } from "../../settings/settings.ts"
import { consolidatable } from "../nodeclaim/consolidatable.ts"
import type { Participants } from "../provisioning/nodePools.ts"
import { questionOf } from "../provisioning/solve.ts"
import { priceOf, wholeCostOf } from "./candidate.ts"
import type { Candidate } from "./candidate.ts"
import type { View } from "./look.ts"
import { homeless, movingPods } from "./simulate.ts"
import { inSlices } from "./slices.ts"

/** Candidates that are worked out at a time. */
const atOnce = 50

/** Pods came or went there not long ago, or it is not ready: it takes none of those that consolidation moves. */
export const isTooYoung = ({ claim, initialized, nodePool }: StateNode, { nodePools, nowMillis }: View): boolean => {
  if (!initialized) return true
  const pool = nodePools.get(nodePool ?? "")
  if (claim === undefined || pool === undefined) return false
  const decision = consolidatable(claim, pool, nowMillis)
  return decision.action === "clear" && decision.reason === "TooSoon"
}

/** What NodePools with the policy Balanced are measured by: all of their nodes. */
export const totalsOf = ({ candidates, nodes, pools, prices }: View): { readonly [nodePool: string]: PoolTotals } => {
  const known = new Map(candidates.map((candidate) => [candidate.name, candidate]))
  const totals: { [nodePool: string]: PoolTotals } = {}
  for (const { name, policy } of pools("Underutilized").values()) {
    if (policy !== "Balanced") continue
    const own = nodes.filter(({ claim, nodePool }) => nodePool === name && claim !== undefined)
    totals[name] = {
      hourlyPrice: own.reduce((sum, node) => sum + (priceOf(node, prices.get(name) ?? new Map()) ?? 0), 0),
      disruptionCost: own.reduce((sum, node) => {
        const candidate = known.get(node.name)
        return sum + (candidate?.consolidatable === true ? candidate.disruptionCost : wholeCostOf(node))
      }, 0)
    }
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
  const asked = yield* inSlices(function*() {
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
    return found
  }())
  const problem: ConsolidationProblem = {
    ...question,
    nodes: nodes.map((node) => {
      const state = view.byName.get(node.name)
      return { ...node, takesMoved: state !== undefined && !isTooYoung(state, view) }
    }),
    candidates: asked,
    budgets: Object.fromEntries([...pools.values()].map(({ name, remaining }) => [name, isHeld(name) ? 0 : remaining])),
    poolTotals: totalsOf(view),
    consolidation: {
      minimumSavings: consolidationMinimumSavings,
      ...(consolidationPodPrice === undefined ? {} : { podPrice: consolidationPodPrice }),
      spotToSpot: false
    }
  }
  return problem
})
