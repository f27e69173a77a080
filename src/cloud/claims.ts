/** Reading claims from the API server itself, and writing what they say about their machines. */
import { Effect } from "effect"
import { NodeClaims } from "../apis/nodeClaim.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { Kube } from "../kube/kube.ts"
import { isConflict, isNotFound } from "../kube/kubeError.ts"
import type { KubeError } from "../kube/kubeError.ts"

/** How often a write is decided again after somebody else wrote first. */
const mostConflicts = 5

/** What a mode makes of a claim: what it says about its machine. */
export interface ReadClaim {
  readonly name: string
  readonly uid: string
  readonly claim: NodeClaim
}

export interface Claims<R extends ReadClaim> {
  /** Every claim, as the API server has it now. */
  readonly list: Effect.Effect<ReadonlyArray<R>, KubeError>
  /** The claim as the API server has it now. */
  readonly get: (name: string) => Effect.Effect<R | undefined, KubeError>
  /** The claim as the API server has it, or as it was given when the API server has it no more. */
  readonly latest: (claim: NodeClaim) => Effect.Effect<R, KubeError>
  /**
   * Writes annotations (null removes one) if the claim is as it was read, or has changed and `still` holds. The claim as
   * it is then; undefined when it did not come to that.
   */
  readonly annotate: (
    record: R,
    annotations: Readonly<Record<string, string | null>>,
    still: (record: R) => boolean
  ) => Effect.Effect<R | undefined, KubeError>
}

export const makeClaims = <R extends ReadClaim>(kube: Kube["Service"], recordOf: (claim: NodeClaim) => R): Claims<R> => {
  const get = (name: string) => kube.get(NodeClaims, { name }).pipe(
    Effect.map((claim): R | undefined => recordOf(claim)),
    Effect.catchIf(isNotFound, () => Effect.undefined)
  )

  const annotate: Claims<R>["annotate"] = Effect.fnUntraced(function*(record, annotations, still) {
    let current: R | undefined = record
    for (let attempt = 0; attempt < mostConflicts; attempt++) {
      if (current === undefined || current.uid !== record.uid || (attempt > 0 && !still(current))) return undefined
      const patch = { metadata: { resourceVersion: current.claim.metadata.resourceVersion, annotations } }
      const write = kube.patch(NodeClaims, { name: record.name }, patch, { kind: "merge" })
      const written: R | "conflict" | undefined = yield* write.pipe(
        Effect.map(recordOf),
        Effect.catchIf(isNotFound, () => Effect.undefined),
        Effect.catchIf(isConflict, () => Effect.succeed("conflict" as const))
      )
      if (written !== "conflict") return written
      current = yield* get(record.name)
    }
    return undefined
  })

  return {
    list: Effect.map(kube.list(NodeClaims), ({ items }) => items.map(recordOf)),
    get,
    latest: (claim) => {
      const given = recordOf(claim)
      return Effect.map(get(given.name), (record) => record?.uid === given.uid ? record : given)
    },
    annotate
  }
}
