/** Whether claims' machines exist and run, as Linode itself says. */
import { Clock, Effect } from "effect"
import type { LinodeError } from "../linode/linodeError.ts"
import type { Instance } from "../linode/models.ts"
import type { MachineState } from "./cloudProvider.ts"
import type { Machines } from "./machines.ts"

/** A claim, and the id of its Linode where that is known. */
interface Owner {
  readonly uid: string
  readonly instance: number | undefined
}

/** Of these claims, those whose Linode, as far as it is known, is gone: by uid. */
export const goneAmong = Effect.fnUntraced(function*(machines: Machines, claims: ReadonlyArray<Owner>) {
  const found = yield* machines(claims.flatMap(({ instance }) => instance ?? []))
  return new Set(claims.filter(({ instance }) => instance === undefined || found.get(instance) === undefined).map(({ uid }) => uid))
})

/**
 * A Linode that reboots, migrates or is worked on is down for a moment, and comes up by itself; Linode's watchdog starts
 * one that shut itself down. So a machine is stopped when it has been seen down for longer than that takes. Milliseconds.
 */
export const downFor = 180_000

const isDown = ({ status }: Instance): boolean => status === "offline" || status === "stopped"

/**
 * Only machines whose node is not Ready are looked at, every two minutes: what was not looked at for longer than this has been
 * well meanwhile, and is down anew. Milliseconds.
 */
const lookedAtWithin = 300_000

/** What the looks at a machine come to. How long it was down is counted in this process: a restart makes it longer. */
export const makeStates = (isAtWorkOn: (instance: number) => boolean) => {
  const down = new Map<number, { readonly first: number; readonly last: number }>()
  return (instance: Instance, now: number): MachineState => {
    for (const [id, { last }] of down) if (now - last >= lookedAtWithin) down.delete(id)
    if (!isDown(instance) || isAtWorkOn(instance.id)) {
      down.delete(instance.id)
      return "present"
    }
    const first = down.get(instance.id)?.first ?? now
    down.set(instance.id, { first, last: now })
    return now - first >= downFor ? "stopped" : "present"
  }
}

export type StateOf = ReturnType<typeof makeStates>

/** Of the Linode; undefined where it is not known which one that is. */
export const stateOf = (
  machines: Machines, states: StateOf, id: number | undefined
): Effect.Effect<MachineState | undefined, LinodeError> =>
  id === undefined
    ? Effect.undefined
    : Effect.zipWith(machines([id]), Clock.currentTimeMillis, (found, now) => {
      const instance = found.get(id)
      return instance === undefined ? "gone" : states(instance, now)
    })
