/** What can go wrong at Linode, told by what the caller can do about it. Never carries the request's headers. */
import { Schema } from "effect"

/** This type is not to be had in this region now. The only reason that makes an offering unavailable. */
export class Capacity extends Schema.TaggedError<Capacity>()("Capacity", {}) {}
/** The account may not have more. Waiting or support helps, another type may not. */
export class Quota extends Schema.TaggedError<Quota>()("Quota", {}) {}
/** The request is wrong: `field` as Linode names it, `""` where it names none. */
export class Validation extends Schema.TaggedError<Validation>()("Validation", { field: Schema.String }) {}
/** The token is missing, wrong, or lacks a scope. */
export class Auth extends Schema.TaggedError<Auth>()("Auth", {}) {}
/** Too many requests: none before `retryAfterSeconds`. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", { retryAfterSeconds: Schema.Finite }) {}
/** Try again later. With `outcomeUnknown` the action may have taken place, or take place still. */
export class Transient extends Schema.TaggedError<Transient>()("Transient", { outcomeUnknown: Schema.Boolean }) {}
/** A real 404: the thing does not exist. */
export class Gone extends Schema.TaggedError<Gone>()("Gone", {}) {}
/** The reply is not what the API promises. A change it answers may have taken place. */
export class Decode extends Schema.TaggedError<Decode>()("Decode", {}) {}

export const LinodeErrorReason = Schema.Union([Capacity, Quota, Validation, Auth, RateLimited, Transient, Gone, Decode])
export type LinodeErrorReason = typeof LinodeErrorReason.Type

export class LinodeError extends Schema.TaggedError<LinodeError>()("LinodeError", {
  /** Method and route with ids as placeholders: `PUT /lke/clusters/{id}/pools/{id}`. */
  route: Schema.String,
  /** HTTP status, 0 when there was no reply. */
  status: Schema.Int,
  /** Linode's own reason, or what was wrong with the reply. */
  detail: Schema.String,
  reason: LinodeErrorReason
}) {
  override get message(): string {
    return `${this.route}: ${this.reason._tag}${this.detail === "" ? "" : `: ${this.detail}`}`
  }
}

/** Whether a change that failed like this may have been carried out, or may be yet. */
export const outcomeUnknown = (error: LinodeError): boolean =>
  (error.reason._tag === "Transient" && error.reason.outcomeUnknown) || error.reason._tag === "Decode"
