/** Passes that give machines back, and the proof that they are gone. */
import { Clock, Effect } from "effect"
import type { Result, Scope } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Instance } from "../../linode/models.ts"
import type { Deletion } from "../cloudProvider.ts"
import { makeGather, makeLocks } from "../gather.ts"
import { decideGiveBack } from "./giveBack.ts"
import type { Verdict } from "./giveBack.ts"
import { isSettled } from "./record.ts"
import type { InstanceRecord } from "./record.ts"
import { isOursOrLabelled } from "./tags.ts"
import type { World } from "./world.ts"

/** Claims that ask within this time share a list: nobody waits for a deletion by the second. */
const gatherFor = "1 second"

/** Deletions that run at once. */
const deleters = 4

/** Up to so many labels are looked for one by one. Each is a list, which is what Linode allows fewest of. */
const mostSingly = 3

export type Deletions = ReadonlyMap<string, Result.Result<Deletion, LinodeError | KubeError>>

/** Deletes a machine of this cluster. One that is gone already is as good. */
export const deleteMachine = Effect.fn("instance.deleteMachine")(function*({ account, linode }: World, { id, label }: Instance) {
  yield* linode.deleteInstance(id).pipe(Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.void))
  // There is room in the account again.
  yield* account.limit.passed
  yield* Effect.logInfo("deleted machine", { "provider-id": id, label })
})

/** So that the claim does not wait for a request that was carried out. */
const noteLanded = ({ claims }: World, record: InstanceRecord, machine: number) => record.intent === undefined
  ? Effect.void
  : claims.annotate(record, { [annotation.instanceIntent]: JSON.stringify({ ...record.intent, machine }) }, (now) =>
    now.intent?.at === record.intent?.at)

const carryOut = Effect.fnUntraced(function*(world: World, record: InstanceRecord, verdict: Verdict) {
  switch (verdict.is) {
    case "gone":
      return "gone" satisfies Deletion
    case "wait":
      yield* Effect.logDebug("a machine is not given back yet", {
        NodeClaim: record.name, why: "a request sent for it may still be carried out"
      })
      return "waiting" satisfies Deletion
    case "delete":
      if (verdict.landed !== undefined) yield* noteLanded(world, record, verdict.landed)
      yield* Effect.forEach(verdict.doomed, (instance) => deleteMachine(world, instance), { discard: true })
      return "terminating" satisfies Deletion
  }
})

/** Anybody's Linodes with these labels: the list of this cluster's own goes by tags. Asked anew each time. */
const labelled = ({ linode }: World, labels: ReadonlySet<string>) => labels.size > mostSingly
  ? Effect.map(linode.instances([]), (all) => all.filter(({ label }) => labels.has(label)))
  : Effect.map(Effect.forEach(labels, linode.instancesByLabel, { concurrency: deleters }), (found) => found.flat())

/** The machine of ours that each claim names or that has its label: lists are by tags, and somebody may have taken them off. */
const namedBy = Effect.fnUntraced(function*(
  world: World, records: ReadonlyArray<InstanceRecord>, listed: ReadonlyArray<Instance>
) {
  const byId = new Map<number | undefined, Instance>(listed.map((instance) => [instance.id, instance]))
  const labels = new Set(listed.map(({ label }) => label))
  const unlisted = records.flatMap(({ instance }) => instance === undefined || byId.has(instance) ? [] : [instance])
  const read = yield* world.machines(unlisted)
  for (const [id, instance] of read) if (instance !== undefined) byId.set(id, instance)
  const untold = records.filter((record) =>
    !isSettled(record) && !byId.has(record.instance) && !labels.has(world.labelOf(record)))
  const found = yield* labelled(world, new Set(untold.map(world.labelOf)))
  const byLabel = new Map(found.map((instance) => [instance.label, instance]))
  return (record: InstanceRecord): Instance | undefined => {
    const label = world.labelOf(record)
    const named = byId.get(record.instance) ?? byLabel.get(label)
    return named !== undefined && isOursOrLabelled(named, world.cluster.identity, label) ? named : undefined
  }
})

const pass = (world: World) => Effect.fn("instance.giveBack")(function*(asked: ReadonlyArray<InstanceRecord>) {
  const records = [...new Map(asked.map((record) => [record.uid, record])).values()]
  const now = yield* Clock.currentTimeMillis
  const listed = yield* world.instances
  const named = yield* namedBy(world, records, listed)
  const isRenamed = records.some((record) => (named(record)?.label ?? world.labelOf(record)) !== world.labelOf(record))
  const claims = isRenamed ? yield* world.claims.list : []
  const results = yield* Effect.forEach(records, (record) => {
    const others = new Set(claims.filter(({ uid }) => uid !== record.uid).map(world.labelOf))
    const verdict = decideGiveBack(record, { now, listed, others, named: named(record), label: world.labelOf(record) })
    return Effect.map(Effect.result(carryOut(world, record, verdict)), (result) => [record.uid, result] as const)
  }, { concurrency: deleters })
  return new Map(results) as Deletions
})

/** Asks for the end of a deleted claim's machine. The answer has an entry for each claim, by uid. */
export const makeGiver = (world: World, scope: Scope.Scope) => {
  const gather = makeGather<InstanceRecord, Deletions, LinodeError | KubeError>({
    scope, locks: makeLocks(), window: gatherFor, run: (_, asked) => pass(world)(asked)
  })
  return (record: InstanceRecord) => gather("", record)
}
