/** The tags of a LinodeNodeClass on its machines: changed in place, since no node has to be replaced for a tag. */
import { Effect } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Instance } from "../../linode/models.ts"
import { attemptEach } from "../../runtime/attemptEach.ts"
import { writers } from "../requests.ts"
import { tagMachine } from "../tagMachine.ts"
import { appliedTo, isWritten, retagged, sameTags, writtenTags } from "../userTags.ts"
import { isLeaving } from "./machine.ts"
import type { InstanceRecord } from "./record.ts"
import { isOurs } from "./tags.ts"
import type { World } from "./world.ts"

export interface TagPlan {
  /** The claims of the class that have a machine. */
  readonly claims: ReadonlyArray<InstanceRecord>
  /** What is to be taken off where it is found, less what is wanted. */
  readonly applied: ReadonlySet<string>
  /** Ids of the Linodes that are not, or may not be, as they are to be. */
  readonly machines: ReadonlyArray<number>
}

/** `instances` may be some seconds old: what they show counts only of machines whose claims say the same. Pure. */
export const decideTags = (
  claims: ReadonlyArray<InstanceRecord>, instances: ReadonlyArray<Instance>, { metadata, spec }: LinodeNodeClass,
  labelOf: (record: InstanceRecord) => string
): TagPlan => {
  const wanted = spec.tags ?? []
  const byLabel = new Map(instances.map((instance) => [instance.label, instance]))
  const byID = new Map(instances.map((instance) => [instance.id, instance]))
  const owned = claims.flatMap((record) => {
    if (record.deleting || record.claim.spec.nodeClassRef.name !== metadata.name) return []
    const instance = byID.get(record.instance ?? -1) ?? byLabel.get(labelOf(record))
    const id = instance?.id ?? record.instance
    return id === undefined || (instance !== undefined && isLeaving(instance)) ? [] : [{ record, id, instance }]
  })
  const applied = new Set(owned.flatMap(({ record }) => appliedTo(record.claim)))
  return {
    applied,
    claims: owned.map(({ record }) => record),
    machines: owned.flatMap(({ id, instance, record }) => {
      const isRight = instance === undefined || sameTags(instance.tags, retagged(instance.tags, applied, wanted))
      return isRight && isWritten(record.claim, wanted) ? [] : [id]
    })
  }
}

/**
 * Tags that are to be applied are written on the claims first, so that whatever stops this is made good later, and alone once
 * they are. One that fails does not keep the others from being written; the first failure is the whole's.
 */
export const retag = Effect.fn("instance.retag")(function*(
  { claims, cluster, instances, labelOf, linode }: World, nodeClass: LinodeNodeClass
): Effect.fn.Return<void, LinodeError | KubeError> {
  const wanted = nodeClass.spec.tags ?? []
  const mine = (yield* claims.list).filter(({ claim, deleting }) =>
    !deleting && claim.spec.nodeClassRef.name === nodeClass.metadata.name)
  if (mine.length === 0 || (wanted.length === 0 && mine.every(({ claim }) => appliedTo(claim).length === 0))) return
  const plan = decideTags(mine, yield* instances, nodeClass, labelOf)

  /** The claims as they are then. */
  const note = (records: ReadonlyArray<InstanceRecord>, tags: (record: InstanceRecord) => ReadonlyArray<string>) =>
    Effect.forEach(records, (record) => {
      const text = tags(record).length === 0 ? null : writtenTags(tags(record))
      if ((record.claim.metadata.annotations?.[annotation.lastAppliedUserTags] ?? null) === text) return Effect.succeed(record)
      return Effect.map(
        claims.annotate(record, { [annotation.lastAppliedUserTags]: text }, (now) => !now.deleting),
        (written) => written ?? record
      )
    }, { concurrency: writers })

  const noted = plan.machines.length === 0
    ? plan.claims
    : yield* note(plan.claims, ({ claim }) => [...appliedTo(claim), ...wanted])
  const write = tagMachine(linode, plan.applied, wanted, (instance) => isOurs(instance, cluster.identity))
  const written = yield* attemptEach(plan.machines, write, { concurrency: writers })
  yield* note(noted, () => wanted)
  const changed = written.filter((is) => is).length
  if (changed > 0) {
    yield* Effect.logInfo("wrote the tags of a LinodeNodeClass", {
      LinodeNodeClass: { name: nodeClass.metadata.name }, machines: changed
    })
  }
})
