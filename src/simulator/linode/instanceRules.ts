/** What Linode checks of a new Linode before it looks whether it can be had. Unknown fields are ignored. */
import type { Region } from "../../linode/models.ts"
import type { SimulatedAccount } from "./account.ts"
import { isRecord, readTags } from "./poolRules.ts"
import { Refusal } from "./world.ts"

export interface InstanceRequest {
  /** Linode makes one up where there is none. */
  readonly label: string | undefined
  readonly type: string
  readonly region: string
  readonly image: string | undefined
  readonly tags: ReadonlyArray<string>
  readonly userData: string | undefined
  readonly firewallId: number | undefined
  readonly placementGroupId: number | undefined
}

/** What a request is checked against. */
export interface InstanceRulesContext {
  readonly account: SimulatedAccount
  readonly regions: ReadonlyMap<string, Region>
}

/** Linodes that a placement group takes, in every region. */
const mostMembers = 5
const mostUserData = 65_535
const mostSwap = 65_536
const publicKey = /^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh|ecdsa)\S+) [A-Za-z0-9+/]+={0,2}( .*)?$/
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

type Body = Readonly<Record<string, unknown>>

const invalid = (field: string, reason = `${field} is not valid`) => new Refusal(400, reason, field)

/** Null counts as absent, as it does at Linode. */
const optional = <A>(body: Body, field: string, is: (x: unknown) => x is A): A | undefined => {
  const value = body[field]
  if (value === undefined || value === null) return undefined
  if (!is(value)) throw invalid(field)
  return value
}

const isText = (x: unknown): x is string => typeof x === "string"
const isBoolean = (x: unknown): x is boolean => typeof x === "boolean"
const isId = (x: unknown): x is number => typeof x === "number" && Number.isInteger(x)
const isTexts = (x: unknown): x is ReadonlyArray<string> => Array.isArray(x) && x.every(isText)

const label = (body: Body): string | undefined => {
  const text = optional(body, "label", isText)
  if (text === undefined) return undefined
  if (text.length < 3 || text.length > 64) throw invalid("label", "Length must be 3-64 characters")
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text)) {
    throw invalid("label", "Must only use ASCII letters, numbers, underscores, dashes and periods, and begin and end with a letter or number")
  }
  if (/--|__|\.\./.test(text)) throw invalid("label", "Must not have two dashes, underscores or periods in a row")
  return text
}

const region = (body: Body, { regions }: InstanceRulesContext): Region => {
  const id = optional(body, "region", isText)
  if (id === undefined) throw invalid("region", "region is required")
  const found = regions.get(id)
  if (found === undefined) throw invalid("region")
  return found
}

const image = (body: Body, { account }: InstanceRulesContext): string | undefined => {
  const id = optional(body, "image", isText)
  if (id !== undefined && !account.images.has(id)) throw invalid("image")
  return id
}

/** Who gets in: a Linode with an image needs somebody. Texts of passwords are never repeated. */
const access = (body: Body, needed: boolean): void => {
  const password = optional(body, "root_pass", isText)
  const keys = optional(body, "authorized_keys", isTexts)
  const users = optional(body, "authorized_users", isTexts)
  if (needed && password === undefined && keys === undefined && users === undefined) throw invalid("root_pass", "root_pass is required")
  if (password !== undefined) {
    if (password.length < 7 || password.length > 128) throw invalid("root_pass", "Length must be 7-128 characters")
    const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length
    if (kinds < 2) throw invalid("root_pass", "Password does not meet complexity requirements")
  }
  if (keys?.every((key) => publicKey.test(key)) === false) throw invalid("authorized_keys", "Invalid SSH public key")
}

const userData = (body: Body, { capabilities }: Region): string | undefined => {
  const metadata = optional(body, "metadata", isRecord)
  const encoded = metadata === undefined ? undefined : optional(metadata, "user_data", isText)
  if (encoded === undefined) return undefined
  if (!capabilities.includes("Metadata")) throw invalid("metadata", "Metadata is not available in this region")
  if (encoded === "" || !base64.test(encoded)) throw invalid("metadata.user_data", "Must be valid base64")
  const decoded = Buffer.from(encoded, "base64")
  if (decoded.byteLength > mostUserData) throw invalid("metadata.user_data", `Must be at most ${mostUserData} bytes`)
  return decoded.toString("utf8")
}

const firewall = (body: Body, { account }: InstanceRulesContext): number | undefined => {
  const id = optional(body, "firewall_id", isId)
  const generation = optional(body, "interface_generation", isText) ?? account.interfaces
  if (!["legacy_config", "linode"].includes(generation)) throw invalid("interface_generation")
  if (id !== undefined && generation === "linode") {
    throw invalid("firewall_id", "Apply firewalls to the interfaces of the Linode instead")
  }
  // -1: none, not even the account's default.
  if (id === undefined || id === -1) return undefined
  if (!account.hasFirewall(id)) throw invalid("firewall_id")
  return id
}

const placementGroup = (body: Body, { id: here }: Region, { account }: InstanceRulesContext): number | undefined => {
  const wanted = optional(body, "placement_group", isRecord)
  if (wanted === undefined) return undefined
  const group = typeof wanted.id === "number" ? account.placementGroups.get(wanted.id) : undefined
  if (group === undefined) throw invalid("placement_group.id", "placement_group is not valid")
  if (group.region !== here) throw invalid("placement_group.id", "The placement group is in another region")
  if (group.members.length >= mostMembers) throw invalid("placement_group.id", `The placement group has ${mostMembers} Linodes already`)
  return group.id
}

const rest = (body: Body): void => {
  const swap = optional(body, "swap_size", isId)
  if (swap !== undefined && (swap < 0 || swap > mostSwap)) throw invalid("swap_size")
  optional(body, "backups_enabled", isBoolean)
  optional(body, "booted", isBoolean)
  const encryption = optional(body, "disk_encryption", isText)
  if (encryption !== undefined && !["enabled", "disabled"].includes(encryption)) throw invalid("disk_encryption")
}

/** @throws Refusal 400 that names the field */
export const readInstanceRequest = (body: Body, context: InstanceRulesContext): InstanceRequest => {
  const type = optional(body, "type", isText)
  if (type === undefined) throw invalid("type", "type is required")
  const place = region(body, context)
  const wantedImage = image(body, context)
  access(body, wantedImage !== undefined)
  rest(body)
  return {
    type,
    region: place.id,
    image: wantedImage,
    label: label(body),
    tags: body.tags === undefined || body.tags === null ? [] : readTags(body.tags),
    userData: userData(body, place),
    firewallId: firewall(body, context),
    placementGroupId: placementGroup(body, place, context)
  }
}
