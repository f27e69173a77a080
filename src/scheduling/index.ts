/**
 * Karpenter's scheduler as a library: plain data in, plain data out, no dependency.
 *
 * `schedule(problem)` says which nodes to buy for the pods that no node can take. Around it: the types of problem and plan,
 * Kubernetes' quantities, and the algebra of requirements on labels.
 */
export { schedule, solve } from "./schedule.ts"
export type { Solution } from "./schedule.ts"
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
