/** LKE mode: machines are nodes of LKE pools. docs/design/lke.md says what it promises and how. */
import { Effect, Exit, Layer, Scope } from "effect"
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
import { CloudProvider } from "../cloudProvider.ts"
import type { Deletion } from "../cloudProvider.ts"
import { nodeClassDrift, readyNodeClass } from "../nodeClass.ts"
import { repairPolicies } from "../repairPolicies.ts"
import { makeClaims } from "./claims.ts"
import { LkeCluster } from "./cluster.ts"
import { create } from "./create.ts"
import { cloudError, fromKube, fromLinode, unavailable } from "../errors.ts"
import { makeLocks } from "../gather.ts"
import { makeGiver } from "./giver.ts"
import type { Giver } from "./giver.ts"
import { makeGrower } from "./grower.ts"
import { makeAnnouncements } from "../interruptions.ts"
import { makeStates, stateOf } from "../presence.ts"
import type { StateOf } from "../presence.ts"
import { recordOf } from "./record.ts"
import { retag } from "./retag.ts"
import { makeSweeper } from "./sweeper.ts"
import { doubtOf, isMissing, lockOf, makeView, nodeNameOf, ownedNode } from "./view.ts"
import { tagIssue } from "../validate.ts"
import { makeValidator } from "./validate.ts"
import type { World } from "./world.ts"
import { makeWorld } from "./world.ts"

const giveBack = (world: World, give: Giver) => Effect.fn("lke.delete")(function*(claim: NodeClaim) {
  const operation = "delete machine"
  const record = yield* Effect.mapError(world.claims.latest(claim), fromKube(operation))
  if (!record.deleting) return yield* unavailable(operation, "the claim is not being deleted")
  // Nothing was ever asked for it.
  if (record.key === undefined && record.node === undefined && record.foreign === undefined) return "gone" satisfies Deletion
  const lock = record.key ?? (yield* Effect.gen(function*() {
    const view = makeView(world.cluster, 0, [record], yield* Effect.mapError(world.recentPools, fromLinode(operation)))
    const found = view.find(ownedNode(view, record) ?? "")
    return found === undefined ? `claim-${record.uid}` : lockOf(found.pool)
  }))
  const answers = yield* Effect.mapError(give(lock, record), cloudError(operation))
  const answer = answers.get(record.uid)
  return answer === undefined ? "terminating" : yield* Effect.mapError(Effect.fromResult(answer), cloudError(operation))
})

const exists = (world: World, states: StateOf) => Effect.fn("lke.exists")(function*(claim: NodeClaim) {
  const operation = "find machine"
  const record = yield* Effect.mapError(world.claims.latest(claim), fromKube(operation))
  const view = yield* Effect.mapError(world.look, cloudError(operation))
  const node = ownedNode(view, record)
  if (node === undefined && doubtOf(view, record) !== undefined) return "present"
  const listed = node !== undefined && !isMissing(view, node)
  // A node whose Linode was deleted by hand stays in its pool's list.
  const state = yield* Effect.mapError(stateOf(world.machines, states, record.instance), fromLinode(operation))
  return state ?? (listed ? "present" : "gone")
})

const make = Effect.gen(function*() {
  const kube = yield* Kube
  const caches = yield* Caches
  const linode = yield* Linode
  const settings = yield* Settings
  const cluster = yield* LkeCluster
  const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
  const world = makeWorld(scope, cluster, linode, makeClaims(kube))
  const locks = makeLocks()
  const announcements = makeAnnouncements(linode)
  const grow = makeGrower(world, scope, locks)
  const give = makeGiver(world, scope, locks)
  const catalogue = yield* makeCatalogue({
    place: { id: cluster.region, tier: cluster.tier },
    linode,
    nodes: () => caches.store(Nodes).list(),
    memoryShare: settings.vmMemoryOverheadPercent,
    // LKE's nodes boot from one, and have no swap.
    localDisks: 1,
    // Kubelets are LKE's: every node tells about all.
    sent: false
  })
  const parts = {
    world, catalogue, grow,
    candidates: makeCandidates(),
    nodeClass: (claim: NodeClaim) => readyNodeClass(kube, caches, "create machine", claim.spec.nodeClassRef.name)
  }
  return CloudProvider.of({
    name: "linode",
    create: (claim, types) => Effect.timeoutOrElse(create({
      ...parts,
      types: (nodeClass) => types === undefined ? catalogue.types({ kubelet: nodeClass?.spec.kubelet }) : Effect.succeed(types)
    }, claim), {
      duration: settings.lkeCreateDeadline,
      orElse: () => unavailable("create machine", "Linode has not answered yet")
    }),
    delete: giveBack(world, give),
    exists: exists(world, makeStates(announcements.isAtWorkOn)),
    nodeName: (claim) => {
      const { node } = recordOf(claim)
      return node === undefined ? undefined : nodeNameOf(cluster.id, node)
    },
    drifted: (claim) => Effect.sync(() =>
      nodeClassDrift(claim, caches.store(LinodeNodeClasses).get({ name: claim.spec.nodeClassRef.name }))),
    repairPolicies,
    instanceTypes: (nodePool) => {
      const { name } = nodePool.spec.template.spec.nodeClassRef
      return catalogue.types({ kubelet: caches.store(LinodeNodeClasses).get({ name })?.spec.kubelet })
    },
    validate: makeValidator(linode, cluster),
    retag: (nodeClass) => tagIssue(nodeClass.spec.tags ?? []).length > 0
      ? Effect.void
      : Effect.mapError(retag(world, locks, nodeClass), cloudError("write tags")).pipe(Effect.flatMap((again) => again === undefined
        ? Effect.void
        : unavailable("write tags", "tags sent earlier may still be written, or machines are not listed yet", again / 1000))),
    interruptions: Effect.mapError(announcements.read, fromLinode("read announcements")),
    accountTrouble: world.account.trouble,
    collectGarbage: Effect.mapError(makeSweeper(world, locks, grow), cloudError("collect garbage")),
    finish: Scope.close(scope, Exit.void)
  })
})

/** Fails when Linode's price list cannot be had at the start. */
export const layer: Layer.Layer<CloudProvider, LinodeError, Kube | Caches | Linode | Settings | LkeCluster> =
  Layer.effect(CloudProvider, make)
