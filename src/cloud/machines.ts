/** Linodes by their ids, read once for all who ask at about the same time. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { Linode } from "../linode/linode.ts"
import type { LinodeError } from "../linode/linodeError.ts"
import type { Instance } from "../linode/models.ts"
import { makeGather, makeLocks } from "./gather.ts"

/** Who asks within this time shares a reading. */
const gatherFor = "10 millis"

/** Up to so many are read one by one: lists are what Linode allows fewest of. */
const mostSingly = 3

const readers = 4

/** Undefined for an id of which Linode says that there is no such Linode: that no list has it proves nothing. */
export type Machines = (ids: ReadonlyArray<number>) => Effect.Effect<ReadonlyMap<number, Instance | undefined>, LinodeError>

/** `all`: a list that has most of those that will be asked for. */
export const makeMachines = (
  scope: Scope.Scope, linode: Linode["Service"], all: Effect.Effect<ReadonlyArray<Instance>, LinodeError>
): Machines => {
  const one = (id: number) => linode.instance(id).pipe(
    Effect.map((instance): Instance | undefined => instance),
    Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.undefined)
  )
  const read = Effect.fnUntraced(function*(asked: ReadonlyArray<ReadonlyArray<number>>) {
    const ids = [...new Set(asked.flat())]
    const listed = ids.length <= mostSingly ? [] : yield* all
    const known = new Map<number, Instance | undefined>(listed.map((instance) => [instance.id, instance]))
    const others = ids.filter((id) => !known.has(id))
    const found = yield* Effect.forEach(others, one, { concurrency: readers })
    for (const [i, id] of others.entries()) known.set(id, found[i])
    return known as ReadonlyMap<number, Instance | undefined>
  })
  const gather = makeGather<ReadonlyArray<number>, ReadonlyMap<number, Instance | undefined>, LinodeError>({
    scope, locks: makeLocks(), window: gatherFor, run: (_, asked) => read(asked)
  })
  return (ids) => ids.length === 0 ? Effect.succeed(new Map()) : gather("", ids)
}
