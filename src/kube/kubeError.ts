/** What can go wrong at the API server, told by what the caller can do about it. */
import { Schema } from "effect"

/** The object is not there. For a delete that is success. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {}) {}
/** Somebody else wrote first: read again, decide again. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {}) {}
/** A create met an object of that name. */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()("AlreadyExists", {}) {}
/** The server refused the object; the same request never succeeds. */
export class Invalid extends Schema.TaggedError<Invalid>()("Invalid", {
  causes: Schema.Array(Schema.Struct({ field: Schema.String, message: Schema.String }))
}) {}
/** Credentials are missing, wrong, or lack the right. */
export class Denied extends Schema.TaggedError<Denied>()("Denied", {}) {}
/** An eviction that a PodDisruptionBudget (or more than one) does not allow now. */
export class DisruptionBlocked extends Schema.TaggedError<DisruptionBlocked>()("DisruptionBlocked", {
  /** True when the pod has several budgets: Kubernetes will never evict it. */
  multipleBudgets: Schema.Boolean
}) {}
/** The server asks for patience. */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", { retryAfterSeconds: Schema.Finite }) {}
/** The resourceVersion or continue token is too old: list again from the start. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", {}) {}
/** Nobody answered, or the server failed. A write may have taken place all the same. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {}) {}
/** The reply was not what the API promises. */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", {}) {}

export const KubeErrorReason = Schema.Union([
  NotFound, Conflict, AlreadyExists, Invalid, Denied, DisruptionBlocked, Throttled, Expired, Unavailable, Malformed
])
export type KubeErrorReason = typeof KubeErrorReason.Type

export class KubeError extends Schema.TaggedError<KubeError>()("KubeError", {
  /** Verb and path, without query or credentials: `PATCH /api/v1/nodes/n1`. */
  request: Schema.String,
  /** HTTP status, 0 when there was no reply. */
  status: Schema.Int,
  /** The server's own words, cut to a readable length. */
  detail: Schema.String,
  reason: KubeErrorReason
}) {
  override get message(): string {
    return `${this.request}: ${this.reason._tag}${this.detail === "" ? "" : `: ${this.detail}`}`
  }
}

export const isNotFound = (error: KubeError): boolean => error.reason._tag === "NotFound"
export const isConflict = (error: KubeError): boolean => error.reason._tag === "Conflict"
