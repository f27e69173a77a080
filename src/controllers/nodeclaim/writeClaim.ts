/** Writes what a pass changed on a NodeClaim: metadata first, then status, each at most once. */
import { Effect } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound, KubeError } from "../../kube/kubeError.ts"
import { requeueAfter } from "../../runtime/controller.ts"
import type { Result } from "../../runtime/controller.ts"

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)

/** The merge patch (RFC 7386) that makes one of the other; undefined when there is nothing to do. Lists are replaced. */
export const mergePatchOf = (before: object | undefined, after: object | undefined): Fields | undefined => {
  const [from, to] = [before as Fields | undefined ?? {}, after as Fields | undefined ?? {}]
  const patch: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [was, is] = [from[key], to[key]]
    if (was === is) continue
    if (is === undefined) patch[key] = null
    else if (!isFields(was) || !isFields(is)) patch[key] = is
    else {
      const inner = mergePatchOf(was, is)
      if (inner !== undefined) patch[key] = inner
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

/**
 * Only labels, annotations and the status. Conditions are a list, so both writes carry the version that was read: fails
 * with Conflict where somebody else wrote in between.
 */
export const writeClaim = Effect.fnUntraced(function*(before: NodeClaim, after: NodeClaim) {
  const kube = yield* Kube
  const ref = { name: before.metadata.name }
  const metadata = mergePatchOf(
    { labels: before.metadata.labels ?? {}, annotations: before.metadata.annotations ?? {} },
    { labels: after.metadata.labels ?? {}, annotations: after.metadata.annotations ?? {} }
  )
  const status = mergePatchOf(before.status, after.status)
  let current = before
  if (metadata !== undefined) {
    const { resourceVersion } = current.metadata
    current = yield* kube.patch(NodeClaims, ref, { metadata: { ...metadata, resourceVersion } }, { kind: "merge" })
  }
  if (status !== undefined) {
    const { resourceVersion } = current.metadata
    const patch = { metadata: { resourceVersion }, status }
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

const lookAgain = requeueAfter("250 millis")

/**
 * When somebody else wrote first, or an object went in the meantime, nothing is wrong: there is something new to look at,
 * soon.
 */
export const settled = <E, R>(effect: Effect.Effect<Result, E, R>): Effect.Effect<Result, E, R> => effect.pipe(
  Effect.catchIf(
    (error): error is E => error instanceof KubeError && (isConflict(error) || isNotFound(error)),
    () => Effect.succeed(lookAgain)
  )
)
