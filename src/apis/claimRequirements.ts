/** What a NodeClaim requires, without what the Go provider wrote there by mistake. */
import { capacityType, label } from "./labels.ts"
import type { NodeClaim } from "./nodeClaim.ts"

type Requirement = NodeClaim["spec"]["requirements"][number]

const capacityTypes: ReadonlySet<string> = new Set(Object.values(capacityType))

/**
 * The Go provider's offerings have no capacity type. So its claims require a random number as one, or none at all where
 * the NodePool asks for on-demand, and no machine is ever like that.
 */
const isAccident = ({ key, operator, values = [] }: Requirement): boolean => key === label.capacityType &&
  (operator === "DoesNotExist" || (operator === "In" && !values.some((value) => capacityTypes.has(value))))

/** The claim's requirements as they were meant: the same list where nothing is wrong with it. */
export const claimRequirements = ({ spec: { requirements } }: NodeClaim): ReadonlyArray<Requirement> =>
  requirements.some(isAccident) ? requirements.filter((requirement) => !isAccident(requirement)) : requirements
