/** What all lives of a process share, read once: files take real time, in which virtual time must not pass. */
import { Effect } from "effect"
import * as snapshot from "../../src/linode/snapshot.ts"
import { invariantsOf } from "./invariants/all.ts"
import type { Ground } from "./life.ts"
import type { Mode } from "./world.ts"

export const readGround = async (mode: Mode): Promise<Ground> => {
  const [types, regions] = await Effect.runPromise(Effect.all([snapshot.types, snapshot.regions]))
  return { types, regions, mode, invariants: invariantsOf(mode) }
}
