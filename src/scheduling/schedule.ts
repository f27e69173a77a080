import { bestPass } from "./bestPass.ts"
import { drained } from "./drained.ts"
import { explain } from "./explain.ts"
import { FirstFit } from "./firstFit.ts"
import { assertPlan } from "./invariants.ts"
import { keepAlive } from "./keepAlive.ts"
import { assertRules } from "./invariantsOfRules.ts"
import type { Model } from "./model.ts"
import { compile, compiling } from "./model.ts"
import { bounding } from "./lowerBound.ts"
import { NodeWriter, podRef } from "./newNode.ts"
import type { PackedNode } from "./packing.ts"
import type { Plan, Unschedulable } from "./plan.ts"
import type { Budget, Problem } from "./problem.ts"
import { searching } from "./search/search.ts"

/** A problem being solved: the first plan is there at once, and may be bettered. */
export interface Solution {
  /** Karpenter's own way to place the pods, complete and legal. */
  readonly first: Plan
  /** A plan that is no dearer, found within the budget, with the lower bound of its price. */
  readonly improve: (budget: Budget) => Plan
  /** The same, a few milliseconds at a time. */
  readonly improving: (budget: Budget) => Generator<void, Plan>
}

/** Some 200 ms on a machine of 2025 that has warmed up: what brings batches of 1,000 pods close to what can be reached. */
const defaultBudget: Budget = { steps: 2000 }

/**
 * Says where every pod of the problem goes: to a node that is there, to one to buy, or nowhere, and then why.
 *
 * Pure and deterministic: the plan depends on the problem and the steps of the budget alone, and not on the order of its lists. Never
 * more than a node or a NodePool's limits hold. Plain first-fit as Karpenter does it is the plan to beat: by one that leaves fewer
 * pods out or smaller ones, or by one that costs less by the hour, or as much with fewer nodes, gives up no more wishes and moves
 * no pods to lighter NodePools.
 *
 * A pod that cannot be read (`InvalidPod`) or that asks for what this version cannot judge (`UnsupportedConstraint`) is reported
 * and not placed. Throws `MalformedQuantity` where a quantity of a NodePool, instance type, node or DaemonSet is none.
 */
export const schedule = (problem: Problem, budget: Budget = defaultBudget): Plan => solve(problem).improve(budget)

/** As `schedule`, for whoever wants to see the first plan, or to say when the search for a cheaper one has to end. */
export const solve = (problem: Problem): Solution => {
  const model = compile(problem)
  return solutionOf(model, new FirstFit(model, Infinity).run())
}

/** As `solve`, a few milliseconds at a time: whoever has other things to do calls `next` until its own time is up. */
export function* solving(problem: Problem): Generator<void, Solution> {
  const model = yield* compiling(problem)
  yield
  const pass = new FirstFit(model, Infinity)
  yield
  return solutionOf(model, yield* pass.running())
}

const solutionOf = (model: Model, plain: FirstFit): Solution => {
  const nodes = plain.packed()
  const write = (): Plan => drained(planning(model, plain, nodes))
  // Who only wants the better plan does not wait for this one to be written; who wants plans checked has it checked all the same.
  let first = model.problem.options?.assert === true ? write() : undefined
  const improving = function*(budget: Budget): Generator<void, Plan> {
    const pass = budget.steps > 0 ? yield* bestPass(model, plain, nodes, budget) : plain
    const packed = pass === plain ? nodes : pass.packed()
    yield
    const bound = yield* bounding(model, packed)
    const found = yield* searching(model, pass, packed, budget, bound)
    yield
    const plan = yield* planning(model, pass, found)
    return { ...plan, totals: { ...plan.totals, lowerBound: bound } }
  }
  return {
    get first() {
      return first ??= write()
    },
    improve: (budget) => drained(improving(budget)),
    improving
  }
}

/** Pods left out after which others may have their turn. */
const explainedAtOnce = 20

/** The plan as it is told, written a part at a time. */
const planning = function*(model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>): Generator<void, Plan> {
  const { problem } = model
  // In the order of the problem, in which the pods lie in memory; every one of them is somewhere in the plan.
  const refs = problem.pods.map(podRef)
  const writer = new NodeWriter(model, refs)
  const newNodes = nodes.map((node) => writer.write(node))
  keepAlive("solution", [model, pass, writer, newNodes[0]])
  const unschedulable: Array<Unschedulable> = []
  for (const { pod, message } of model.invalid) {
    unschedulable.push({ pod: refs[pod]!, reasons: [{ nodePool: "", reason: "InvalidPod", message }] })
  }
  let explained = 0
  for (const { run, pods } of pass.left) {
    if (++explained % explainedAtOnce === 0) yield
    const reasons = explain(model, pass, run)
    for (const pod of pods) unschedulable.push({ pod: refs[pod]!, reasons })
  }
  const plan: Plan = {
    version: 1,
    newNodes,
    existingNodes: [...pass.placed].sort(([a], [b]) => a - b)
      .map(([i, pods]) => ({ name: model.nodes[i]!.name, pods: pods.map((pod) => refs[pod]!) })),
    unschedulable,
    totals: {
      newNodes: newNodes.length,
      hourlyPrice: newNodes.reduce((sum, node) => sum + node.hourlyPrice, 0),
      unschedulable: unschedulable.length
    }
  }
  if (problem.options?.assert === true) {
    assertPlan(model, plan)
    assertRules(model, nodes, pass.placed)
  }
  return plan
}
