/**
 * `nodeclaim.hydration`: gives claims that another version or program made the label of their node class, which the rest
 * goes by (Karpenter's nodeclaim/hydration).
 */
import { Effect } from "effect"
import { label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { done, onSelf, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"

/** Runs until it is interrupted. */
export const nodeClaimHydration: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const kube = yield* Kube
  const claims = caches.store(NodeClaims)
  return yield* runController({
    name: "nodeclaim.hydration",
    kind: NodeClaims,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [onSelf(claims, ({ object, type }) => type === "applied" && object.metadata.labels?.[label.nodeClass] === undefined)],
    reconcile: Effect.fnUntraced(function*({ name }) {
      const claim = claims.get({ name })
      if (claim === undefined || !isManagedClaim(claim) || claim.metadata.labels?.[label.nodeClass] !== undefined) return done
      const { uid } = claim.metadata
      const labels = { [label.nodeClass]: claim.spec.nodeClassRef.name }
      yield* kube.patch(NodeClaims, { name }, { metadata: { uid, labels } }, { kind: "merge" }).pipe(
        Effect.catchIf(isNotFound, () => Effect.void)
      )
      return done
    })
  })
})
