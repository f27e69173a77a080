/**
 * What a claim is going to be before Linode says so: the cheapest type that it allows. Every type it names holds the
 * pods it was made for, so counting on the cheapest never makes a second node necessary, whichever is bought. Limits count on the
 * largest instead: they hold whichever is bought.
 */
import { claimRequirements } from "../apis/claimRequirements.ts"
import { label } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { ResourceList } from "../kube/objects.ts"
import type { InstanceType, Offering } from "../scheduling/problem.ts"
import { intersects, requirementsOf, requirementsOfLabels } from "../scheduling/index.ts"
import { fits, minus, most } from "./amounts.ts"

export interface Expectation {
  readonly labels: Readonly<Record<string, string>>
  readonly capacity: ResourceList
  readonly allocatable: ResourceList
  /** Resource by resource, the most capacity of any type that may be bought: of those sold out too, as they may come back. */
  readonly most: ResourceList
}

const labelsOf = (type: InstanceType, offering: Offering): Readonly<Record<string, string>> => ({
  ...type.labels,
  [label.instanceType]: type.name,
  [label.zone]: offering.zone,
  [label.capacityType]: offering.capacityType
})

const fixedLabels = (claim: NodeClaim): Readonly<Record<string, string>> => Object.fromEntries(
  claimRequirements(claim).flatMap((requirement) =>
    requirement.operator === "In" && requirement.values?.length === 1 ? [[requirement.key, requirement.values[0]!]] : [])
)

/** Where no type is known a claim counts for what it asked for: room for its own pods and for nothing else. */
export const expectation = (claim: NodeClaim, types: ReadonlyArray<InstanceType>): Expectation => {
  const requests = claim.spec.resources?.requests ?? {}
  const wanted = requirementsOf(claimRequirements(claim))
  const options = types.flatMap((type) => type.offerings.map((offering) => ({
    type,
    offering,
    labels: labelsOf(type, offering),
    allocatable: minus(type.capacity, type.overhead ?? {})
  }))).filter((option) => intersects(wanted, requirementsOfLabels(option.labels)) && fits(requests, option.allocatable))
  const best = options.toSorted((a, b) =>
    // What was sold out since is bought only if it comes back.
    Number(a.offering.available === false) - Number(b.offering.available === false) ||
    a.offering.price - b.offering.price ||
    (a.type.name < b.type.name ? -1 : 1)
  )[0]
  return best === undefined
    ? { labels: fixedLabels(claim), capacity: requests, allocatable: requests, most: requests }
    : {
      labels: { ...fixedLabels(claim), ...best.labels },
      capacity: best.type.capacity,
      allocatable: best.allocatable,
      most: most(options.map(({ type }) => type.capacity))
    }
}
