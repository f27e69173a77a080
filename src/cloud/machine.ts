/** A claim's machine as the rest of the program sees it: what is the same in every mode. */
import { nodeClassHashVersion } from "../apis/hash.ts"
import { annotation } from "../apis/labels.ts"
import type { InstanceType, Resources } from "../scheduling/problem.ts"
import { allocatableOf } from "./choose.ts"
import type { Machine } from "./cloudProvider.ts"
import { writtenTags } from "./userTags.ts"

const strings = (resources: Resources): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(resources).map(([name, amount]) => [name, String(amount)]))

/** Nothing is known of the room on a plan that Linode's price list does not have any more. */
export const machineRoom = (type: InstanceType | undefined): Pick<Machine, "capacity" | "allocatable"> => ({
  capacity: type === undefined ? {} : strings(type.capacity),
  allocatable: type === undefined ? {} : strings(allocatableOf(type))
})

/** The annotations that say what a machine was made from: the hash of its class, and the class's tags. */
export const originOf = (classHash: string, tags: ReadonlyArray<string>): Machine["annotations"] => ({
  [annotation.nodeClassHash]: classHash,
  ...(tags.length === 0 ? {} : { [annotation.lastAppliedUserTags]: writtenTags(tags) }),
  [annotation.nodeClassHashVersion]: nodeClassHashVersion
})
