/** The LinodeNodeClass of a claim or a NodePool, as far as it may be used. */
import { Effect } from "effect"
import { annotation } from "../apis/labels.ts"
import type { LinodeNodeClass } from "../apis/linodeNodeClass.ts"
import { LinodeNodeClasses } from "../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { Caches } from "../kube/caches.ts"
import type { Kube } from "../kube/kube.ts"
import { isNotFound } from "../kube/kubeError.ts"
import { CloudError, CloudUnavailable, CreateFailed, NodeClassNotReady } from "./cloudProvider.ts"

type Fitness = "ready" | "gone" | "not ready" | "unknown"

const fitness = (nodeClass: LinodeNodeClass | undefined): Fitness => {
  if (nodeClass === undefined || nodeClass.metadata.deletionTimestamp !== undefined) return "gone"
  const ready = nodeClass.status?.conditions?.find((condition) => condition.type === "Ready")
  if (ready === undefined || ready.status === "Unknown") return "unknown"
  const generation = nodeClass.metadata.generation ?? 0
  return ready.status === "True" && (ready.observedGeneration ?? generation) === generation ? "ready" : "not ready"
}

/**
 * The class, when it is ready. What the cache says against it is asked of the API server before it is believed: the claim
 * may be deleted for it.
 */
export const readyNodeClass = Effect.fnUntraced(function*(
  kube: Kube["Service"],
  caches: Caches["Service"],
  operation: string,
  name: string
) {
  const cached = caches.store(LinodeNodeClasses).get({ name })
  if (cached !== undefined && fitness(cached) === "ready") return cached
  const current = yield* kube.get(LinodeNodeClasses, { name }).pipe(
    Effect.map((found): LinodeNodeClass | undefined => found),
    Effect.catchIf(isNotFound, () => Effect.undefined),
    Effect.mapError((error) => new CloudError({ operation, detail: error.message, reason: new CloudUnavailable({}) }))
  )
  const is = fitness(current)
  if (current !== undefined && is === "ready") return current
  if (is === "unknown") {
    return yield* new CloudError({
      operation, detail: `LinodeNodeClass ${name} has not been looked at yet`,
      reason: new CreateFailed({ condition: "NodeClassReadinessUnknown" })
    })
  }
  const why = is === "gone" ? "does not exist or is being deleted" : "is not ready"
  return yield* new CloudError({ operation, detail: `LinodeNodeClass ${name} ${why}`, reason: new NodeClassNotReady() })
})

/**
 * A claim's machine drifted from its class when both carry a hash of the same version and the hashes differ. The hash
 * is over the whole spec but its tags: those are changed in place. A class that is gone drifts nothing.
 */
export const nodeClassDrift = (claim: NodeClaim, nodeClass: LinodeNodeClass | undefined): "NodeClassDrift" | undefined => {
  const made = claim.metadata.annotations ?? {}
  const now = nodeClass?.metadata.annotations ?? {}
  const comparable = made[annotation.nodeClassHash] !== undefined && now[annotation.nodeClassHash] !== undefined &&
    made[annotation.nodeClassHashVersion] !== undefined &&
    made[annotation.nodeClassHashVersion] === now[annotation.nodeClassHashVersion]
  return comparable && made[annotation.nodeClassHash] !== now[annotation.nodeClassHash] ? "NodeClassDrift" : undefined
}
