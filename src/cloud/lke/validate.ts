/**
 * What LKE cannot do with a LinodeNodeClass, and what it names that does not exist. Fields that LKE has no use for are
 * harmless as long as what they name is there (docs/design/lke.md).
 */
import { Effect } from "effect"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { Linode } from "../../linode/linode.ts"
import * as common from "../validate.ts"
import type { Issues } from "../validate.ts"
import type { ClusterShape } from "./cluster.ts"

export interface Named extends common.Named {
  /** Version of the control plane. */
  readonly controlPlane?: string | undefined
}

const versionIssue = (wanted: string | undefined, { tier }: ClusterShape, controlPlane: string | undefined): Issues => {
  const field = "spec.lkeK8sVersion"
  if (wanted === undefined || wanted === "") return []
  if (tier === "standard") {
    const message = "lkeK8sVersion is only supported for LKE Enterprise clusters"
    return [{ field, reason: "LKEK8sVersionUnsupported", message }]
  }
  if (controlPlane === undefined || wanted === controlPlane) return []
  const message = `lkeK8sVersion ${wanted} is not the version of the cluster's control plane, ${controlPlane}`
  return [{ field, reason: "LKEK8sVersionControlPlaneMismatch", message }]
}

/** One issue per field. Pure. */
export const validateNodeClass = (nodeClass: LinodeNodeClass, cluster: ClusterShape, named: Named): Issues => [
  ...versionIssue(nodeClass.spec.lkeK8sVersion, cluster, named.controlPlane),
  ...common.commonIssues(nodeClass, cluster.region, named)
]

export const makeValidator = (linode: Linode["Service"], cluster: ClusterShape) => common.makeValidator(linode, {
  // What LKE makes its nodes of is its own choice; what a class names is to exist all the same.
  image: ({ image }) => image === "" ? undefined : image,
  more: ({ lkeK8sVersion }) => lkeK8sVersion !== undefined && cluster.tier === "enterprise"
    ? Effect.map(linode.cluster(cluster.id), ({ k8s_version }) => ({ controlPlane: k8s_version as string | undefined }))
    : Effect.succeed({ controlPlane: undefined }),
  issues: (nodeClass, named: Named) => validateNodeClass(nodeClass, cluster, named)
})
