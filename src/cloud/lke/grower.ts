/** Passes that give claims their nodes: look, decide, do, until nothing is left to do. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Pool, PoolNode } from "../../linode/models.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { writers } from "../requests.ts"
import { carryOut } from "./change.ts"
import { makeGather } from "../gather.ts"
import type { Locks } from "../gather.ts"
import { decideByCurrent } from "./current.ts"
import { decideGrow } from "./grow.ts"
import type { GrowPlan } from "./grow.ts"
import type { PoolSpec } from "./poolSpec.ts"
import type { ClaimRecord, Intent } from "./record.ts"
import { mayHold } from "./view.ts"
import type { World } from "./world.ts"

/** Claims that ask within this time share a pass. */
const gatherFor = "10 millis"

/** A pass ends after so many looks; whoever has nothing by then asks again. */
const mostRounds = 8

const mostNodesPerPool = { standard: 100, enterprise: 500 } as const

export interface Owned {
  readonly pool: Pool
  readonly node: PoolNode
}

export type Outcome =
  | { readonly is: "bound"; readonly owned: Owned }
  /** Bought, or perhaps bought: ask again later. */
  | { readonly is: "waiting"; readonly why: string }
  | { readonly is: "refused"; readonly error: LinodeError }
  /** There is nothing for this claim under this key. */
  | { readonly is: "nothing" }

export interface Wish {
  readonly name: string
  /** What to buy; undefined to take only what there is. */
  readonly spec: PoolSpec | undefined
}

export type Pass = ReadonlyMap<string, Outcome>

/** Why a claim that names a node of the user's own pool gets nothing. */
export const notKarpenters = "its node is of a pool that does not carry Karpenter's tags"

const inDoubt: Outcome = { is: "waiting", why: "a change was sent to Linode and its outcome is not known yet" }
const unlisted: Outcome = { is: "waiting", why: "its node is not in Linode's list" }
const theirs: Outcome = { is: "waiting", why: notKarpenters }
const onTheWay: Outcome = { is: "waiting", why: "its node is bought and Linode has not named it yet" }

const unbind = (world: World) => Effect.fnUntraced(function*({ claim, why }: GrowPlan["unbind"][number]) {
  yield* Effect.logInfo(
    why === "lost" ? "the claim's node is gone, it gets another" : "an older claim owns the node, the younger gives it up",
    { NodeClaim: claim.name, node: claim.node }
  )
  const still = (now: ClaimRecord) => now.node === claim.node && !now.deleting
  yield* world.claims.annotate(claim, {
    [annotation.lkeNode]: null,
    ...(claim.intent?.change === "bound" ? { [annotation.lkeIntent]: null } : {})
  }, still)
})

