/** Which nodes of the input may go, as the controller judges it, and why the others may not. Pure. */
import type { NodePool } from "../../apis/nodePool.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { namesAwaited } from "../../cluster/replacements.ts"
import { budgeted, censusOf } from "../../controllers/disruption/budget.ts"
import { candidateOf, pdbsOf, pricesOf } from "../../controllers/disruption/candidate.ts"
import type { Candidate as Judged, Prices } from "../../controllers/disruption/candidate.ts"
import { isTooYoung, totalsOf } from "../../controllers/disruption/consolidationProblem.ts"
import type { Decision, Reason } from "../../controllers/disruption/eligibility.ts"
import { emptiness } from "../../controllers/disruption/emptiness.ts"
import type { View } from "../../controllers/disruption/look.ts"
import { movingPods } from "../../controllers/disruption/simulate.ts"
import { underutilized } from "../../controllers/disruption/underutilized.ts"
import type { PodDisruptionBudget } from "../../kube/objects.ts"
import type { Candidate, ConsolidationProblem, Kept, KeptReason } from "../../scheduling/consolidation/contract.ts"
import type { Inventory } from "./kinds.ts"
import type { ConsolidateOptions } from "./options.ts"
import type { Question, Shop } from "./question.ts"

export interface Empty {
  readonly name: string
  readonly hourlyPrice: number
}

export interface Removable {
  /** Nodes that nothing needs: they go first, and the problem is without them. Those of a round go at once. */
  readonly empty: ReadonlyArray<ReadonlyArray<Empty>>
  readonly problem: ConsolidationProblem
  /** What nodes cost that are no candidates, in US dollars an hour. */
  readonly fixed: { readonly nodes: number; readonly hourlyPrice: number; readonly unpriced: number }
}

/** Those that no node of the input has are not named: there are no buffers in it. */
const reasons: Partial<Readonly<Record<Reason, KeptReason>>> = {
  NodeClaimMissing: "Unmanaged",
  NodePoolLabelMissing: "Unmanaged",
  NodePoolNotFound: "Unmanaged",
  NodeMissing: "Uninitialized",
  NotInitialized: "Uninitialized",
  Deleting: "Deleting",
  Nominated: "Nominated",
  Awaited: "Nominated",
  DoNotDisrupt: "DoNotDisrupt",
  PodDoNotDisrupt: "DoNotDisrupt",
  PodDisruptionBudget: "PodDisruptionBudget",
  NotConsolidatable: "ConsolidateAfter",
  Unpriced: "Unpriced",
  Budget: "Budget"
}

/** Of nodes that might go and stay all the same their NodePool's budget is used up. */
const keptOf = ({ action, candidate: { name, nodePool }, message, reason }: Decision): Kept => action === "disrupt"
  ? { node: name, reason: "Budget", message: `the disruption budget of NodePool ${nodePool} lets no more of its nodes go` }
  : { node: name, reason: reasons[reason] ?? "Policy", message }

const noPrices: Prices = new Map()

const viewOf = ({ machines, problem }: Question, inventory: Inventory, shop: Shop, nowMillis: number): View => {
  const nodePools = (inventory.nodePools as ReadonlyArray<NodePool>).filter((pool) => shop.isForeign || isManagedPool(pool))
  const types = new Map(nodePools.map(({ metadata: { name } }) => [name, problem.instanceTypes[name] ?? shop.types(undefined)]))
  const prices = new Map([...types].map(([name, own]) => [name, pricesOf(own)]))
  const pdbs = pdbsOf(inventory.budgets as ReadonlyArray<PodDisruptionBudget>)
  const census = censusOf(machines)
  const awaited = namesAwaited(machines.flatMap(({ claim }) => claim ?? []))
  return {
    nowMillis,
    nodes: machines,
    byName: new Map(machines.map((machine) => [machine.name, machine])),
    nodePools: new Map(nodePools.map((pool) => [pool.metadata.name, pool])),
    prices,
    types,
    pdbs,
    candidates: machines.map((machine) => candidateOf(machine, {
      awaited, nowMillis, pdbs, prices: prices.get(machine.nodePool ?? "") ?? noPrices, bufferRoom: false
    })),
    pools: (reason) => new Map(nodePools.map((pool) =>
      [pool.metadata.name, budgeted(pool, reason, census.get(pool.metadata.name), nowMillis)]))
  }
}

