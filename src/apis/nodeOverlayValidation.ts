/**
 * What the CRD's schema cannot say about a NodeOverlay, and what it does say, for overlays that were
 * written under an older CRD.
 */
import { isRestrictedLabel } from "./labels.ts"
import type { NodeOverlay } from "./nodeOverlay.ts"
import { requirementProblems } from "./nodePoolValidation.ts"
import type { Problem } from "./nodePoolValidation.ts"

const fixed: ReadonlyArray<string> = ["cpu", "memory", "ephemeral-storage", "pods"]
const pricePattern = /^[0-9]+(\.[0-9]+)?$/u
const adjustmentPattern = /^([+-]([0-9]*\.)?[0-9]+|\+([0-9]*\.)?[0-9]+%|-[0-9]{1,2}(\.[0-9]+)?%|-100%)$/u

/** Every problem of a NodeOverlay, in the order of its fields; none when it may be used. */
export const validateNodeOverlay = ({ spec }: NodeOverlay): ReadonlyArray<Problem> => {
  const { capacity = {}, price, priceAdjustment, requirements } = spec
  const problems: Array<Problem> = []
  for (const [position, requirement] of requirements.entries()) {
    const field = `spec.requirements[${position}]`
    problems.push(...requirementProblems(field, requirement, isRestrictedLabel))
    if (requirement.operator === "NotIn" && (requirement.values ?? []).length === 0) {
      problems.push({ field: `${field}.values`, message: "found none, expected at least one value for operator NotIn" })
    }
  }
  if (price !== undefined && priceAdjustment !== undefined) {
    problems.push({ field: "spec.priceAdjustment", message: "spec.price is set, expected one of the two" })
  }
  if (price !== undefined && !pricePattern.test(price)) {
    problems.push({ field: "spec.price", message: `found "${price}", expected a decimal number such as 0.05` })
  }
  if (priceAdjustment !== undefined && !adjustmentPattern.test(priceAdjustment)) {
    const message = `found "${priceAdjustment}", expected a change such as +0.01 or -10%`
    problems.push({ field: "spec.priceAdjustment", message })
  }
  for (const [resource, amount] of Object.entries(capacity)) {
    const field = `spec.capacity[${resource}]`
    if (fixed.includes(resource)) {
      problems.push({ field, message: "expected a resource of a device or of your own, as this one is the type's" })
    } else if (String(amount).startsWith("-")) problems.push({ field, message: `found "${amount}", expected at least 0` })
  }
  return problems
}
