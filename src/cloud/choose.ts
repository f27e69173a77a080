/** Which types a claim may be, the one to buy first. */
import { claimRequirements } from "../apis/claimRequirements.ts"
import { label, wellKnownLabels } from "../apis/labels.ts"
import { isUnlaunched } from "../apis/launched.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import { compatible, parseQuantity, requirementsOf, requirementsOfLabels, subtractResources } from "../scheduling/index.ts"
import type { Requirements } from "../scheduling/index.ts"
import type { InstanceType, Resources } from "../scheduling/problem.ts"
import { machineLabels } from "./instanceTypes.ts"

const wellKnown: ReadonlySet<string> = new Set(wellKnownLabels)

/** What pods and daemons can have of the type. */
export const allocatableOf = (type: InstanceType): Resources => subtractResources(type.capacity, type.overhead ?? {})

const priceOf = (type: InstanceType): number => Math.min(...type.offerings.map((offering) => offering.price))

/** A type made ready for many claims. */
interface Ready {
  readonly type: InstanceType
  readonly labels: Requirements
  readonly room: ReadonlyMap<string, bigint>
}

const amounts = (resources: Resources): ReadonlyMap<string, bigint> =>
  new Map(Object.entries(resources).map(([name, amount]) => [name, parseQuantity(amount)]))

const makeReady = (types: ReadonlyArray<InstanceType>): ReadonlyArray<Ready> => types
  .toSorted((a, b) => priceOf(a) - priceOf(b) || (a.name < b.name ? -1 : 1))
  .map((type) => ({ type, labels: requirementsOfLabels(machineLabels(type)), room: amounts(allocatableOf(type)) }))

const fits = (requests: ReadonlyMap<string, bigint>, room: ReadonlyMap<string, bigint>): boolean =>
  [...requests].every(([name, wanted]) => wanted <= 0n || wanted <= (room.get(name) ?? 0n))

/**
 * The type that a claim has said it is. Its NodePool's limits are charged for that one from then on, so what is bought in the
 * place of a machine that was lost is of the same type. (Karpenter takes a claim away when its machine is gone.)
 */
const launchedAs = (claim: NodeClaim): string | undefined =>
  isUnlaunched(claim) ? undefined : claim.metadata.labels?.[label.instanceType]

/** Types that meet the claim's requirements and hold its requests, of a launched claim its own: cheapest first. Available or not. */
export type Candidates = (claim: NodeClaim, types: ReadonlyArray<InstanceType>) => ReadonlyArray<InstanceType>

/** What a list of types comes to is worked out once, and again when the catalogue gives another list. */
export const makeCandidates = (): Candidates => {
  const known = new WeakMap<ReadonlyArray<InstanceType>, ReadonlyArray<Ready>>()
  return (claim, types) => {
    const ready = known.get(types) ?? makeReady(types)
    known.set(types, ready)
    const want = requirementsOf(claimRequirements(claim))
    // Labels that only the NodePool knows are no business of the type's.
    const others = new Set([...want.keys()].filter((key) => !wellKnown.has(key) || key === label.nodePool))
    const requests = amounts(claim.spec.resources?.requests ?? {})
    const fixed = launchedAs(claim)
    return ready
      .filter(({ labels, room, type }) =>
        (fixed === undefined || type.name === fixed) && fits(requests, room) && compatible(labels, want, others))
      .map(({ type }) => type)
  }
}

export const isAvailable = (type: InstanceType): boolean => type.offerings.some((offering) => offering.available !== false)
