/** `nodeclass.hash`: keeps the hash of a LinodeNodeClass's spec on it. */
import { Effect } from "effect"
import { nodeClassHash, nodeClassHashVersion } from "../../apis/hash.ts"
import { annotation } from "../../apis/labels.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Kube } from "../../kube/kube.ts"
import { done, onSelf, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { stampHash } from "../nodepool/stampHash.ts"

/** Runs the controller until it is interrupted. */
export const nodeClassHashing: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const classes = caches.store(LinodeNodeClasses)
  return yield* runController({
    name: "nodeclass.hash",
    kind: LinodeNodeClasses,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [onSelf(classes, (change) => change.type === "applied")],
    reconcile: Effect.fnUntraced(function*(ref) {
      // Claims must be known before a version is declared current.
      yield* caches.synced
      const nodeClass = classes.get(ref)
      if (nodeClass === undefined || nodeClass.metadata.deletionTimestamp !== undefined) return done
      const claims = caches.store(NodeClaims).by(index.nodeClass, ref.name).filter(isManagedClaim)
      yield* stampHash(LinodeNodeClasses, nodeClass, claims, {
        hashKey: annotation.nodeClassHash,
        versionKey: annotation.nodeClassHashVersion,
        version: nodeClassHashVersion,
        hash: nodeClassHash(nodeClass.spec)
      })
      return done
    })
  })
})
