/** Why the rules about other pods leave a pod no place, where a node of its own would do otherwise. */
import type { KeyRules } from "./domainChoice.ts"
import type { FirstFit } from "./firstFit.ts"
import type { Model } from "./model.ts"
import type { UnschedulableReason } from "./plan.ts"
import type { Peers } from "./selector.ts"
import type { State } from "./states.ts"
import type { Step } from "./steps.ts"

export interface Objection {
  readonly reason: UnschedulableReason
  readonly message: string
}

/** What the step's rules have against a new node in this state, as the pods are placed now. */
export const objectionOf = (model: Model, pass: FirstFit, step: Step, state: State): Objection | undefined => {
  const lonely = step.company.find((term) => !pass.crowd.isFirst(term))
  if (lonely !== undefined) {
    const { peers } = model.groups.host[lonely.group]!
    return { reason: "PodAffinityNotMet", message: `must share its node with ${describe(peers)}, and no node that has one takes it` }
  }
  if (step.limits.some(({ atMost }) => atMost < 0)) {
    return { reason: "TopologySpreadNotMet", message: "its spread over hosts allows no pod on any node" }
  }
  pass.choice.consider(step.keys)
  const blocked = pass.choice.blocked(state)
  return blocked === undefined ? undefined : domainObjection(model, pass, blocked, state)
}

const domainObjection = (model: Model, pass: FirstFit, { key, rules }: KeyRules, state: State): Objection => {
  const reach = state.reach(key).bits
  const open = key.values.filter((_, d) => ((reach[d >>> 5]! >>> (d & 31)) & 1) === 1)
  if (open.length === 0) {
    return { reason: "TopologySpreadNotMet", message: `its rules about other pods go by ${key.label}, which no node it may have is known to have` }
  }
  // The rule that leaves nothing by itself is told; where only several together do, the last.
  const alone = rules.find((rule) => {
    pass.choice.consider([{ key, rules: [rule], apart: rule.kind === "anti", near: false, open: false }])
    return pass.choice.blocked(state) !== undefined
  }) ?? rules[rules.length - 1]!
  const counts = open.map((value) => `${value}: ${pass.crowd.domain[alone.group]![key.positionOf(value)]!}`).join(", ")
  const who = describe(model.groups.domain[alone.group]!.peers)
  switch (alone.kind) {
    case "affinity":
      return { reason: "PodAffinityNotMet", message: `must be in one ${key.label} with ${who}, and there is none in ${open.join(", ")}` }
    case "anti":
      return {
        reason: "PodAntiAffinityNotMet",
        message: model.groups.domain[alone.group]!.owners
          ? `pods in every ${key.label} it may have (${open.join(", ")}) keep ${who} away`
          : `must not be in one ${key.label} with ${who}, and there are such in each it may have (${counts})`
      }
    case "spread":
      return {
        reason: "TopologySpreadNotMet",
        message: `may make ${key.label} uneven by ${alone.maxSkew} at most, and would by more in each it may have (${counts})`
      }
  }
}

/** `pods with app=web in default`. */
const describe = ({ namespaces, selector }: Peers): string => {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const more = (selector?.matchExpressions ?? []).map(({ key, operator, values }) =>
    values === undefined ? `${key} ${operator}` : `${key} ${operator} [${values.join(", ")}]`)
  const what = [...labels, ...more].join(", ")
  const where = namespaces === "all" ? "any namespace" : namespaces.length === 0 ? "no namespace" : namespaces.join(", ")
  return `pods${what === "" ? "" : ` with ${what}`} in ${where}`
}
