/** What is ordered for a claim: pure, but for the password that nobody is to know. */
import { Effect, Redacted } from "effect"
import type { SecureRandom } from "effect/crypto"
import { claimRequirements } from "../../apis/claimRequirements.ts"
import { isRestrictedLabel, sameTaint, unregisteredTaint } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Taint } from "../../kube/objects.ts"
import type { NewInstance } from "../../linode/models.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import { machineLabels } from "../instanceTypes.ts"
import type { InstanceClusterShape } from "./cluster.ts"
import { machineLabel } from "./label.ts"
import { machineTags } from "./tags.ts"

/** As the Go provider has it. */
const defaultImage = "linode/ubuntu22.04"

export const imageOf = ({ image = "" }: LinodeNodeClass["spec"]): string => image === "" ? defaultImage : image

/** What a claim requires with one value only. */
const required = (claim: NodeClaim): Readonly<Record<string, string>> => Object.fromEntries(
  claimRequirements(claim).flatMap(({ key, operator, values = [] }) =>
    operator === "In" && values.length === 1 && !isRestrictedLabel(key) ? [[key, values[0]!]] : [])
)

/** The labels that a machine of this type gives to its claim, and the claim to its Node; the claim's own come on top. */
export const launchLabels = (claim: NodeClaim, type: InstanceType): Readonly<Record<string, string>> =>
  ({ ...required(claim), ...machineLabels(type) })

/** What the Node carries until it is registered: what it keeps, and what keeps pods away meanwhile. None twice. */
export const launchTaints = ({ spec: { startupTaints = [], taints = [] } }: NodeClaim): ReadonlyArray<Taint> =>
  [...taints, ...startupTaints, unregisteredTaint].reduce<ReadonlyArray<Taint>>(
    (all, taint) => all.some((known) => sameTaint(known, taint)) ? all : [...all, taint], []
  )

/**
 * 43 letters, digits, dashes and underscores out of 32 random bytes, and one of each kind that Linode may ask for. Never kept.
 */
export const rootPassword = (random: SecureRandom.SecureRandom["Service"]): Effect.Effect<Redacted.Redacted> =>
  Effect.map(random.randomBytes(32), (bytes) => Redacted.make(`${Buffer.from(bytes).toString("base64url")}aA1-`))

const given = <K extends string, A>(key: K, value: A | undefined): { readonly [key in K]?: A } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: A }

const some = (list: ReadonlyArray<string> | undefined): ReadonlyArray<string> | undefined =>
  list === undefined || list.length === 0 ? undefined : list

/** The whole order. What the class leaves open is left to Linode. */
export const orderOf = (
  cluster: InstanceClusterShape, claim: NodeClaim, nodeClass: LinodeNodeClass, type: string,
  secrets: Pick<NewInstance, "root_pass" | "user_data">
): NewInstance => {
  const {
    authorizedKeys, authorizedUsers, backupsEnabled, diskEncryption, firewallID, placementGroup, swap_size
  } = nodeClass.spec
  const firewall = firewallID === 0 ? undefined : firewallID
  return {
    label: machineLabel(cluster.identity, claim),
    region: cluster.region,
    type,
    image: imageOf(nodeClass.spec),
    tags: machineTags(cluster, claim, nodeClass),
    ...secrets,
    ...given("authorized_keys", some(authorizedKeys)),
    ...given("authorized_users", some(authorizedUsers)),
    ...given("backups_enabled", backupsEnabled),
    ...given("disk_encryption", diskEncryption),
    ...given("swap_size", swap_size),
    // -1 is Linode's word for none at all; 0 is nobody's.
    ...given("firewall_id", firewall),
    // An account may have new Linodes get interfaces that do not take a firewall so.
    ...given("interface_generation", firewall === undefined ? undefined : "legacy_config" as const),
    ...given("placement_group", placementGroup)
  }
}
