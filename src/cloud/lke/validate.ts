/** What LKE cannot do with a LinodeNodeClass. Fields that LKE has no use for are harmless and pass (docs/design/lke.md). */
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClassIssue } from "../cloudProvider.ts"
import type { ClusterShape } from "./cluster.ts"
import { longestTag, reservedTagKeys, tagKey } from "./tags.ts"

const versionIssue = (
  wanted: string | undefined,
  { tier }: ClusterShape,
  controlPlane: string | undefined
): ReadonlyArray<NodeClassIssue> => {
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

const tagIssue = (tags: ReadonlyArray<string>): ReadonlyArray<NodeClassIssue> => {
  const reserved = tags.filter((tag) => reservedTagKeys.has(tagKey(tag) ?? ""))
  const long = tags.filter((tag) => tag.length < 1 || tag.length > longestTag)
  const complaints = [
    ...(reserved.length > 0 ? [`reserved for Karpenter: ${reserved.join(", ")}`] : []),
    ...(long.length > 0 ? [`not between 1 and ${longestTag} characters: ${long.join(", ")}`] : [])
  ]
  if (complaints.length === 0) return []
  const message = `tags failed validation requirements (${complaints.join("; ")})`
  return [{ field: "spec.tags", reason: "TagValidationFailed", message }]
}

/** `controlPlane`: its version, where the class asks for one on an enterprise cluster. */
export const validateNodeClass = (
  { spec }: LinodeNodeClass,
  cluster: ClusterShape,
  controlPlane: string | undefined
): ReadonlyArray<NodeClassIssue> => [...versionIssue(spec.lkeK8sVersion, cluster, controlPlane), ...tagIssue(spec.tags ?? [])]
