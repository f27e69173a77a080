/**
 * `nodeoverlay.controller`: says on each NodeOverlay whether it is in force (Karpenter's nodeoverlay). What overlays do to
 * instance types is not its business: see cloud/overlays.ts.
 */
import { Effect } from "effect"
import { conditionType, nodeOverlayConditions } from "../../apis/conditions.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import { NodeOverlays } from "../../apis/nodeOverlay.ts"
import type { NodeOverlay } from "../../apis/nodeOverlay.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { NodeOverlaying } from "../../cloud/overlays.ts"
import type { Evaluation } from "../../cloud/overlays.ts"
import { Caches } from "../../kube/caches.ts"
import type { Change } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { KubeObject } from "../../kube/objects.ts"
import { onOther, requeueAfter, runController } from "../../runtime/controller.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { Settings } from "../../settings/settings.ts"
import { reportTransitions } from "../transitions.ts"

/** All overlays are looked at together: one can be in another's way. */
const everything = { name: "all" }

const lookEvery = "6 hours"

/** Not what controllers write into a status. */
const isAnother = <A extends KubeObject>(change: Change<A>): boolean => change.type === "deleted" ||
  change.previous === undefined || change.previous.metadata.generation !== change.object.metadata.generation

const onChange = <A extends KubeObject>(change: Change<A>) => isAnother(change) ? [everything] : []

/** Each overlay with the condition that it should have. Pure. */
export const judged = ({ accepted, rejected }: Evaluation, now: string): ReadonlyArray<readonly [NodeOverlay, NodeOverlay]> => [
  ...accepted.map((overlay) =>
    [overlay, nodeOverlayConditions.setTrue(overlay, conditionType.validationSucceeded, now)] as const),
  ...rejected.map(({ message, overlay, reason }) =>
    [overlay, nodeOverlayConditions.setFalse(overlay, conditionType.validationSucceeded, reason, message, now)] as const)
]

const write = Effect.fnUntraced(function*(before: NodeOverlay, after: NodeOverlay) {
  if (after === before) return
  const kube = yield* Kube
  yield* kube.patch(NodeOverlays, { name: before.metadata.name }, {
    metadata: { resourceVersion: before.metadata.resourceVersion },
    status: { conditions: after.status?.conditions }
  }, { kind: "merge", subresource: "status" }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  yield* reportTransitions(before, after, ["ValidationSucceeded", "Ready"])
})

const run: Effect.Effect<never, never, Caches | Kube | Metrics | NodeOverlaying | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const overlaying = yield* NodeOverlaying
  return yield* runController({
    name: "nodeoverlay.controller",
    kind: NodeOverlays,
    workers: 1,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onOther(caches.store(NodeOverlays), onChange),
      onOther(caches.store(NodePools), onChange),
      onOther(caches.store(LinodeNodeClasses), onChange)
    ],
    reconcile: Effect.fnUntraced(function*() {
      yield* caches.synced
      const evaluation = yield* overlaying.evaluate
      yield* Effect.forEach(judged(evaluation, yield* isoNow), ([before, after]) => write(before, after), { discard: true })
      const [failed] = evaluation.failed
      if (failed !== undefined) return yield* failed.error
      return requeueAfter(lookEvery)
    })
  })
})

/** Runs until it is interrupted; does nothing while the feature gate NodeOverlay is off. */
export const nodeOverlay = Effect.flatMap(Settings, ({ featureGates }) => featureGates.NodeOverlay ? run : Effect.never)
