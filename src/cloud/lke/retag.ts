/** The tags of a LinodeNodeClass on what was made of it: changed in place, since no node has to be replaced for a tag. */
import { Effect, Result, Schema } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { Instance, Pool } from "../../linode/models.ts"
import { writers } from "./change.ts"
import type { Locks } from "./gather.ts"
import type { ClaimRecord } from "./record.ts"
import { isSystemTag, poolKeyOf } from "./tags.ts"
import { lockOf, ownedNode } from "./view.ts"
import type { View } from "./view.ts"
import type { World } from "./world.ts"

const readTags = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.String)))

/** The class's tags that are, or may be, on the claim's machine. */
const appliedTo = (claim: ClaimRecord): ReadonlyArray<string> => {
  const written = claim.claim.metadata.annotations?.[annotation.lastAppliedUserTags]
  const tags = written === undefined ? undefined : readTags(written)
  return tags?._tag === "Some" ? tags.value : []
}

/** As the Go provider writes them. */
export const writtenTags = (tags: ReadonlyArray<string>): string => JSON.stringify([...new Set(tags)].toSorted())

/** `existing` without what was applied and is wanted no more, with what is wanted. What the system needs always stays. */
const retagged = (
  existing: ReadonlyArray<string>, applied: ReadonlySet<string>, wanted: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const kept = existing.filter((tag) => isSystemTag(tag) || !applied.has(tag) || wanted.includes(tag))
  return [...new Set([...kept, ...wanted])]
}

const same = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((tag) => b.includes(tag))

export interface TagPlan {
  /** The claims of the class that have a machine, and may not say yet which tags it has. */
  readonly claims: ReadonlyArray<ClaimRecord>
  /** What is to be taken off where it is found, less what is wanted. */
  readonly applied: ReadonlySet<string>
  readonly pools: ReadonlyArray<Pool>
  readonly instances: ReadonlyArray<{ readonly id: number; readonly tags: ReadonlyArray<string> }>
}

/** Which Linodes the claims of the class have. */
export const claimsOf = (view: View, nodeClass: string): ReadonlyArray<ClaimRecord> => view.claims.filter((claim) =>
  !claim.deleting && claim.claim.spec.nodeClassRef.name === nodeClass && view.find(ownedNode(view, claim) ?? "") !== undefined)

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
  const applied = new Set(claims.flatMap(appliedTo))
  const pools = new Set(claims.flatMap((claim) => view.find(ownedNode(view, claim) ?? "")?.pool ?? []))
  return {
    claims, applied,
    pools: [...pools].filter((pool) => poolKeyOf(pool) !== undefined && !same(pool.tags, retagged(pool.tags, applied, wanted))),
    instances: claims.flatMap((claim) => {
      const id = instanceOf(view, claim)
      const instance = id === undefined ? undefined : machines.get(id)
      if (instance === undefined || instance.status === "deleting") return []
      const tags = retagged(instance.tags, applied, wanted)
      return same(instance.tags, tags) ? [] : [{ id: instance.id, tags }]
    })
  }
}

/**
 * Tags that are to be applied are written on the claims first, so that whatever stops this is made good later, and alone
 * once they are. One that fails does not keep the others from being written; the first failure is the whole's.
 */
export const retag = Effect.fn("lke.retag")(function*(world: World, locks: Locks, nodeClass: LinodeNodeClass) {
  const { claims, cluster, linode } = world
  const wanted = nodeClass.spec.tags ?? []
  const view = yield* world.look
  const mine = claimsOf(view, nodeClass.metadata.name)
  if (mine.length === 0 || (wanted.length === 0 && mine.every((claim) => appliedTo(claim).length === 0))) return
  const found = yield* world.machines(mine.flatMap((claim) => instanceOf(view, claim) ?? []))
  const plan = decideTags(view, found, nodeClass)

  /** The claims as they are then. */
  const note = (records: ReadonlyArray<ClaimRecord>, tags: (claim: ClaimRecord) => ReadonlyArray<string>) =>
    Effect.forEach(records, (claim) => {
      const text = tags(claim).length === 0 ? null : writtenTags(tags(claim))
      if ((claim.claim.metadata.annotations?.[annotation.lastAppliedUserTags] ?? null) === text) return Effect.succeed(claim)
      return Effect.map(
        claims.annotate(claim, { [annotation.lastAppliedUserTags]: text }, (now) => !now.deleting),
        (written) => written ?? claim
      )
    }, { concurrency: writers })

  const changes = plan.pools.length + plan.instances.length
  const noted = changes === 0 ? plan.claims : yield* note(plan.claims, (claim) => [...appliedTo(claim), ...wanted])
  const pools = plan.pools.map(({ id, ...pool }) => locks.withLock(lockOf({ id, ...pool }))(Effect.gen(function*() {
    // Sentences are written to the same list: it is read again where nobody else writes it.
    const now = (yield* world.pools).find((each) => each.id === id)
    const tags = now === undefined ? [] : retagged(now.tags, plan.applied, wanted)
    if (now !== undefined && !same(now.tags, tags)) yield* linode.updatePool(cluster.id, id, { tags })
  })))
  const instances = plan.instances.map(({ id, tags }) => Effect.asVoid(linode.tagInstance(id, tags)))
  const results = yield* Effect.forEach([...pools, ...instances], (change) => change.pipe(
    Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.void),
    Effect.result
  ), { concurrency: writers })
  if (changes > 0) {
    yield* Effect.logInfo("wrote the tags of a LinodeNodeClass", {
      LinodeNodeClass: { name: nodeClass.metadata.name }, pools: plan.pools.length, instances: plan.instances.length
    })
  }
  const failed = results.find(Result.isFailure)
  if (failed !== undefined) return yield* failed.failure
  yield* note(noted, () => wanted)
})
