/** One pass over the machines of this cluster: what no claim owns is given back. */
import { Clock, Effect, Ref } from "effect"
import type { KubeError } from "../../kube/kubeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Instance } from "../../linode/models.ts"
import { attemptEach } from "../../runtime/attemptEach.ts"
import { grace, writers } from "../requests.ts"
import { deleteMachine } from "./giver.ts"
import { isLeaving } from "./machine.ts"
import type { InstanceRecord } from "./record.ts"
import type { World } from "./world.ts"

/** Which Linodes have had no owner since when. Milliseconds. */
export type Since = ReadonlyMap<number, number>

/** Machines that no claim owns: none has their label, and none names them. */
export const unowned = (
  instances: ReadonlyArray<Instance>, claims: ReadonlyArray<InstanceRecord>, labelOf: (record: InstanceRecord) => string
): ReadonlyArray<Instance> => {
  const labels = new Set(claims.map(labelOf))
  const ids = new Set(claims.flatMap(({ instance }) => instance ?? []))
  return instances.filter((instance) => !isLeaving(instance) && !labels.has(instance.label) && !ids.has(instance.id))
}

/** `since` brought up to date: whatever has an owner again, or is gone, starts from nothing next time. */
export const observe = (instances: ReadonlyArray<Instance>, since: Since, now: number): Since =>
  new Map(instances.map(({ id }) => [id, since.get(id) ?? now]))

/** How long something had no owner is counted in this process alone: a restart only makes the grace longer. */
export const makeSweeper = (world: World): Effect.Effect<void, LinodeError | KubeError> => {
  const since = Ref.makeUnsafe<Since>(new Map())
  return Effect.gen(function*() {
    const [instances, claims] = yield* Effect.all([world.instances, world.claims.list], { concurrency: 2 })
    const now = yield* Clock.currentTimeMillis
    const orphans = unowned(instances, claims, world.labelOf)
    const seen = yield* Ref.updateAndGet(since, (known) => observe(orphans, known, now))
    const due = orphans.filter(({ id }) => now - (seen.get(id) ?? now) >= grace)
    if (due.length > 0) {
      yield* Effect.logInfo("machines without a claim", { machines: due.map(({ id, label }) => ({ "provider-id": id, label })) })
    }
    // One that stays does not keep the others from going.
    yield* attemptEach(due, (instance) => deleteMachine(world, instance), { concurrency: writers })
  }).pipe(Effect.withSpan("instance.collectGarbage"))
}
