/** Which types a claim may be, the one to buy first. */
import { label, wellKnownLabels } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import { compatible, parseQuantity, requirementsOf, requirementsOfLabels, subtractResources } from "../scheduling/index.ts"
import type { InstanceType, Resources } from "../scheduling/problem.ts"
import { machineLabels } from "./instanceTypes.ts"

const known: ReadonlySet<string> = new Set(wellKnownLabels)

/** What pods and daemons can have of the type. */
export const allocatableOf = (type: InstanceType): Resources => subtractResources(type.capacity, type.overhead ?? {})

const fits = (requests: Resources, type: InstanceType): boolean => {
  const allocatable = allocatableOf(type)
  return Object.entries(requests).every(([name, amount]) => {
    const wanted = parseQuantity(amount)
    return wanted <= 0n || wanted <= parseQuantity(allocatable[name] ?? 0)
  })
}

const priceOf = (type: InstanceType): number => Math.min(...type.offerings.map((offering) => offering.price))

/** Types that meet the claim's requirements and hold its requests: cheapest first, then by name. Available or not. */
export const candidates = (claim: NodeClaim, types: ReadonlyArray<InstanceType>): ReadonlyArray<InstanceType> => {
  const want = requirementsOf(claim.spec.requirements)
  // Labels that only the NodePool knows are no business of the type's.
  const others = new Set([...want.keys()].filter((key) => !known.has(key) || key === label.nodePool))
  return types
    .filter((type) => compatible(requirementsOfLabels(machineLabels(type)), want, others))
    .filter((type) => fits(claim.spec.resources?.requests ?? {}, type))
    .toSorted((a, b) => priceOf(a) - priceOf(b) || (a.name < b.name ? -1 : 1))
}

export const isAvailable = (type: InstanceType): boolean => type.offerings.some((offering) => offering.available !== false)
