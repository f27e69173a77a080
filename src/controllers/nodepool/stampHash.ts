/** The hash annotations by which drift is told, of NodePools and LinodeNodeClasses alike (Karpenter's nodepool/hash). */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { KubeObject } from "../../kube/objects.ts"
import type { Resource } from "../../kube/resources.ts"

export interface Stamp {
  readonly hashKey: string
  readonly versionKey: string
  readonly version: string
  readonly hash: string
}

const annotationsOf = (object: KubeObject): Readonly<Record<string, string>> => object.metadata.annotations ?? {}

/** A claim that drifted already keeps its old hash, and so stays drifted, when hashes come to be counted another way. */
const restamped = (claim: NodeClaim, stamp: Stamp): Readonly<Record<string, string>> => ({
  [stamp.versionKey]: stamp.version,
  ...(nodeClaimConditions.get(claim, conditionType.drifted) === undefined ? { [stamp.hashKey]: stamp.hash } : {})
})

const annotate = <A extends KubeObject>(resource: Resource<A>, object: A, annotations: Readonly<Record<string, string>>) =>
  Kube.use((kube) => kube.patch(resource, { name: object.metadata.name }, { metadata: { annotations } }, { kind: "merge" }).pipe(
    Effect.catchIf(isNotFound, () => Effect.void)
  ))

/**
 * Stamps the owner of a template with its hash. Where the owner's hash was counted by another version (an upgrade, or a
 * cluster taken over from another controller), its claims are stamped anew first instead of being declared drifted.
 */
export const stampHash = Effect.fnUntraced(function*<A extends KubeObject>(
  resource: Resource<A>,
  owner: A,
  claims: ReadonlyArray<NodeClaim>,
  stamp: Stamp
): Effect.fn.Return<void, KubeError, Kube> {
  if (annotationsOf(owner)[stamp.versionKey] !== stamp.version) {
    const old = claims.filter((claim) => annotationsOf(claim)[stamp.versionKey] !== stamp.version)
    yield* Effect.forEach(old, (claim) => annotate(NodeClaims, claim, restamped(claim, stamp)), {
      concurrency: 10,
      discard: true
    })
  }
  const known = annotationsOf(owner)
  if (known[stamp.hashKey] === stamp.hash && known[stamp.versionKey] === stamp.version) return
  yield* annotate(resource, owner, { [stamp.hashKey]: stamp.hash, [stamp.versionKey]: stamp.version })
})
