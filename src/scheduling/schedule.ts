import { ceilings } from "./ceilings.ts"
import { explain } from "./explain.ts"
import { FirstFit } from "./firstFit.ts"
import { assertPlan } from "./invariants.ts"
import type { Model } from "./model.ts"
import { compile } from "./model.ts"
import { newNode, podRef } from "./newNode.ts"
import type { NewNode, Plan, Refusal, Unschedulable } from "./plan.ts"
import type { Problem } from "./problem.ts"

/**
 * Says where every pod of the problem goes: to a node that is there, to one to buy, or nowhere, and then why.
 *
 * Pure and deterministic: the plan depends on the problem alone, and not on the order of its lists. Never more than a node or a
 * NodePool's limits hold. Among the plans it tries, all by Karpenter's rules, it takes the one that leaves the fewest pods out,
 * then the cheapest by the hour, then the one with the fewest nodes; plain first-fit as Karpenter does it is always among them.
 *
 * A pod that cannot be read (`InvalidPod`) or that asks for what this version cannot judge (`UnsupportedConstraint`) is reported
 * and not placed. Throws `MalformedQuantity` where a quantity of a NodePool, instance type, node or DaemonSet is none.
 */
export const schedule = (problem: Problem): Plan => {
  const model = compile(problem)
  let best = planOf(model, new FirstFit(model, Infinity).run())
  for (const ceiling of ceilings(model)) {
    const plan = planOf(model, new FirstFit(model, ceiling).run())
    if (isBetter(plan, best)) best = plan
  }
  if (problem.options?.assert === true) assertPlan(model, best)
  return best
}

/** Prices are sums of fractions: differences below this are none. */
const cent = 1e-9

const isBetter = (a: Plan, b: Plan): boolean => {
  if (a.totals.unschedulable !== b.totals.unschedulable) return a.totals.unschedulable < b.totals.unschedulable
  const saved = b.totals.hourlyPrice - a.totals.hourlyPrice
  return Math.abs(saved) > cent ? saved > 0 : a.totals.newNodes < b.totals.newNodes
}

const planOf = (model: Model, pass: FirstFit): Plan => {
  const { problem } = model
  const numbers = new Map<string, number>()
  const newNodes: Array<NewNode> = []
  const unschedulable: Array<Unschedulable> = []
  for (let node = 0; node < pass.fleet.size; node++) {
    const pool = model.states.all[pass.fleet.state[node]!]!.pool
    const number = (numbers.get(pool.name) ?? 0) + 1
    const made = newNode(model, pass, node, number)
    if (made !== undefined) {
      numbers.set(pool.name, number)
      newNodes.push(made)
      continue
    }
    const reasons: ReadonlyArray<Refusal> = [{
      nodePool: pool.name,
      reason: "MinValuesNotMet",
      message: `the ${problem.options?.maxInstanceTypes} cheapest instance types do not cover the minValues of NodePool ${pool.name}`
    }]
    for (const pod of pass.fleet.podsOf(node)) unschedulable.push({ pod: podRef(problem.pods[pod]!), reasons })
  }
  for (const { pod, message } of model.invalid) {
    unschedulable.push({ pod: podRef(problem.pods[pod]!), reasons: [{ nodePool: "", reason: "InvalidPod", message }] })
  }
  for (const { run, from } of pass.left) {
    const reasons = explain(model, pass, run)
    for (const pod of run.pods.slice(from)) unschedulable.push({ pod: podRef(problem.pods[pod]!), reasons })
  }
  return {
    version: 1,
    newNodes,
    existingNodes: [...pass.placed].sort(([a], [b]) => a - b)
      .map(([i, pods]) => ({ name: model.nodes[i]!.name, pods: pods.map((pod) => podRef(problem.pods[pod]!)) })),
    unschedulable,
    totals: {
      newNodes: newNodes.length,
      hourlyPrice: newNodes.reduce((sum, node) => sum + node.hourlyPrice, 0),
      unschedulable: unschedulable.length
    }
  }
}
