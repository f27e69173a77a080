/** What is wrong with a LinodeNodeClass in every mode: its tags, and what it names that does not exist. */
import { Clock, Effect } from "effect"
import type { LinodeNodeClass } from "../apis/linodeNodeClass.ts"
import type { Linode } from "../linode/linode.ts"
import type { LinodeError } from "../linode/linodeError.ts"
import type { Firewall, Image, PlacementGroup } from "../linode/models.ts"
import type { CloudError, NodeClassImage, NodeClassIssue, NodeClassVerdict } from "./cloudProvider.ts"
import { fromLinode } from "./errors.ts"
import { longestTag, reservedTagKeys, tagKey } from "./tags.ts"

export type Issues = ReadonlyArray<NodeClassIssue>

/**
 * What Linode has of what a class names: "missing" on Linode's word alone, undefined where it was not asked or may not be read.
 */
export interface Named {
  readonly firewall?: Firewall | "missing" | undefined
  readonly image?: Image | "missing" | undefined
  readonly placementGroup?: PlacementGroup | "missing" | undefined
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

/** Its room and its compliance are not asked after: Linode says so when it is asked for a machine. */
const groupIssue = (id: number | undefined, group: Named["placementGroup"], region: string): Issues => {
  const field = "spec.placementGroup.id"
  if (group === "missing") return [{ field, reason: "PlacementGroupNotFound", message: `the account has no placement group ${id}` }]
  if (group === undefined || group.region === region) return []
  const message = `placement group ${id} is in ${group.region}, expected the cluster's region ${region}`
  return [{ field, reason: "PlacementGroupInAnotherRegion", message }]
}

/** One issue per field. Pure. */
export const commonIssues = ({ spec }: LinodeNodeClass, region: string, named: Named): Issues => [
  ...tagIssue(spec.tags ?? []),
  ...firewallIssue(spec.firewallID, named.firewall),
  ...imageIssue(spec.image, named.image),
  ...groupIssue(spec.placementGroup?.id, named.placementGroup, region)
]

const imagesOf = ({ image }: Named): ReadonlyArray<NodeClassImage> => image === undefined || image === "missing" ? [] : [
  { id: image.id, ...(image.label === null ? {} : { label: image.label }), ...(image.deprecated ? { deprecated: true } : {}) }
]

/** How long an answer holds: a class is looked at whenever anything of it is written. Milliseconds. */
const believed = 50_000

/** What Linode has under a name; a scope that the token lacks leaves it open. */
const lookUp = <A>(thing: Effect.Effect<A, LinodeError>): Effect.Effect<A | "missing" | undefined, LinodeError> => thing.pipe(
  Effect.map((found): A | "missing" | undefined => found),
  Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.succeed("missing" as const)),
  Effect.catchIf((error) => error.reason._tag === "Auth" && error.status === 403, (error) =>
    Effect.as(Effect.logDebug("the token may not read what a LinodeNodeClass names", { error: error.message }), undefined))
)

/** What a mode adds to it. */
export interface Mode<More> {
  /** The image that machines of the class are to have; none where that is not the class's to say. */
  readonly image: (spec: LinodeNodeClass["spec"]) => string | undefined
  /** What else has to be asked. */
  readonly more: (spec: LinodeNodeClass["spec"]) => Effect.Effect<More, LinodeError>
  /** One issue per field. Pure. */
  readonly issues: (nodeClass: LinodeNodeClass, named: Named & More) => Issues
}

/** Asks Linode for everything that a class names. Fails when Linode gives no answer: then nothing is known. */
export const makeValidator = <More>(linode: Linode["Service"], mode: Mode<More>) => {
  const answers = new Map<string, { readonly spec: string; readonly at: number; readonly named: Named & More }>()
  const verdict = (nodeClass: LinodeNodeClass, named: Named & More): NodeClassVerdict =>
    ({ issues: mode.issues(nodeClass, named), images: imagesOf(named) })
  return Effect.fn("cloud.validate")(function*(nodeClass: LinodeNodeClass): Effect.fn.Return<NodeClassVerdict, CloudError> {
    const { name } = nodeClass.metadata
    const { firewallID, lkeK8sVersion, placementGroup } = nodeClass.spec
    const image = mode.image(nodeClass.spec)
    const now = yield* Clock.currentTimeMillis
    const spec = JSON.stringify([firewallID, image, lkeK8sVersion, placementGroup])
    const known = answers.get(name)
    if (known?.spec === spec && now - known.at < believed) return verdict(nodeClass, known.named)
    const [more, firewall, found, group] = yield* Effect.all([
      mode.more(nodeClass.spec),
      asksForFirewall(firewallID) ? lookUp(linode.firewall(firewallID)) : Effect.undefined,
      image === undefined ? Effect.undefined : lookUp(linode.image(image)),
      placementGroup === undefined ? Effect.undefined : lookUp(linode.placementGroup(placementGroup.id))
    ], { concurrency: "unbounded" }).pipe(Effect.mapError(fromLinode("validate LinodeNodeClass")))
    const named = { ...more, firewall, image: found, placementGroup: group }
    answers.set(name, { spec, at: now, named })
    return verdict(nodeClass, named)
  })
}
