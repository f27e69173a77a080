/**
 * Disruptions that are under way, as the claims tell them: nodes whose pods need new ones go when their replacements are there,
 * and each replacement names what it stands in for. A restart, or another leader, goes on from there. Pure.
 */
import { Option, Schema } from "effect"
import { conditionType, nodeClaimConditions } from "../apis/conditions.ts"
import { annotation } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import { disruptionReasons } from "../apis/nodePool.ts"
import { oncePer } from "../kube/oncePer.ts"

/** What a replacement says of the disruption that it was made for. */
const Replacing = Schema.Struct({
  /** The same on all replacements of one disruption, and no other's. */
  id: Schema.String,
  reason: Schema.Literals(disruptionReasons),
  /** `multi`, `single`, or nothing: what metrics call it. */
  consolidationType: Schema.String,
  /** When the claims were told to go: the transition of their DisruptionReason. */
  at: Schema.String,
  /** How many replacements there are. */
  of: Schema.Int,
  /** The claims that go. */
  claims: Schema.Array(Schema.Struct({ name: Schema.String, uid: Schema.String }))
})
export type Replacing = typeof Replacing.Type

const read = Schema.decodeUnknownOption(Schema.fromJsonString(Replacing))

/** The annotations of a replacement. */
export const replacingAnnotations = (replacing: Replacing): Readonly<Record<string, string>> =>
  ({ [annotation.replaces]: JSON.stringify(replacing) })

const replacingOf = ({ metadata }: NodeClaim): Replacing | undefined => {
  const text = metadata.annotations?.[annotation.replaces]
  return text === undefined ? undefined : Option.getOrUndefined(read(text))
}

export interface Disruption extends Replacing {
  readonly replacements: ReadonlyArray<NodeClaim>
  /** Those of its claims that are still there, deleted ones included. */
  readonly leaving: ReadonlyArray<NodeClaim>
}

const isDeleting = ({ metadata }: NodeClaim): boolean => metadata.deletionTimestamp !== undefined
export const isToGo = (claim: NodeClaim): boolean => nodeClaimConditions.isTrue(claim, conditionType.disruptionReason)

/** The disruptions that have replacements, as long as one of what they replace is there; over ones included. */
export const disruptionsIn = oncePer((claims: ReadonlyArray<NodeClaim>): ReadonlyArray<Disruption> => {
  const replacements = new Map<string, { readonly replacing: Replacing; readonly own: Array<NodeClaim> }>()
  for (const claim of claims) {
    const replacing = replacingOf(claim)
    if (replacing === undefined) continue
    const known = replacements.get(replacing.id)
    if (known === undefined) replacements.set(replacing.id, { replacing, own: [claim] })
    else known.own.push(claim)
  }
  if (replacements.size === 0) return []
  const byUid = new Map(claims.map((claim) => [claim.metadata.uid, claim]))
  return [...replacements.values()].map(({ own, replacing }) => ({
    ...replacing,
    replacements: own,
    leaving: replacing.claims.flatMap(({ uid }) => byUid.get(uid) ?? [])
  }))
})

/** What is left of a disruption whose replacements are all gone. */
export const withoutReplacements = (replacing: Replacing, claims: ReadonlyArray<NodeClaim>): Disruption => {
  const uids = new Set(replacing.claims.map(({ uid }) => uid))
  return { ...replacing, replacements: [], leaving: claims.filter(({ metadata: { uid } }) => uids.has(uid ?? "")) }
}

/** Those of its claims that nobody deletes yet, and that are still to go: by this disruption, and not by a later one. */
export const waiting = ({ at, leaving }: Disruption): ReadonlyArray<NodeClaim> => leaving.filter((claim) =>
  !isDeleting(claim) && isToGo(claim) &&
  nodeClaimConditions.get(claim, conditionType.disruptionReason)?.lastTransitionTime === at)

/** All replacements are there, or on their way. */
export const isWhole = ({ of, replacements }: Disruption): boolean =>
  replacements.filter((claim) => !isDeleting(claim)).length >= of

/** Something waits for the replacements. One that was called off, or has lost a replacement, is not running. */
export const isRunning = (disruption: Disruption): boolean => isWhole(disruption) && waiting(disruption).length > 0

/** Names of the claims that go as soon as their replacements are there: their pods need another place already. */
export const namesToGo = (claims: ReadonlyArray<NodeClaim>): ReadonlySet<string> =>
  new Set(disruptionsIn(claims).filter(isRunning).flatMap(waiting).map(({ metadata: { name } }) => name))

/** Names of replacements whose pods have not all come yet: what they stand in for is waiting, or being drained. */
export const namesAwaited = (claims: ReadonlyArray<NodeClaim>): ReadonlySet<string> =>
  new Set(disruptionsIn(claims)
    .filter((disruption) => isRunning(disruption) || disruption.leaving.some(isDeleting))
    .flatMap(({ replacements }) => replacements).map(({ metadata: { name } }) => name))