/** Empty nodes, in the rounds in which the budgets let them go; only the first where it is not asked what follows. */
const emptyRounds = (view: View, untilStable: boolean): ReadonlyArray<ReadonlyArray<Judged>> => {
  const rounds: Array<ReadonlyArray<Judged>> = []
  const pools = view.pools("Empty")
  // Those with pods that cost nothing to evict are left to the search, which finds a place for these.
  for (let left = view.candidates.filter(({ reschedulable }) => reschedulable === 0);;) {
    const round = emptiness({ candidates: left, pools })
      .filter(({ action }) => action === "disrupt").map(({ candidate }) => candidate)
    if (round.length === 0) return rounds
    rounds.push(round)
    if (!untilStable) return rounds
    left = left.filter((candidate) => !round.includes(candidate))
  }
}

const known = (candidate: Judged): boolean => candidate.hasClaim && candidate.unpriced === undefined

export const removableOf = (
  question: Question, inventory: Inventory, shop: Shop, nowMillis: number,
  { minimumSavings, podPrice, untilStable }: ConsolidateOptions
): Removable => {
  const view = viewOf(question, inventory, shop, nowMillis)
  const empty = emptyRounds(view, untilStable)
  const gone = new Set(empty.flat())
  const rest = view.candidates.filter((candidate) => !gone.has(candidate))
  const pools = view.pools("Underutilized")
  const ofEmptiness = new Map(emptiness({ candidates: rest, pools: view.pools("Empty") })
    .map((decision) => [decision.candidate, decision]))
  const decisions = underutilized({ candidates: rest, pools }).map((decision) =>
    decision.reason === "IsEmpty" ? ofEmptiness.get(decision.candidate) ?? decision : decision)
  const staying = new Set(question.problem.nodes.map(({ name }) => name))
  const goes = decisions.filter(({ action, candidate }) =>
    action === "disrupt" && candidate.reschedulable > 0 && staying.has(candidate.name))
  const stays = decisions.filter((decision) => !goes.includes(decision))
  const goneNames = new Set([...gone].map(({ name }) => name))
  const usedUp = (name: string): number => untilStable ? 0 : [...gone].filter(({ nodePool }) => nodePool === name).length
  const candidates = goes.map(({ candidate: { disruptionCost, name, nodePool = "", price } }): Candidate => ({
    node: name,
    hourlyPrice: price,
    moving: movingPods(view.byName.get(name)!, view).map(({ metadata }) => `${metadata.namespace ?? "default"}/${metadata.name}`),
    disruptionCost,
    nodePool,
    policy: pools.get(nodePool)?.policy === "Balanced" ? "Balanced" : "WhenEmptyOrUnderutilized"
  }))
  const fixed = stays.map(({ candidate }) => candidate).filter(({ markedForDeletion }) => !markedForDeletion)
  return {
    empty: empty.map((round) => round.map(({ name, price }) => ({ name, hourlyPrice: price }))),
    problem: {
      ...question.problem,
      nodes: question.problem.nodes.filter(({ name }) => !goneNames.has(name))
        .map((node) => ({ ...node, takesMoved: !isTooYoung(view.byName.get(node.name)!, view) })),
      candidates,
      blocked: stays.map(keptOf),
      budgets: Object.fromEntries([...pools.values()].map(({ name, remaining }) => [name, Math.max(0, remaining - usedUp(name))])),
      poolTotals: totalsOf(view),
      consolidation: { minimumSavings, spotToSpot: false, ...(podPrice === undefined ? {} : { podPrice }) }
    },
    fixed: {
      nodes: fixed.filter(known).length,
      hourlyPrice: fixed.filter(known).reduce((sum, { price }) => sum + price, 0),
      unpriced: fixed.filter((candidate) => !known(candidate)).length
    }
  }
}
