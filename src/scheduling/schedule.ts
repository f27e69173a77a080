import { ceilings } from "./ceilings.ts"
import { explain } from "./explain.ts"
import { FirstFit } from "./firstFit.ts"
import { assertPlan } from "./invariants.ts"
import type { Model } from "./model.ts"
import { compile } from "./model.ts"
import { NodeWriter, podRef } from "./newNode.ts"
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
  let best = new FirstFit(model, Infinity).run()
  for (const ceiling of ceilings(model)) {
    const other = new FirstFit(model, ceiling).run()
    if (isBetter(other, best)) best = other
  }
  const plan = planOf(model, best)
  if (problem.options?.assert === true) assertPlan(model, plan)
  return plan
}

/** Prices are sums of fractions: differences below this are none. */
const negligible = 1e-9

const isBetter = (a: FirstFit, b: FirstFit): boolean => {
  if (a.unplaced !== b.unplaced) return a.unplaced < b.unplaced
  const saved = b.hourlyPrice - a.hourlyPrice
  return Math.abs(saved) > negligible ? saved > 0 : a.fleet.size < b.fleet.size
}

const planOf = (model: Model, pass: FirstFit): Plan => {
  const { problem } = model
  const writer = new NodeWriter(model, pass)
  const newNodes: Array<NewNode> = []
  const unschedulable: Array<Unschedulable> = []
  for (let node = 0; node < pass.fleet.size; node++) {
    const made = writer.write(node)
    if (made !== undefined) {
      newNodes.push(made)
      continue
    }
    const { pool } = model.states.all[pass.fleet.state[node]!]!
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
