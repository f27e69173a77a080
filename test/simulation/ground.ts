/** What all lives of a process share, read once: files take real time, in which virtual time must not pass. */
import { Effect } from "effect"
import * as snapshot from "../../src/linode/snapshot.ts"
import { allInvariants } from "./invariants/all.ts"
import type { Ground } from "./life.ts"

export const readGround = async (): Promise<Ground> => {
  const [types, regions] = await Effect.runPromise(Effect.all([snapshot.types, snapshot.regions]))
  return { types, regions, invariants: allInvariants }
}
