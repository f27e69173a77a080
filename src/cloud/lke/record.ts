/**
 * What a NodeClaim says about its machine, and about changes that were sent to Linode for it. This is the only memory
 * that LKE mode has: a new process knows as much as the old one.
 */
import { Schema } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { oncePer } from "../../kube/oncePer.ts"
import { instanceIdOf } from "../providerID.ts"

const common = { at: Schema.String }

/** Written before the change is sent. `at` is when, as an ISO timestamp. */
export const Intent = Schema.Union([
  /** A pool was to grow: the change is seen once its count is above `from`. */
  Schema.Struct({ change: Schema.Literal("grow"), pool: Schema.Int, from: Schema.Int, ...common }),
  /** A pool was to be made: it carries `nonce` as a tag. */
  Schema.Struct({ change: Schema.Literal("new"), nonce: Schema.String, ...common }),
  /** The claim's node was to be deleted. */
  Schema.Struct({ change: Schema.Literal("delete"), pool: Schema.Int, node: Schema.String, ...common }),
  /** Written with its node: nothing is under way any more, and a list may be older than that. */
  Schema.Struct({ change: Schema.Literal("bound"), ...common })
])
export type Intent = typeof Intent.Type

const readIntent = Schema.decodeUnknownOption(Schema.fromJsonString(Intent))

export interface ClaimRecord {
  readonly name: string
  readonly uid: string
  readonly claim: NodeClaim
  readonly deleting: boolean
  readonly registered: boolean
  /** Milliseconds. */
  readonly createdAt: number
  /** Which pools may hold its node. */
  readonly key: string | undefined
  /** Id of its LKE node, from its annotation. */
  readonly node: string | undefined
  readonly intent: Intent | undefined
  /** When tags were sent for its pool that may be written yet, in milliseconds. */
  readonly tagging: number | undefined
  /** Its Linode's id, as far as its status says. */
  readonly instance: number | undefined
  /** The node's name, where the claim has no annotation of ours (the Go provider made it). */
  readonly foreign: { readonly nodeName: string | undefined; readonly instance: number | undefined } | undefined
}

export const recordOf = oncePer((claim: NodeClaim): ClaimRecord => {
  const annotations = claim.metadata.annotations ?? {}
  const key = annotations[annotation.lkePoolKey]
  const node = annotations[annotation.lkeNode]
  const written = annotations[annotation.lkeIntent]
  const intent = written === undefined ? undefined : readIntent(written)
  const instance = instanceIdOf(claim.status?.providerID)
  const nodeName = claim.status?.nodeName === "" ? undefined : claim.status?.nodeName
  return {
    name: claim.metadata.name,
    uid: claim.metadata.uid ?? "",
    claim,
    deleting: claim.metadata.deletionTimestamp !== undefined,
    registered: nodeClaimConditions.isTrue(claim, conditionType.registered),
    createdAt: Date.parse(claim.metadata.creationTimestamp ?? "") || 0,
    key,
    node,
    intent: intent?._tag === "Some" ? intent.value : undefined,
    tagging: annotations[annotation.lkeTagging] === undefined ? undefined : Date.parse(annotations[annotation.lkeTagging]!) || 0,
    instance,
    foreign: key === undefined && node === undefined && (nodeName !== undefined || instance !== undefined)
      ? { nodeName, instance }
      : undefined
  }
})

/** Whether the claim is still to get a machine. One that has joined and lost its node is replaced, not served again. */
export const isWaiting = (record: ClaimRecord): boolean =>
  !record.deleting && !record.registered && record.node === undefined && record.foreign === undefined

/** Older claims first; the same order in every process. */
export const byAge = (a: ClaimRecord, b: ClaimRecord): number =>
  a.createdAt - b.createdAt || (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
