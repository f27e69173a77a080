/** The NodeClaim that makes a planned node true (Karpenter's scheduling/nodeclaimtemplate.go). Pure. */
import { annotation, finalizer, label } from "../../apis/labels.ts"
import { nodePoolHash, nodePoolHashVersion } from "../../apis/hash.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { overlayOf } from "../../cloud/overlay.ts"
import { apiVersion } from "../../kube/resources.ts"
import type { NewNode } from "../../scheduling/plan.ts"
import type { InstanceType } from "../../scheduling/problem.ts"

type ClaimRequirement = NodeClaim["spec"]["requirements"][number]

const requirement = (planned: NewNode["requirements"][number]): ClaimRequirement => ({
  key: planned.key,
  // The scheduler's contract names the same operators; the API server checks them.
  operator: planned.operator as ClaimRequirement["operator"],
  ...(planned.values === undefined ? {} : { values: planned.values }),
  ...(planned.minValues === undefined ? {} : { minValues: planned.minValues })
})

/**
 * To be created; its name is still to be completed. It carries its finalizer from the start, so nothing has to be written
 * before the first Linode call, and its owner is the NodePool, so that deleting the pool deletes it. `options` are the types
 * that it may be.
 */
export const nodeClaimOf = (
  planned: Pick<NewNode, "labels" | "requirements" | "requests" | "minValuesRelaxed">,
  pool: NodePool,
  options: ReadonlyArray<InstanceType> = []
): NodeClaim => {
  const template = pool.spec.template
  const { taints, startupTaints, nodeClassRef, terminationGracePeriod, expireAfter } = template.spec
  return {
    apiVersion: apiVersion(NodeClaims),
    kind: NodeClaims.kind,
    metadata: {
      name: "",
      generateName: `${pool.metadata.name}-`,
      labels: {
        ...template.metadata?.labels,
        ...planned.labels,
        [label.nodePool]: pool.metadata.name,
        [label.nodeClass]: nodeClassRef.name
      },
      annotations: {
        ...template.metadata?.annotations,
        [annotation.nodePoolHash]: nodePoolHash(template),
        [annotation.nodePoolHashVersion]: nodePoolHashVersion,
        ...(planned.minValuesRelaxed ? { [annotation.minValuesRelaxed]: "true" } : {}),
        ...(options.some((type) => overlayOf(type).price) ? { [annotation.priceOverlayApplied]: "true" } : {}),
        ...(options.some((type) => overlayOf(type).capacity) ? { [annotation.capacityOverlayApplied]: "true" } : {})
      },
      finalizers: [finalizer.termination],
      ownerReferences: [{
        apiVersion: apiVersion(NodePools),
        kind: NodePools.kind,
        name: pool.metadata.name,
        uid: pool.metadata.uid ?? "",
        blockOwnerDeletion: true
      }]
    },
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(startupTaints === undefined ? {} : { startupTaints }),
      requirements: planned.requirements.map(requirement),
      resources: { requests: planned.requests },
      nodeClassRef,
      ...(terminationGracePeriod === undefined ? {} : { terminationGracePeriod }),
      ...(expireAfter === undefined ? {} : { expireAfter })
    }
  }
}
