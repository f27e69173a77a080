/**
 * What a NodeClaim says about its machine, and about requests that were sent to Linode for it. This is the only memory that
 * instance mode has: a new process knows as much as the old one.
 */
import { Schema } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { oncePer } from "../../kube/oncePer.ts"
import { instanceIdOf } from "../providerID.ts"
import { requestLifetime } from "../requests.ts"

/** Written before each request for a machine. */
export const Intent = Schema.Struct({
  /** When the last request was sent, as an ISO timestamp. */
  at: Schema.String,
  /** Requests that may have been carried out, or may be yet. */
  attempts: Schema.Int,
  /** The machine that the only one of them made, where the claim's status does not say it. */
  machine: Schema.optional(Schema.Int)
})
export type Intent = typeof Intent.Type

const readIntent = Schema.decodeUnknownOption(Schema.fromJsonString(Intent))

export interface InstanceRecord {
  readonly name: string
  readonly uid: string
  readonly claim: NodeClaim
  readonly deleting: boolean
  readonly registered: boolean
  /** Undefined: nothing was ever asked of Linode for it, or all of it was refused. */
  readonly intent: Intent | undefined
  /** Its Linode's id: as its status says, or as it was found while nobody wrote the status any more. */
  readonly instance: number | undefined
}

export const recordOf = oncePer((claim: NodeClaim): InstanceRecord => {
  const written = claim.metadata.annotations?.[annotation.instanceIntent]
  const read = written === undefined ? undefined : readIntent(written)
  const intent = read?._tag === "Some" ? read.value : undefined
  return {
    name: claim.metadata.name,
    uid: claim.metadata.uid ?? "",
    claim,
    deleting: claim.metadata.deletionTimestamp !== undefined,
    registered: nodeClaimConditions.isTrue(claim, conditionType.registered),
    intent,
    instance: instanceIdOf(claim.status?.providerID) ?? intent?.machine
  }
})

const isRecent = ({ at }: Intent, now: number): boolean => now - (Date.parse(at) || 0) < requestLifetime

/** Whether the machine is known that the claim's only request made: there is no other, and there will be none. */
export const isSettled = ({ instance, intent }: InstanceRecord): boolean =>
  intent?.attempts === 1 && instance !== undefined

/** Whether a request for the claim may be carried out yet. `now` in milliseconds. */
export const isInDoubt = (record: InstanceRecord, now: number): boolean =>
  record.intent !== undefined && isRecent(record.intent, now) && !isSettled(record)

/**
 * Requests that one more comes on top of. One that made a machine which the claim had before counts: the new
 * one is in doubt beside it.
 */
export const earlierAttempts = ({ instance, intent }: InstanceRecord, now: number): number =>
  Math.max(instance === undefined ? 0 : 1, intent !== undefined && isRecent(intent, now) ? intent.attempts : 0)

/** Whether the claim may have a machine as far as it says itself. */
export const wasAskedFor = ({ instance, intent }: InstanceRecord): boolean => intent !== undefined || instance !== undefined
