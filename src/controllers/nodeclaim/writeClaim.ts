/** Writes what a pass changed on a NodeClaim: metadata first, then status, each at most once. */
import { Effect } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound, KubeError } from "../../kube/kubeError.ts"
import { done, requeueAfter } from "../../runtime/controller.ts"
import type { Result } from "../../runtime/controller.ts"

type Strings = Readonly<Record<string, string>> | undefined

const changed = (before: Strings, after: Strings): Strings => {
  const entries = Object.entries(after ?? {}).filter(([key, value]) => before?.[key] !== value)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/**
 * Only labels and annotations that were added or changed, and the status. Conditions are a list, so both writes carry the
 * version that was read: fails with Conflict where somebody else wrote in between.
 */
export const writeClaim = Effect.fnUntraced(function*(before: NodeClaim, after: NodeClaim) {
  const kube = yield* Kube
  const ref = { name: before.metadata.name }
  const labels = changed(before.metadata.labels, after.metadata.labels)
  const annotations = changed(before.metadata.annotations, after.metadata.annotations)
  let current = before
  if (labels !== undefined || annotations !== undefined) {
    const { resourceVersion } = current.metadata
    current = yield* kube.patch(NodeClaims, ref, { metadata: { resourceVersion, labels, annotations } }, { kind: "merge" })
  }
  if (after.status !== before.status) {
    const { resourceVersion } = current.metadata
    const patch = { metadata: { resourceVersion }, status: after.status }
    current = yield* kube.patch(NodeClaims, ref, patch, { kind: "merge", subresource: "status" })
  }
  return current
})

/** The claim with these finalizers. The list is replaced as a whole: fails with Conflict when the claim has changed. */
export const writeFinalizers = Effect.fnUntraced(function*(claim: NodeClaim, finalizers: ReadonlyArray<string>) {
  const kube = yield* Kube
  const { name, resourceVersion } = claim.metadata
  return yield* kube.patch(NodeClaims, { name }, { metadata: { resourceVersion, finalizers } }, { kind: "merge" })
})

/** When somebody else wrote first there is nothing wrong, only something new to look at. */
const lookAgain = requeueAfter("250 millis")

/** A lost race is another look soon, an object that is gone is nothing to do. Neither is an error. */
export const settled = <E, R>(effect: Effect.Effect<Result, E, R>): Effect.Effect<Result, E, R> =>
  effect.pipe(Effect.catchIf((error): error is E => error instanceof KubeError && (isConflict(error) || isNotFound(error)),
    (error) => Effect.succeed(error instanceof KubeError && isConflict(error) ? lookAgain : done)))