const pass = (world: World) => Effect.fn("lke.pass")(function*(key: string, wishes: ReadonlyArray<Wish>) {
  const spec = wishes.find((wish) => wish.spec !== undefined)?.spec
  const names = new Set(wishes.map((wish) => wish.name))
  const most = mostNodesPerPool[world.cluster.tier]
  const outcomes = new Map<string, Outcome>()
  const settle = (claims: ReadonlyArray<ClaimRecord>, outcome: Outcome) => {
    for (const { name } of claims) if (outcomes.get(name)?.is !== "bound") outcomes.set(name, outcome)
  }
  /** Whether all of them got their node. */
  const bindAll = Effect.fnUntraced(function*(bindings: GrowPlan["bind"], find: (node: string) => Owned | undefined) {
    const note: Intent = { change: "bound", at: yield* isoNow }
    const bound = yield* Effect.forEach(bindings, ({ claim, node, settled }) => world.claims.annotate(claim, {
      [annotation.lkeNode]: node,
      [annotation.lkePoolKey]: key,
      ...(settled ? { [annotation.lkeIntent]: JSON.stringify(note) } : {})
    }, (now) => now.node === undefined && (now.key === claim.key || now.key === key)), { concurrency: writers })
    for (const [i, claim] of bound.entries()) {
      const owned = claim?.node === undefined ? undefined : find(claim.node)
      if (claim !== undefined && owned !== undefined) outcomes.set(claim.name, { is: "bound", owned })
      if (claim !== undefined) continue
      yield* Effect.logDebug("a claim changed while it got its node", { NodeClaim: bindings[i]?.claim.name })
    }
    return bound.every((claim) => claim !== undefined)
  })
  let stopped: Outcome | undefined
  /** The account may have fewer than were asked for: halves of it are tried until one fits. */
  let affordable = Number.POSITIVE_INFINITY
  let tooMany: Outcome | undefined
  let asks = false

  for (let round = 0; round < mostRounds; round++) {
    const { plan, view } = yield* decideByCurrent(world, yield* world.look, (seen) => decideGrow(seen, {
      key, names, most, mayGrow: spec !== undefined && stopped === undefined, ...(spec !== undefined && { inherits: spec.fits })
    }))
    for (const claim of view.claims) {
      if (claim.node === undefined) continue
      const owned = view.find(claim.node)
      const outcome: Outcome = owned === undefined ? unlisted : mayHold(view, claim, owned.pool) ? { is: "bound", owned } : theirs
      outcomes.set(claim.name, outcome)
    }
    if (plan.unbind.length > 0) {
      yield* Effect.forEach(plan.unbind, unbind(world), { concurrency: writers, discard: true })
      for (const { claim } of plan.unbind) outcomes.delete(claim.name)
      continue
    }
    const allBound = yield* bindAll(plan.bind, view.find)
    settle(plan.wait, onTheWay)
    settle(plan.left, stopped ?? tooMany ?? { is: "nothing" })
    if (plan.change === undefined || spec === undefined) {
      if (allBound) break
      continue
    }

    // The tries of one pass are one question.
    const full = asks ? undefined : yield* world.account.limit.check
    if (full !== undefined) {
      settle([...plan.change.claims, ...plan.left], { is: "refused", error: full })
      break
    }
    asks = true
    const change = { ...plan.change, claims: plan.change.claims.slice(0, affordable) }
    if (tooMany !== undefined) settle(plan.change.claims, tooMany)
    const carried = yield* carryOut(world, view, spec, change)
    if (carried.is === "done") {
      const { pool } = carried
      yield* world.account.limit.passed
      const fresh = pool.nodes.filter((node) => view.find(node.id) === undefined && !view.owners.has(node.id))
      const nodes = new Map(fresh.map((node) => [node.id, { pool, node }]))
      settle(carried.claims, onTheWay)
      const served = yield* bindAll(
        carried.claims.slice(0, fresh.length).map((claim, i) => ({ claim, node: fresh[i]!.id, settled: true })),
        (node) => nodes.get(node)
      )
      const all = carried.claims.length === plan.change.claims.length && plan.left.length === 0
      if (allBound && served && all) break
    } else if (carried.is === "unknown") {
      // One more look: often only the answer was lost.
      stopped = inDoubt
      settle(plan.left, stopped)
    } else if (carried.is === "refused" && carried.error.reason._tag !== "Gone") {
      const refused: Outcome = { is: "refused", error: carried.error }
      settle([...plan.change.claims, ...plan.left], refused)
      if (carried.error.reason._tag !== "Quota") break
      if (change.claims.length === 1) {
        yield* world.account.limit.refused(carried.error)
        break
      }
      affordable = Math.floor(change.claims.length / 2)
      tooMany = refused
    }
  }
  return outcomes as Pass
})

/** Asks for the claim's node under a key. Claims that ask at about the same time share one pass, and one change. */
export const makeGrower = (world: World, scope: Scope.Scope, locks: Locks) => makeGather<Wish, Pass, LinodeError | KubeError>({
  scope,
  locks,
  window: gatherFor,
  run: pass(world)
})
export type Grower = ReturnType<typeof makeGrower>
