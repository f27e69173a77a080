/**
 * Karpenter's scheduler as a library: plain data in, plain data out, no dependency.
 *
 * `schedule(problem)` says which nodes to buy for the pods that no node can take, `consolidate(problem)` which
 * nodes can go. Around them: the types of problem and plan, Kubernetes' quantities, and the algebra of requirements on labels.
 */
export { schedule, solve, solving } from "./schedule.ts"
export type { Solution } from "./schedule.ts"
export { consolidate, consolidating } from "./consolidation/consolidate.ts"
export { untilStable } from "./consolidation/untilStable.ts"
export type * from "./consolidation/contract.ts"
export type * from "./problem.ts"
export type * from "./plan.ts"
export type { QuantityFormat } from "./quantity.ts"
export { compareQuantities, formatOf, formatQuantity, MalformedQuantity, parseQuantity, toMillis, toUnits } from "./quantity.ts"
export { addResources, podRequests, subtractResources } from "./podRequests.ts"
export type { Operator, ValueSet } from "./valueSet.ts"
export {
  anything,
  describeValues,
  hasValue,
  intersection,
  isContradiction,
  noValue,
  operatorOf,
  overlaps,
  someValue,
  toRequirements,
  valuesIn,
  valueSet
} from "./valueSet.ts"
export type { Requirements } from "./requirements.ts"
export {
  both,
  compatible,
  conflict,
  describeRequirements,
  intersects,
  matchesLabels,
  noRequirements,
  requirementsOf,
  requirementsOfLabels,
  serializeRequirements
} from "./requirements.ts"
export { describeTaint, tolerationMatches, untolerated } from "./taints.ts"
export { coreWellKnownLabels, isRestrictedLabel, normalizeLabelKey } from "./wellKnown.ts"
