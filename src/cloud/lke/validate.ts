/**
 * What LKE cannot do with a LinodeNodeClass, and what it names that does not exist. Fields that LKE has no use for are
 * harmless as long as what they name is there (docs/design/lke.md).
 */
import { Clock, Effect } from "effect"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { Linode } from "../../linode/linode.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Firewall, Image, PlacementGroup } from "../../linode/models.ts"
import type { CloudError, NodeClassImage, NodeClassIssue, NodeClassVerdict } from "../cloudProvider.ts"
import type { ClusterShape } from "./cluster.ts"
import { fromLinode } from "./errors.ts"
import { longestTag, reservedTagKeys, tagKey } from "./tags.ts"

type Issues = ReadonlyArray<NodeClassIssue>

/** What Linode has of what a class names: "missing" on Linode's word alone, undefined where it was not asked or may not be read. */
export interface Named {
  /** Version of the control plane. */
  readonly controlPlane?: string | undefined
  readonly firewall?: Firewall | "missing" | undefined
  readonly image?: Image | "missing" | undefined
  readonly placementGroup?: PlacementGroup | "missing" | undefined
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

export const tagIssue = (tags: ReadonlyArray<string>): Issues => {
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

/** -1 is no firewall at all. */
const asksForFirewall = (id: number | undefined): id is number => id !== undefined && id > 0

const firewallIssue = (id: number | undefined, firewall: Named["firewall"]): Issues => firewall !== "missing" ? [] : [
  { field: "spec.firewallID", reason: "FirewallNotFound", message: `the account has no firewall ${id}` }
]

const imageIssue = (id: string | undefined, image: Named["image"]): Issues => {
  const field = "spec.image"
  if (image === "missing") return [{ field, reason: "ImageNotFound", message: `Linode has no image ${id}` }]
  if (image === undefined || (image.status ?? "available") === "available") return []
  return [{ field, reason: "ImageNotAvailable", message: `image ${id} is ${image.status}, expected available` }]
}

/**
 * No Linode of an LKE pool goes into the group, so its room and its compliance are not asked after: a group that is full would keep
 * nodes from being bought for nothing.
 */
const groupIssue = (id: number | undefined, group: Named["placementGroup"], { region }: ClusterShape): Issues => {
  const field = "spec.placementGroup.id"
  if (group === "missing") return [{ field, reason: "PlacementGroupNotFound", message: `the account has no placement group ${id}` }]
  if (group === undefined || group.region === region) return []
  const message = `placement group ${id} is in ${group.region}, expected the cluster's region ${region}`
  return [{ field, reason: "PlacementGroupInAnotherRegion", message }]
}

/** One issue per field. Pure. */
export const validateNodeClass = ({ spec }: LinodeNodeClass, cluster: ClusterShape, named: Named): Issues => [
  ...versionIssue(spec.lkeK8sVersion, cluster, named.controlPlane),
  ...tagIssue(spec.tags ?? []),
  ...firewallIssue(spec.firewallID, named.firewall),
  ...imageIssue(spec.image, named.image),
  ...groupIssue(spec.placementGroup?.id, named.placementGroup, cluster)
]

/** The image that the class names. What LKE makes its nodes of is LKE's own choice, and no matter of a class. */
const imagesOf = ({ image }: Named): ReadonlyArray<NodeClassImage> => image === undefined || image === "missing" ? [] : [
  { id: image.id, ...(image.label === null ? {} : { label: image.label }), ...(image.deprecated ? { deprecated: true } : {}) }
]

const verdict = (nodeClass: LinodeNodeClass, cluster: ClusterShape, named: Named): NodeClassVerdict =>
  ({ issues: validateNodeClass(nodeClass, cluster, named), images: imagesOf(named) })

/** How long an answer holds: a class is looked at whenever anything of it is written. Milliseconds. */
const believed = 50_000

/** What Linode has under a name; a scope that the token lacks leaves it open. */
const lookUp = <A>(thing: Effect.Effect<A, LinodeError>): Effect.Effect<A | "missing" | undefined, LinodeError> => thing.pipe(
  Effect.map((found): A | "missing" | undefined => found),
  Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.succeed("missing" as const)),
  Effect.catchIf((error) => error.reason._tag === "Auth" && error.status === 403, (error) =>
    Effect.as(Effect.logDebug("the token may not read what a LinodeNodeClass names", { error: error.message }), undefined))
)

/** Asks Linode for everything that a class names. Fails when Linode gives no answer: then nothing is known. */
export const makeValidator = (linode: Linode["Service"], cluster: ClusterShape) => {
  const answers = new Map<string, { readonly spec: string; readonly at: number; readonly named: Named }>()
  return Effect.fn("lke.validate")(function*(nodeClass: LinodeNodeClass): Effect.fn.Return<NodeClassVerdict, CloudError> {
    const { name } = nodeClass.metadata
    const { firewallID, image, lkeK8sVersion, placementGroup } = nodeClass.spec
    const now = yield* Clock.currentTimeMillis
    const spec = JSON.stringify([firewallID, image, lkeK8sVersion, placementGroup])
    const known = answers.get(name)
    if (known?.spec === spec && now - known.at < believed) return verdict(nodeClass, cluster, known.named)
    const named: Named = yield* Effect.all({
      controlPlane: lkeK8sVersion !== undefined && cluster.tier === "enterprise"
        ? Effect.map(linode.cluster(cluster.id), ({ k8s_version }) => k8s_version)
        : Effect.undefined,
      firewall: asksForFirewall(firewallID) ? lookUp(linode.firewall(firewallID)) : Effect.undefined,
      image: image === undefined || image === "" ? Effect.undefined : lookUp(linode.image(image)),
      placementGroup: placementGroup === undefined ? Effect.undefined : lookUp(linode.placementGroup(placementGroup.id))
    }, { concurrency: "unbounded" }).pipe(Effect.mapError(fromLinode("validate LinodeNodeClass")))
    answers.set(name, { spec, at: now, named })
    return verdict(nodeClass, cluster, named)
  })
}
