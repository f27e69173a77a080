/** The tags of a LinodeNodeClass on what was made of it: changed in place, since no node has to be replaced for a tag. */
import { Clock, Effect, Result } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { LinodeError, outcomeUnknown, Transient } from "../../linode/linodeError.ts"
import type { Instance, Pool } from "../../linode/models.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { longestRecording, longestSend, writers } from "../requests.ts"
import { tagMachine } from "../tagMachine.ts"
import { appliedTo, isWritten, retagged, sameTags, writtenTags } from "../userTags.ts"
import type { Locks } from "../gather.ts"
import type { ClaimRecord } from "./record.ts"
import { isSentenced, poolKeyOf } from "./tags.ts"
import { isFresh, lockOf, mayHold, ownedNode, taggingLifetime, trustLists } from "./view.ts"
import type { View } from "./view.ts"
import type { World } from "./world.ts"

export interface TagPlan {
  /** The claims of the class that have a machine, and may not say yet which tags it has. */
  readonly claims: ReadonlyArray<ClaimRecord>
  /** What is to be taken off where it is found, less what is wanted. */
  readonly applied: ReadonlySet<string>
  /** Those that are not, or may not be, as they are to be. */
  readonly pools: ReadonlyArray<Pool>
  /** Ids of the Linodes of which the same is true. */
  readonly instances: ReadonlyArray<number>
}

/** The claims of the class that have a machine. */
export const claimsOf = (view: View, nodeClass: string): ReadonlyArray<ClaimRecord> => view.claims.filter((claim) => {
  if (claim.deleting || claim.claim.spec.nodeClassRef.name !== nodeClass) return false
  const found = view.find(ownedNode(view, claim) ?? "")
  return found !== undefined && mayHold(view, claim, found.pool)
})

/** Claims of the class that name a machine which no list has yet. */
const unlistedOf = (view: View, nodeClass: string): ReadonlyArray<ClaimRecord> => view.claims.filter((claim) =>
  !claim.deleting && claim.claim.spec.nodeClassRef.name === nodeClass && claim.instance !== undefined &&
  claim.node !== undefined && view.find(claim.node) === undefined && isFresh(view, claim))

/** The Linode that the claim has now. */
export const instanceOf = (view: View, claim: ClaimRecord): number | undefined =>
  view.find(ownedNode(view, claim) ?? "")?.node.instance_id ?? claim.instance

/**
 * Pools of the Go provider keep their tags, which are how it knows them; the Linodes in them do not. `view` and `machines` may be
 * some seconds old: what they show counts only of machines whose claims say the same. Pure.
 */
export const decideTags = (
  view: View, machines: ReadonlyMap<number, Instance | undefined>, nodeClass: LinodeNodeClass
): TagPlan => {
  const wanted = nodeClass.spec.tags ?? []
  const claims = claimsOf(view, nodeClass.metadata.name)
  const applied = new Set(claims.flatMap(({ claim }) => appliedTo(claim)))
  const poolOf = (claim: ClaimRecord): Pool | undefined => view.find(ownedNode(view, claim) ?? "")?.pool
  const unwritten = new Set(claims.filter(({ claim }) => !isWritten(claim, wanted)))
  const pools = new Set(claims.flatMap((claim) => poolOf(claim) ?? []))
  const doubtful = new Set([...unwritten].map(poolOf))
  const isRight = (tags: ReadonlyArray<string>): boolean => sameTags(tags, retagged(tags, applied, wanted))
  return {
    claims, applied,
    pools: [...pools].filter((pool) =>
      poolKeyOf(pool) !== undefined && !isSentenced(pool) && (doubtful.has(pool) || !isRight(pool.tags))),
    instances: claims.flatMap((claim) => {
      const id = instanceOf(view, claim)
      const instance = id === undefined ? undefined : machines.get(id)
      if (instance === undefined || instance.status === "deleting") return []
      return isRight(instance.tags) && !unwritten.has(claim) ? [] : [instance.id]
    })
  }
}

const notTagged = (detail: string, isUnknown: boolean) => new LinodeError({
  route: "PUT /lke/clusters/{id}/pools/{id}", status: 0, detail, reason: new Transient({ outcomeUnknown: isUnknown })
})

/**
 * Tags that are to be applied are written on the claims first, so that whatever stops this is made good later, and alone
 * once they are. One that fails does not keep the others from being written; the first failure is the whole's. Tells after
 * how many milliseconds it is worth looking again, where something sent earlier may still be carried out, or a machine is so
 * new that it was not listed.
 */
export const retag = Effect.fn("lke.retag")(function*(
  world: World, locks: Locks, nodeClass: LinodeNodeClass
): Effect.fn.Return<number | undefined, LinodeError | KubeError> {
  const { claims, cluster, linode } = world
  const wanted = nodeClass.spec.tags ?? []
  const view = yield* world.look
  const mine = claimsOf(view, nodeClass.metadata.name)
  const unlisted = unlistedOf(view, nodeClass.metadata.name)
  const all = [...mine, ...unlisted]
  if (all.length === 0 || (wanted.length === 0 && all.every(({ claim }) => appliedTo(claim).length === 0))) return undefined
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
    // Sentences are written to the same list of tags: it is read again where nobody else writes it, and as it is now.
    const now = yield* linode.pool(cluster.id, id)
    const tags = retagged(now.tags, plan.applied, wanted)
    if (isSentenced(now) || sameTags(now.tags, tags)) return false
    if ((yield* Clock.currentTimeMillis) - Date.parse(at) > longestRecording) {
      return yield* notTagged(`pool ${id} was busy for too long to be tagged now`, false)
    }
    yield* linode.updatePool(cluster.id, id, { tags })
    return true
  }).pipe(
    // It waits for its turn too, and `at` has to outlive it.
    Effect.timeoutOrElse({
      duration: longestSend, orElse: () => notTagged(`no answer in time when pool ${id} was tagged`, true)
    }),
    Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.succeed(false))
  )))
  // Pools come first: on some clusters their tags reach their Linodes.
  const ofPools = yield* Effect.forEach(pools, Effect.result, { concurrency: writers })
  const write = tagMachine(linode, plan.applied, wanted, () => true)
  const ofInstances = yield* Effect.forEach(plan.instances, (id) => Effect.result(write(id)), { concurrency: writers })
  const isDoubtful = earlier.length > 0 || ofPools.some((result) => Result.isFailure(result) && outcomeUnknown(result.failure))
  const failed = [...ofPools, ...ofInstances].find(Result.isFailure)
  yield* note(noted, failed === undefined && !isDoubtful ? () => wanted : ({ claim }) => appliedTo(claim), isDoubtful ? marker : null)
  if (failed !== undefined) return yield* failed.failure
  const changed = (results: typeof ofPools) => results.filter((result) => Result.isSuccess(result) && result.success).length
  if (changed(ofPools) + changed(ofInstances) > 0) {
    yield* Effect.logInfo("wrote the tags of a LinodeNodeClass", {
      LinodeNodeClass: { name: nodeClass.metadata.name }, pools: changed(ofPools), instances: changed(ofInstances)
    })
  }
  return isDoubtful ? taggingLifetime : unlisted.length > 0 ? trustLists : undefined
})
