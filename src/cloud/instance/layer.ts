/** Instance mode: machines are Linodes of their own. docs/design/instance.md says what it promises and how. */
import { Clock, Effect, Exit, Layer, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { annotation } from "../../apis/labels.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { Nodes } from "../../kube/resources.ts"
import { Linode } from "../../linode/linode.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import { Settings } from "../../settings/settings.ts"
import { makeCatalogue } from "../catalogue.ts"
import { makeCandidates } from "../choose.ts"
import { makeClaims } from "../claims.ts"
import { CloudProvider } from "../cloudProvider.ts"
import type { CloudError, Deletion, Machine } from "../cloudProvider.ts"
import { cloudError, fromKube, fromLinode, unavailable } from "../errors.ts"
import { makeInFlight } from "../gather.ts"
import { makeAnnouncements } from "../interruptions.ts"
import { nodeClassDrift, readyNodeClass } from "../nodeClass.ts"
import { makeStates, stateOf } from "../presence.ts"
import type { StateOf } from "../presence.ts"
import { repairPolicies } from "../repairPolicies.ts"
import { tagIssue } from "../validate.ts"
import { Bootstrap } from "./bootstrap.ts"
import { InstanceCluster } from "./cluster.ts"
import { makeCreate } from "./create.ts"
import { makeGiver } from "./giver.ts"
import { isInDoubt, recordOf, wasAskedFor } from "./record.ts"
import { retag } from "./retag.ts"
import { makeSweeper } from "./sweeper.ts"
import { makeTellers } from "./tellers.ts"
import { makeValidator } from "./validate.ts"
import { makeWorld } from "./world.ts"
import type { World } from "./world.ts"

/** Whether it was bought through LKE: nothing here knows how to give a node of a pool back. */
const isOfLke = ({ metadata: { annotations } }: NodeClaim): boolean => annotations?.[annotation.lkePoolKey] !== undefined

/** Seconds until it is told again that somebody has to do something. */
const reminder = 60

const giveBack = (world: World, give: ReturnType<typeof makeGiver>) => Effect.fn("instance.delete")(function*(claim: NodeClaim) {
  const operation = "delete machine"
  const record = yield* Effect.mapError(world.claims.latest(claim), fromKube(operation))
  if (!record.deleting) return yield* unavailable(operation, "the claim is not being deleted")
  if (isOfLke(record.claim)) {
    yield* Effect.logWarning("a node of LKE is not given back in mode instance", { NodeClaim: record.name })
    return yield* unavailable(operation, "it was bought in mode lke, which alone can give it back", reminder)
  }
  // Nothing was ever asked for it, and nothing is once it is being deleted.
  if (!wasAskedFor(record)) return "gone" satisfies Deletion
  const answer = (yield* Effect.mapError(give(record), cloudError(operation))).get(record.uid)
  return answer === undefined ? "terminating" : yield* Effect.mapError(Effect.fromResult(answer), cloudError(operation))
})

const exists = (world: World, states: StateOf) => Effect.fn("instance.exists")(function*(claim: NodeClaim) {
  const operation = "find machine"
  const record = yield* Effect.mapError(world.claims.latest(claim), fromKube(operation))
  const known = yield* Effect.mapError(stateOf(world.machines, states, record.instance), fromLinode(operation))
  if (known !== undefined) return known
  const label = world.labelOf(record)
  const found = (yield* Effect.mapError(world.instances, fromLinode(operation))).find((instance) => instance.label === label)
  const now = yield* Clock.currentTimeMillis
  return found !== undefined ? states(found, now) : isInDoubt(record, now) ? "present" : "gone"
})

const make = Effect.gen(function*() {
  const kube = yield* Kube
  const caches = yield* Caches
  const linode = yield* Linode
  const settings = yield* Settings
  const cluster = yield* InstanceCluster
  const bootstrap = yield* Bootstrap
  const random = yield* SecureRandom.SecureRandom
  const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
  const world = makeWorld(scope, cluster, linode, makeClaims(kube, recordOf))
  const announcements = makeAnnouncements(linode)
  const catalogue = yield* makeCatalogue({
    place: { id: cluster.region, tier: "standard" },
    linode,
    nodes: makeTellers(caches.store(Nodes), caches.store(LinodeNodeClasses)),
    memoryShare: settings.vmMemoryOverheadPercent,
    // The one that it boots from, and swap.
    localDisks: 2,
    sent: true
  })
  const create = makeCreate({
    world, bootstrap, random, catalogue,
    candidates: makeCandidates(),
    nodeClass: (claim: NodeClaim) => readyNodeClass(kube, caches, "create machine", claim.spec.nodeClassRef.name)
  })
  // Whoever waits for an answer may give up; what was sent for the claim goes on, and is not sent twice meanwhile.
  const inFlight = makeInFlight<Machine, CloudError>(scope)
  return CloudProvider.of({
    name: "linode",
    create: (claim, types) => inFlight(claim.metadata.uid ?? claim.metadata.name, create(
      claim, (nodeClass) => types === undefined ? catalogue.types(nodeClass?.spec ?? {}) : Effect.succeed(types)
    )).pipe(Effect.timeoutOrElse({
      duration: settings.lkeCreateDeadline,
      orElse: () => unavailable("create machine", "Linode has not answered yet")
    })),
    delete: giveBack(world, makeGiver(world, scope)),
    exists: exists(world, makeStates(announcements.isAtWorkOn)),
    nodeName: (claim) => {
      const record = recordOf(claim)
      return wasAskedFor(record) ? world.labelOf(record) : undefined
    },
    drifted: (claim) => Effect.sync(() =>
      nodeClassDrift(claim, caches.store(LinodeNodeClasses).get({ name: claim.spec.nodeClassRef.name }))),
    repairPolicies,
    instanceTypes: (nodePool) => {
      const { name } = nodePool.spec.template.spec.nodeClassRef
      return catalogue.types(caches.store(LinodeNodeClasses).get({ name })?.spec ?? {})
    },
    validate: makeValidator(linode, cluster.region),
    retag: (nodeClass) => tagIssue(nodeClass.spec.tags ?? []).length > 0
      ? Effect.void
      : Effect.mapError(retag(world, nodeClass), cloudError("write tags")),
    interruptions: Effect.mapError(announcements.read, fromLinode("read announcements")),
    accountTrouble: world.account.trouble,
    collectGarbage: Effect.mapError(makeSweeper(world), cloudError("collect garbage")),
    finish: Scope.close(scope, Exit.void)
  })
})

/** Fails when Linode's price list cannot be had at the start. */
export const layer: Layer.Layer<
  CloudProvider, LinodeError, Kube | Caches | Linode | Settings | InstanceCluster | Bootstrap | SecureRandom.SecureRandom
> = Layer.effect(CloudProvider, make)
