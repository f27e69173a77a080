/** The tags of a LinodeNodeClass on what was made of it: changed in place, since no node has to be replaced for a tag. */
import { Clock, Effect, Result } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { LinodeError, outcomeUnknown, Transient } from "../../linode/linodeError.ts"
import type { Instance, Pool } from "../../linode/models.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { longestRecording, longestSend, writers } from "../requests.ts"
import { appliedTo, retagged, sameTags, writtenTags } from "../userTags.ts"
import type { Locks } from "../gather.ts"
import type { ClaimRecord } from "./record.ts"
import { isSentenced, poolKeyOf } from "./tags.ts"
import { lockOf, mayHold, ownedNode, taggingLifetime } from "./view.ts"
import type { View } from "./view.ts"
import type { World } from "./world.ts"

export interface TagPlan {
  /** The claims of the class that have a machine, and may not say yet which tags it has. */
  readonly claims: ReadonlyArray<ClaimRecord>
  /** What is to be taken off where it is found, less what is wanted. */
  readonly applied: ReadonlySet<string>
  readonly pools: ReadonlyArray<Pool>
  readonly instances: ReadonlyArray<{ readonly id: number; readonly tags: ReadonlyArray<string> }>
}

/** The claims of the class that have a machine. */
export const claimsOf = (view: View, nodeClass: string): ReadonlyArray<ClaimRecord> => view.claims.filter((claim) => {
  if (claim.deleting || claim.claim.spec.nodeClassRef.name !== nodeClass) return false
  const found = view.find(ownedNode(view, claim) ?? "")
  return found !== undefined && mayHold(view, claim, found.pool)
})

/** The Linode that the claim has now. */
export const instanceOf = (view: View, claim: ClaimRecord): number | undefined =>
  view.find(ownedNode(view, claim) ?? "")?.node.instance_id ?? claim.instance

/**
 * Pools of the Go provider keep their tags, which are how it knows them; the Linodes in them do not. Pure.
 */
export const decideTags = (
  view: View, machines: ReadonlyMap<number, Instance | undefined>, nodeClass: LinodeNodeClass
): TagPlan => {
  const wanted = nodeClass.spec.tags ?? []
  const claims = claimsOf(view, nodeClass.metadata.name)
  const applied = new Set(claims.flatMap(({ claim }) => appliedTo(claim)))
  const pools = new Set(claims.flatMap((claim) => view.find(ownedNode(view, claim) ?? "")?.pool ?? []))
  return {
    claims, applied,
    pools: [...pools].filter((pool) =>
      poolKeyOf(pool) !== undefined && !isSentenced(pool) && !sameTags(pool.tags, retagged(pool.tags, applied, wanted))),
    instances: claims.flatMap((claim) => {
      const id = instanceOf(view, claim)
      const instance = id === undefined ? undefined : machines.get(id)
      if (instance === undefined || instance.status === "deleting") return []
      const tags = retagged(instance.tags, applied, wanted)
      return sameTags(instance.tags, tags) ? [] : [{ id: instance.id, tags }]
    })
  }
}

const notTagged = (detail: string, isUnknown: boolean) => new LinodeError({
  route: "PUT /lke/clusters/{id}/pools/{id}", status: 0, detail, reason: new Transient({ outcomeUnknown: isUnknown })
})

/**
 * Tags that are to be applied are written on the claims first, so that whatever stops this is made good later, and alone
 * once they are. One that fails does not keep the others from being written; the first failure is the whole's. Tells after
 * how many milliseconds it is worth looking again, where something sent earlier may still be carried out.
 */
export const retag = Effect.fn("lke.retag")(function*(
  world: World, locks: Locks, nodeClass: LinodeNodeClass
): Effect.fn.Return<number | undefined, LinodeError | KubeError> {
  const { claims, cluster, linode } = world
  const wanted = nodeClass.spec.tags ?? []
  const view = yield* world.look
  const mine = claimsOf(view, nodeClass.metadata.name)
  if (mine.length === 0 || (wanted.length === 0 && mine.every((claim) => appliedTo(claim.claim).length === 0))) return undefined
  const found = yield* world.machines(mine.flatMap((claim) => instanceOf(view, claim) ?? []))
  const plan = decideTags(view, found, nodeClass)

  /** The claims as they are then. `at`: tags of their pools are about to be sent. */
  const note = (records: ReadonlyArray<ClaimRecord>, tags: (claim: ClaimRecord) => ReadonlyArray<string>, at: string | null) =>
    Effect.forEach(records, (claim) => {
      const text = tags(claim).length === 0 ? null : writtenTags(tags(claim))
      const known = claim.claim.metadata.annotations ?? {}
      if ((known[annotation.lastAppliedUserTags] ?? null) === text && (known[annotation.lkeTagging] ?? null) === at) {
        return Effect.succeed(claim)
      }
      return Effect.map(
        claims.annotate(claim, { [annotation.lastAppliedUserTags]: text, [annotation.lkeTagging]: at }, (now) => !now.deleting),
        (written) => written ?? claim
      )
    }, { concurrency: writers })

  const at = yield* isoNow
  const changes = plan.pools.length + plan.instances.length
  // What was sent in vain may be carried out yet, over what is written now.
  const earlier = plan.claims.flatMap(({ tagging }) => tagging === undefined || view.now - tagging >= taggingLifetime ? [] : tagging)
  const marker = plan.pools.length > 0 ? at : earlier.length > 0 ? new Date(Math.max(...earlier)).toISOString() : null
  const noted = changes === 0 ? plan.claims : yield* note(plan.claims, (claim) => [...appliedTo(claim.claim), ...wanted], marker)
  const pools = plan.pools.map(({ id, ...pool }) => locks.withLock(lockOf({ id, ...pool }))(Effect.gen(function*() {
    // Sentences are written to the same list: it is read again where nobody else writes it.
    const now = (yield* world.pools).find((each) => each.id === id)
    const tags = now === undefined ? [] : retagged(now.tags, plan.applied, wanted)
    if (now === undefined || isSentenced(now) || sameTags(now.tags, tags)) return
    if ((yield* Clock.currentTimeMillis) - Date.parse(at) > longestRecording) {
      return yield* notTagged(`pool ${id} was busy for too long to be tagged now`, false)
    }
    // It waits for its turn too, and `at` has to outlive it.
    yield* linode.updatePool(cluster.id, id, { tags }).pipe(Effect.timeoutOrElse({
      duration: longestSend, orElse: () => notTagged(`no answer in time when pool ${id} was tagged`, true)
    }))
  })))
  const instances = plan.instances.map(({ id, tags }) => Effect.asVoid(linode.tagInstance(id, tags)))
  const send = (change: Effect.Effect<void, LinodeError>) => change.pipe(
    Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.void),
    Effect.result
  )
  const ofPools = yield* Effect.forEach(pools, send, { concurrency: writers })
  const ofInstances = yield* Effect.forEach(instances, send, { concurrency: writers })
  const isDoubtful = earlier.length > 0 || ofPools.some((result) => Result.isFailure(result) && outcomeUnknown(result.failure))
  const failed = [...ofPools, ...ofInstances].find(Result.isFailure)
  yield* note(noted, failed === undefined && !isDoubtful ? () => wanted : ({ claim }) => appliedTo(claim), isDoubtful ? marker : null)
  if (failed !== undefined) return yield* failed.failure
  if (changes > 0) {
    yield* Effect.logInfo("wrote the tags of a LinodeNodeClass", {
      LinodeNodeClass: { name: nodeClass.metadata.name }, pools: plan.pools.length, instances: plan.instances.length
    })
  }
  return isDoubtful ? taggingLifetime : undefined
})
