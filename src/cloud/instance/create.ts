/** From a claim to its machine. */
import { Clock, Effect, Semaphore } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Instance } from "../../linode/models.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Catalogue } from "../catalogue.ts"
import { isAvailable } from "../choose.ts"
import type { Candidates } from "../choose.ts"
import { CloudError, InsufficientCapacity } from "../cloudProvider.ts"
import type { Machine } from "../cloudProvider.ts"
import { fromKube, refused, unavailable, whileBuying } from "../errors.ts"
import type { Bootstrap } from "./bootstrap.ts"
import { isLeaving, machineOf } from "./machine.ts"
import { purchase } from "./purchase.ts"
import { isInDoubt, wasAskedFor } from "./record.ts"
import type { InstanceRecord } from "./record.ts"
import { isOursOrLabelled } from "./tags.ts"
import type { World } from "./world.ts"

const operation = "create machine"

/** Types that one call asks for at most: each costs a request, and the claim asks again anyway. */
const mostTypes = 10

/** Requests for machines under way at once. Linode takes about one a second: more of them would only wait for their turn. */
const mostPurchases = 5

export interface Parts {
  readonly world: World
  readonly bootstrap: Bootstrap["Service"]
  /** For passwords that nobody is to know. */
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly catalogue: Catalogue
  readonly candidates: Candidates
  readonly nodeClass: (claim: NodeClaim) => Effect.Effect<LinodeNodeClass, CloudError>
}

/** The types for a claim of this class. */
export type TypesOf = (nodeClass: LinodeNodeClass | undefined) => Effect.Effect<ReadonlyArray<InstanceType>>

/** The claim as the API server has it; one that is gone, replaced or being deleted gets no machine. */
const current = Effect.fnUntraced(function*({ claims }: World, { metadata: { name, uid } }: NodeClaim) {
  const record = yield* Effect.mapError(claims.get(name), fromKube(operation))
  if (record === undefined || record.deleting || (uid !== undefined && record.uid !== uid)) {
    return yield* unavailable(operation, "the claim is being deleted")
  }
  return record
})

/** The Linode that the claim names, else the one of its label. Nothing is asked for a claim of which Linode was never told. */
const known = Effect.fnUntraced(function*(world: World, record: InstanceRecord) {
  const { instance: id } = record
  if (!wasAskedFor(record)) return undefined
  const named = id === undefined ? undefined : (yield* world.machines([id])).get(id)
  const label = world.labelOf(record)
  return named ?? (yield* world.instances).find((instance) => instance.label === label)
}, Effect.mapError(whileBuying(operation)))

/** Whoever asked gives the claim up then. */
const endsClaim = ({ reason }: CloudError): boolean => reason._tag === "InsufficientCapacity" || reason._tag === "NodeClassNotReady"

/** Makes sure that the claim has one machine; see `CloudProvider.create`. */
export const makeCreate = (parts: Parts) => {
  const { catalogue, world } = parts
  const buy = purchase(world, parts.bootstrap, parts.random)
  const turns = Semaphore.makeUnsafe(mostPurchases)

  return Effect.fn("instance.create")(function*(claim: NodeClaim, typesOf: TypesOf): Effect.fn.Return<Machine, CloudError> {
    const record = yield* current(world, claim)
    const machine = Effect.fnUntraced(function*(of: InstanceRecord, instance: Instance, nodeClass: LinodeNodeClass | undefined) {
      if (!isOursOrLabelled(instance, world.cluster.identity, world.labelOf(of))) {
        return yield* unavailable(operation, `Linode ${instance.id} does not carry the tag of this cluster's machines`)
      }
      // Its label is free again once it is gone.
      if (isLeaving(instance)) return yield* unavailable(operation, `its machine, Linode ${instance.id}, is being deleted`)
      const type = (yield* typesOf(nodeClass)).find(({ name }) => name === instance.type)
      return machineOf(world.labelOf(of), of, instance, type)
    })

    // What was not in doubt any more before Linode was asked has been seen if it came.
    const isDoubtful = isInDoubt(record, yield* Clock.currentTimeMillis)
    const found = yield* known(world, record)
    if (found !== undefined) {
      // A machine that exists is told of, whatever has become of its class.
      const made = yield* Effect.catch(parts.nodeClass(record.claim), () => Effect.undefined)
      return yield* machine(record, found, made)
    }
    if (record.registered) return yield* unavailable(operation, "its machine is gone")

    const bought = Effect.gen(function*() {
      const nodeClass = yield* parts.nodeClass(record.claim)
      const types = parts.candidates(record.claim, yield* typesOf(nodeClass)).filter(isAvailable).slice(0, mostTypes)
      let latest = record
      for (const type of types) {
        const outcome = yield* turns.withPermit(buy(latest, nodeClass, type))
        if (outcome.is !== "refused") return yield* machine(outcome.record, outcome.instance, nodeClass)
        if (outcome.error.reason._tag !== "Capacity") return yield* refused(operation, outcome.error, "InstanceCreationFailed")
        yield* catalogue.markSoldOut(type.name)
        latest = outcome.record
      }
      return yield* new CloudError({
        operation, detail: "all requested instance types were unavailable during launch", reason: new InsufficientCapacity()
      })
    })
    // It may have a machine, or get one yet, that would be bought for nothing.
    return yield* Effect.catchIf(bought, (error) => isDoubtful && endsClaim(error), ({ detail }) =>
      unavailable(operation, `${detail}, but a request was sent to Linode and its outcome is not known yet`))
  })
}
