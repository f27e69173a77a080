/** Reading claims from the API server itself, and writing what they say about their machines. */
import { Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import type { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { ClaimRecord } from "./record.ts"
import { recordOf } from "./record.ts"

/** How often a write is decided again after somebody else wrote first. */
const mostConflicts = 5

export interface Claims {
  /** Every claim, as the API server has it now. */
  readonly list: Effect.Effect<ReadonlyArray<ClaimRecord>, KubeError>
  /** The claim as the API server has it now. */
  readonly get: (name: string) => Effect.Effect<ClaimRecord | undefined, KubeError>
  /**
   * Writes annotations (null removes one) if the claim is as it was read, or has changed and `still` holds. The claim as
   * it is then; undefined when it did not come to that.
   */
  readonly annotate: (
    record: ClaimRecord,
    annotations: Readonly<Record<string, string | null>>,
    still: (record: ClaimRecord) => boolean
  ) => Effect.Effect<ClaimRecord | undefined, KubeError>
  /** Makes a claim; one of its name may be there already. */
  readonly add: (claim: NodeClaim) => Effect.Effect<void, KubeError>
  readonly nodePools: Effect.Effect<ReadonlyArray<NodePool>, KubeError>
}

export const makeClaims = (kube: Kube["Service"]): Claims => {
  const get = (name: string) => kube.get(NodeClaims, { name }).pipe(
    Effect.map((claim): ClaimRecord | undefined => recordOf(claim)),
    Effect.catchIf(isNotFound, () => Effect.undefined)
  )

  const annotate: Claims["annotate"] = Effect.fnUntraced(function*(record, annotations, still) {
    let current: ClaimRecord | undefined = record
    for (let attempt = 0; attempt < mostConflicts; attempt++) {
      if (current === undefined || current.uid !== record.uid || (attempt > 0 && !still(current))) return undefined
      const patch = { metadata: { resourceVersion: current.claim.metadata.resourceVersion, annotations } }
      const write = kube.patch(NodeClaims, { name: record.name }, patch, { kind: "merge" })
      const written: ClaimRecord | "conflict" | undefined = yield* write.pipe(
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
    annotate,
    add: (claim) => kube.create(NodeClaims, claim).pipe(
      Effect.asVoid,
      Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.void)
    ),
    nodePools: Effect.map(kube.list(NodePools), ({ items }) => items)
  }
}
