/** From a claim to its machine. */
import { Effect } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Catalogue } from "../catalogue.ts"
import { isAvailable } from "../choose.ts"
import type { Candidates } from "../choose.ts"
import { CloudError, InsufficientCapacity } from "../cloudProvider.ts"
import type { Machine } from "../cloudProvider.ts"
import { fromKube, refused, unavailable, whileBuying } from "../errors.ts"
import { notKarpenters } from "./grower.ts"
import type { Grower, Outcome, Owned, Wish } from "./grower.ts"
import { machineOf } from "./machine.ts"
import { poolSpec } from "./poolSpec.ts"
import type { PoolSpec } from "./poolSpec.ts"
import { recordOf } from "./record.ts"
import type { ClaimRecord } from "./record.ts"
import { makeView, mayHold, ownedNode } from "./view.ts"
import type { World } from "./world.ts"

const operation = "create machine"

/** Types that one call asks for at most: each costs a request, and the claim asks again anyway. */
const mostTypes = 10

export interface Parts {
  readonly world: World
  readonly catalogue: Catalogue
  readonly candidates: Candidates
  readonly grow: Grower
  readonly nodeClass: (claim: NodeClaim) => Effect.Effect<LinodeNodeClass, CloudError>
  /** The types for a claim of this class. */
  readonly types: (nodeClass: LinodeNodeClass | undefined) => Effect.Effect<ReadonlyArray<InstanceType>>
}

/**
 * The claim as the API server has it; one that is gone, replaced or being deleted gets no machine. A claim for which
 * nothing was asked yet is taken as it was given: the pass that serves it reads all claims anew.
 */
const current = Effect.fnUntraced(function*({ world }: Parts, claim: NodeClaim) {
  const given = recordOf(claim)
  if (given.key === undefined && given.foreign === undefined && !given.deleting) return given
  const record = yield* Effect.mapError(world.claims.get(claim.metadata.name), fromKube(operation))
  if (record === undefined || record.deleting || (claim.metadata.uid !== undefined && record.uid !== claim.metadata.uid)) {
    return yield* unavailable(operation, "the claim is being deleted")
  }
  return record
})

/** What is known of a claim's node, where a list of a moment ago has it. */
const known = Effect.fnUntraced(function*({ world }: Parts, record: ClaimRecord) {
  if (record.node === undefined && record.foreign === undefined) return undefined
  const pools = yield* Effect.mapError(world.recentPools, whileBuying(operation))
  const view = makeView(world.cluster, 0, [record], pools)
  const node = ownedNode(view, record)
  const found = node === undefined ? undefined : view.find(node)
  if (found !== undefined && !mayHold(view, record, found.pool)) return yield* unavailable(operation, notKarpenters)
  return found
})

const askFor = ({ grow }: Parts, key: string, wish: Wish): Effect.Effect<Outcome, CloudError> => grow(key, wish).pipe(
  Effect.mapError(whileBuying(operation)),
  Effect.map((pass) => pass.get(wish.name) ?? { is: "nothing" })
)

/**
 * What to ask for, in this order: the type whose key the claim already waits under, types of which the Go provider left
 * a node, the others by price.
 */
const specsOf = Effect.fnUntraced(function*(parts: Parts, record: ClaimRecord, nodeClass: LinodeNodeClass) {
  const { candidates, world } = parts
  const types = candidates(record.claim, yield* parts.types(nodeClass)).filter(isAvailable)
  const specOf = (type: InstanceType): PoolSpec => poolSpec(world.cluster, nodeClass, record.claim, type.name)
  const own = record.key === undefined ? undefined : types.find((type) => specOf(type).key === record.key)
  const leftovers = yield* Effect.mapError(world.leftovers, whileBuying(operation))
  const paid = types.filter((type) => leftovers.some(({ pool }) => pool.type === type.name && specOf(type).fits(pool)))
  return [...new Set([...own === undefined ? [] : [own], ...paid, ...types])].slice(0, mostTypes).map(specOf)
})

/** Makes sure that the claim has one machine; see `CloudProvider.create`. */
export const create = Effect.fn("lke.create")(function*(parts: Parts, claim: NodeClaim) {
  const { catalogue, world } = parts
  const record = yield* current(parts, claim)
  const name = claim.metadata.name
  const machine = Effect.fnUntraced(function*(owned: Owned, nodeClass: LinodeNodeClass | undefined) {
    const types = yield* parts.types(nodeClass)
    const type = types.find(({ name: each }) => each === owned.pool.type)
    // A class that is edited while the node joins is not what the node was made from.
    const madeFrom = record.claim.metadata.annotations?.[annotation.nodeClassHash] === undefined ? nodeClass : undefined
    return machineOf(world.cluster.id, owned, type, madeFrom) satisfies Machine
  })
  // A machine that exists is told of, whatever has become of its class.
  const anyClass = Effect.catch(parts.nodeClass(record.claim), () => Effect.undefined)

  const owned = yield* known(parts, record)
  if (owned !== undefined) return yield* machine(owned, yield* anyClass)
  if (record.foreign !== undefined) return yield* unavailable(operation, "its machine is not in the cluster's list of nodes")

  const waiting = (why: string) => unavailable(operation, why)
  // What is bound, in doubt or on its way under its key is settled before anything else is considered.
  if (record.key !== undefined) {
    const outcome = yield* askFor(parts, record.key, { name, spec: undefined })
    if (outcome.is === "bound") return yield* machine(outcome.owned, yield* anyClass)
    if (outcome.is === "waiting") return yield* waiting(outcome.why)
  }

  const nodeClass = yield* parts.nodeClass(record.claim)
  for (const spec of yield* specsOf(parts, record, nodeClass)) {
    const outcome = yield* askFor(parts, spec.key, { name, spec })
    switch (outcome.is) {
      case "bound":
        return yield* machine(outcome.owned, nodeClass)
      case "waiting":
        return yield* waiting(outcome.why)
      case "nothing":
        return yield* waiting("its pool is busy")
      case "refused":
        if (outcome.error.reason._tag !== "Capacity") return yield* refused(operation, outcome.error)
        yield* catalogue.markSoldOut(spec.type)
    }
  }
  return yield* new CloudError({
    operation, detail: "all requested instance types were unavailable during launch", reason: new InsufficientCapacity()
  })
})

