/**
 * How the last nodes of each NodePool came up, which says whether its nodes can (Karpenter's nodepool/registrationhealth).
 * Kept in the process; what follows from it is the pool's condition `NodeRegistrationHealthy`, from which a new process begins
 * again.
 */
import { Context, Effect, Layer } from "effect"
import { conditionType, nodeClaimConditions, nodePoolConditions } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { reportTransitions } from "../transitions.ts"

export type Outcome = "registered" | "failed"

/** Older outcomes say nothing any more. */
const remembered = 4
/** In parts of what is remembered, also while there are fewer outcomes: two failures are enough. */
const unhealthyFrom = 0.5

export type Health = "unknown" | "healthy" | "unhealthy"

export const healthOf = (outcomes: ReadonlyArray<Outcome>): Health => {
  if (outcomes.length === 0) return "unknown"
  return outcomes.filter((outcome) => outcome === "failed").length / remembered >= unhealthyFrom ? "unhealthy" : "healthy"
}

/** The outcomes with one more, the oldest forgotten. */
export const withOutcome = (outcomes: ReadonlyArray<Outcome>, outcome: Outcome): ReadonlyArray<Outcome> =>
  [...outcomes, outcome].slice(-remembered)

export class Registrations extends Context.Service<Registrations, {
  /** Of this very pool; none for a later one of its name. */
  readonly of: (pool: NodePool) => ReadonlyArray<Outcome>
  readonly set: (pool: NodePool, outcomes: ReadonlyArray<Outcome>) => void
  readonly forget: (name: string) => void
}>()("karpenter-linode/controllers/Registrations") {}

/** Empty at first. */
export const layer: Layer.Layer<Registrations> = Layer.sync(Registrations, () => {
  const known = new Map<string, { readonly uid: string | undefined; readonly outcomes: ReadonlyArray<Outcome> }>()
  return Registrations.of({
    of: ({ metadata: { name, uid } }) => {
      const entry = known.get(name)
      return entry !== undefined && entry.uid === uid ? entry.outcomes : []
    },
    set: ({ metadata: { name, uid } }, outcomes) => void known.set(name, { uid, outcomes }),
    forget: (name) => void known.delete(name)
  })
})

/** The pool with its condition as the outcomes, the claim's the last of them, make it; the same object when it stays. Pure. */
export const withHealth = (pool: NodePool, claim: NodeClaim, outcomes: ReadonlyArray<Outcome>, now: string): NodePool => {
  const type = conditionType.nodeRegistrationHealthy
  switch (healthOf(outcomes)) {
    case "unknown":
      return pool
    case "healthy":
      // One node that failed proves nothing, and certainly not that nodes come up.
      return outcomes.at(-1) === "registered" ? nodePoolConditions.setTrue(pool, type, now) : pool
    case "unhealthy": {
      // What first went wrong stays until nodes come up again.
      if (nodePoolConditions.isFalse(pool, type)) return pool
      const launched = nodeClaimConditions.get(claim, conditionType.launched)
      return launched?.status === "True"
        ? nodePoolConditions.setFalse(pool, type, "RegistrationFailed", "Failed to register node", now)
        : nodePoolConditions.setFalse(pool, type, launched?.reason ?? "LaunchFailed", launched?.message ?? "", now)
    }
  }
}

/** Writes what changed on a pool's conditions; fails with Conflict where somebody else wrote in between. */
export const writeHealth = Effect.fnUntraced(function*(before: NodePool, after: NodePool) {
  if (after === before) return
  const kube = yield* Kube
  const { nodeClassObservedGeneration } = after.status ?? {}
  const status = {
    conditions: after.status?.conditions,
    ...(nodeClassObservedGeneration === undefined ? {} : { nodeClassObservedGeneration })
  }
  yield* kube.patch(NodePools, { name: before.metadata.name }, {
    metadata: { resourceVersion: before.metadata.resourceVersion }, status
  }, { kind: "merge", subresource: "status" })
  yield* reportTransitions(before, after, ["NodeRegistrationHealthy"])
})

/** How often somebody else may write the pool first. */
const attempts = 5

/** Remembers how a claim's node came up, or that it did not, for the NodePool that owns the claim. */
export const recordOutcome = Effect.fnUntraced(function*(claim: NodeClaim, outcome: Outcome) {
  const caches = yield* Caches
  const kube = yield* Kube
  const registrations = yield* Registrations
  const name = claim.metadata.labels?.[label.nodePool] ?? ""
  const owns = (pool: NodePool): boolean =>
    (claim.metadata.ownerReferences ?? []).some((owner) => owner.kind === NodePools.kind && owner.uid === pool.metadata.uid)
  const record = Effect.fnUntraced(function*(pool: NodePool) {
    if (!owns(pool)) return
    const outcomes = withOutcome(registrations.of(pool), outcome)
    yield* writeHealth(pool, withHealth(pool, claim, outcomes, yield* isoNow))
    registrations.set(pool, outcomes)
  })
  const cached = caches.store(NodePools).get({ name })
  if (cached === undefined) return
  yield* record(cached).pipe(
    Effect.catchIf(isConflict, () => kube.get(NodePools, { name }).pipe(
      Effect.flatMap(record),
      Effect.retry({ times: attempts - 2, while: isConflict })
    )),
    Effect.catchIf(isNotFound, () => Effect.void)
  )
})
