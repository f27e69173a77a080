/** Why nodes stay: each that may go is taken away by itself, and what is in the way is named. */
import { explain } from "../explain.ts"
import type { Attempt, Stuck } from "./attempt.ts"
import { attempt } from "./attempt.ts"
import type { Budget } from "../problem.ts"
import { negligible } from "../search/packing.ts"
import type { Candidate, Kept } from "./contract.ts"
import type { Decision } from "./decide.ts"

/** Steps of the search for cheaper nodes: enough for the pods of one node. */
const steps = 20

/** Nodes after which others may have their turn, where nothing is tried. */
const nodesAtOnce = 200

const nobody: ReadonlySet<number> = new Set()

export function* keptOf(decision: Decision, { isSpent }: Budget): Generator<void, ReadonlyArray<Kept>> {
  const { attempts, rules, scene, singles, subproblems, world: { problem, sites } } = decision
  const gone = attempts.flatMap((one) => one.gone)
  const isGone = new Set(gone)
  const waiting = new Set(decision.choice.filter((n) => !decision.tried.has(n)))
  const out: Array<Kept> = [...problem.blocked ?? []]
  for (let n = 0; n < sites.length; n++) {
    const { candidate } = sites[n]!
    if (n % nodesAtOnce === 0) yield
    if (candidate === undefined || isGone.has(n)) continue
    const known = withoutTrying(decision, gone, n, candidate, waiting.has(n)) ??
      (!singles.has(n) && isSpent?.() === true ? { reason: "NotLookedAt" as const, message: cut } : undefined)
    if (known !== undefined) {
      out.push({ node: candidate.node, ...known })
      continue
    }
    const found = singles.get(n) ?? rules.settled(yield* attempt(scene, subproblems, [n], attempts, {
      steps, ceiling: candidate.hourlyPrice, ceilingOfMany: candidate.hourlyPrice, shunned: nobody
    }))
    out.push({ node: candidate.node, ...("stuck" in found ? stuckReason(found) : triedReason(decision, found, candidate)) })
    yield
  }
  return out.sort((a, b) => a.node < b.node ? -1 : a.node > b.node ? 1 : 0)
}

const cut = "the search ended before its turn came"

type Reason = Omit<Kept, "node">

const withoutTrying = (
  { attempts, awaited, isCut, refused, rules }: Decision, gone: ReadonlyArray<number>, n: number, { node, nodePool }: Candidate, isWaiting: boolean
): Reason | undefined => {
  if (awaited.has(n)) return { reason: "Nominated", message: "pods that wait for a place will go there" }
  const pod = refused.get(node)
  if (pod !== undefined) return { reason: "PodHasNoOtherPlace", message: `pod ${pod} has no place once the pods of this node have theirs` }
  if (!rules.allows([...gone, n])) {
    const others = attempts.length === 0 ? "" : " beyond those of this command"
    return { reason: "Budget", message: `the disruption budget of NodePool ${nodePool} lets no more of its nodes go${others}` }
  }
  if (!isWaiting) return undefined
  if (isCut) return { reason: "NotLookedAt", message: cut }
  return attempts.length === 0 ? undefined : { reason: "NotLookedAt", message: "its turn comes once this command is carried out" }
}

const stuckReason = ({ model, pass }: Stuck): Reason => {
  const left = pass.left[0]
  const pod = left === undefined ? model.runOf.indexOf(-1) : left.pods[0]!
  const { metadata: { name, namespace = "default" } } = model.problem.pods[Math.max(0, pod)]!
  const because = left === undefined ? "its requests cannot be read"
    : explain(model, pass, left.run)
      .map(({ message, nodePool }) => nodePool === "" ? message : `NodePool ${nodePool}: ${message}`).join("; ")
  return { reason: "PodHasNoOtherPlace", message: `pod ${namespace}/${name} has no other place: ${because}` }
}

const dollars = (amount: number): string => `$${amount.toFixed(4)}`

const triedReason = ({ isCut, rules, world: { problem } }: Decision, found: Attempt, { hourlyPrice }: Candidate): Reason => {
  const savings = rules.savings(found)
  const count = found.pods.length === 1 ? "its pod" : `its ${found.pods.length} pods`
  const closest = found.launches.length === 0 ? `${count} would fit on other nodes` : `closest is ${describe(found)} for ${count}`
  if (savings <= negligible) {
    const more = savings < -negligible ? `${dollars(-savings)} more than the ${dollars(hourlyPrice)} of this node` : "as much as this node"
    return { reason: "NoCheaperPlacement", message: `no cheaper placement: ${closest}, ${more}` }
  }
  if (!rules.keepsSpotRule(found)) {
    return { reason: "SpotToSpot", message: `${closest}, and a spot node is not replaced by another one` }
  }
  if (!rules.savesEnough(found)) {
    const asked = Math.max(problem.consolidation?.minimumSavings ?? 0, rules.priceOfMoving(found.pods))
    return { reason: "SavingsTooSmall", message: `${closest}, which saves ${dollars(savings)} an hour; ${dollars(asked)} are asked for` }
  }
  if (!rules.isBalanced(found)) {
    const message = `${closest}, which saves ${dollars(savings)} an hour: too little for its disruption cost`
    return { reason: "NotWorthDisruption", message }
  }
  return { reason: "NotLookedAt", message: isCut ? cut : "its turn comes later" }
}

/** How many of which type, and what they cost. */
const describe = ({ cost, launches, model }: Attempt): string => {
  const counts = new Map<string, number>()
  for (const { node } of launches) {
    const { name } = node.state.pool.catalogue.types[node.types[0]!]!
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const names = [...counts].map(([name, count]) => count === 1 ? name : `${count} × ${name}`)
  return `${names.join(" and ")} at ${dollars(cost)} in NodePool ${model.pools.length === 1 ? model.pools[0]!.name : poolsOf(launches)}`
}

const poolsOf = (launches: Attempt["launches"]): string => [...new Set(launches.map(({ node }) => node.state.pool.name))].join(", ")
