/** From whatever a call to @linode/api-v4 rejects with to a `LinodeError`: nothing of the request itself gets through. */
import { AxiosError } from "axios"
import { Option, Redacted, Schema } from "effect"
import type { Duration } from "effect"
import type { LinodeErrorReason } from "./linodeError.ts"
import { Auth, Capacity, Decode, Gone, LinodeError, Quota, RateLimited, Transient, Validation } from "./linodeError.ts"

/** What the caller knows of its call. */
export interface CallKind {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** Without version, ids as `{id}`. */
  readonly route: string
  /** The call buys: a complaint about nothing in particular is about the offering. */
  readonly buys?: boolean
  /** Anybody may ask: an answer says nothing about the token. */
  readonly open?: boolean
  /** Needs a scope that the token need not have. */
  readonly extra?: boolean
  /** Secrets in the request: no error repeats them, nor a part of them, whoever wrote its text. */
  readonly hidden?: ReadonlyArray<Redacted.Redacted>
  /** Whoever asks would rather be refused than have the request sent later than this. */
  readonly sentWithin?: Duration.Duration
}

const ErrorBody = Schema.Struct({
  errors: Schema.Array(Schema.Struct({
    reason: Schema.String,
    field: Schema.optional(Schema.NullOr(Schema.String))
  }))
})
const readErrorBody = Schema.decodeUnknownOption(ErrorBody)

const longestDetail = 500
/** For a 429 that does not say how long. */
const usualRetryAfter = 5

const isChange = ({ method }: CallKind): boolean => method !== "GET"

/** Parts of a secret that are no words. */
const part = /[A-Za-z0-9+/]{8,}/g
const isWord = (text: string): boolean => !/\d|.[A-Z]/.test(text)

/** A text without the secrets, and without what only they have: a server may quote a line of what it was sent. */
const hide = (text: string, { hidden = [] }: CallKind, token: string): string => {
  const secrets = hidden.map(Redacted.value)
  const whole = [token, ...secrets].reduce((left, secret) => secret === "" ? left : left.replaceAll(secret, "<redacted>"), text)
  return whole.replaceAll(part, (found) =>
    !isWord(found) && secrets.some((secret) => secret.includes(found)) ? "<redacted>" : found)
}

/** An error of one call. `token` is the secret that must not be in it, whoever wrote the text. */
export const linodeError = (
  call: CallKind, status: number, detail: string, reason: LinodeErrorReason, token: string
): LinodeError =>
  new LinodeError({
    route: `${call.method} ${call.route}`,
    status,
    detail: hide(detail, call, token).slice(0, longestDetail),
    reason
  })

/** No reply in time: the change may have been carried out. */
export const timedOut = (call: CallKind, seconds: number, token: string): LinodeError =>
  linodeError(call, 0, `no answer within ${seconds} s`, new Transient({ outcomeUnknown: isChange(call) }), token)

/** So much is asked for that it was not sent. */
export const notSent = (call: CallKind, seconds: number, token: string): LinodeError =>
  linodeError(
    call, 0, `not sent: there was no turn within ${seconds} s`, new RateLimited({ retryAfterSeconds: usualRetryAfter }), token
  )

/** A reply that is not what the API promises. */
export const undecodable = (call: CallKind, status: number, detail: string, token: string): LinodeError =>
  linodeError(call, status, detail, new Decode(), token)

/** Seconds, from a header of a 429. */
export const retryAfterSeconds = (header: unknown): number | undefined => {
  const seconds = header === undefined || header === null || header === "" ? Number.NaN : Number(header)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

/** The last word of a dotted path: `node_pools.type` is about the type. */
const fieldName = (path: string): string => path.slice(path.lastIndexOf(".") + 1)

type Complaint = { readonly reason: string; readonly field: string }

/** A 4xx with Linode's own words. */
const refusal = (call: CallKind, complaints: ReadonlyArray<Complaint>): LinodeErrorReason => {
  const text = complaints.map(({ reason }) => reason).join("; ")
  if (/linode busy/i.test(text)) return new Transient({ outcomeUnknown: false })
  if (/limit reached|quota/i.test(text)) return new Quota()
  const offering = ({ field }: Complaint) => ["", "type", "region"].includes(fieldName(field))
  const fault = complaints.find((complaint) => !offering(complaint))
  // Linode has no code for a shortage: what is wrong with no other field of an order is that it can't be had.
  if (fault === undefined && call.buys === true) return new Capacity()
  return new Validation({ field: (fault ?? complaints[0])?.field ?? "" })
}

const fromReply = (call: CallKind, status: number, data: unknown, headers: Readonly<Record<string, unknown>>) => {
  const body = Option.getOrUndefined(readErrorBody(data))
  const complaints = (body?.errors ?? []).map(({ field, reason }) => ({ reason, field: field ?? "" }))
  const detail = complaints.map(({ field, reason }) => field === "" ? reason : `${field}: ${reason}`).join("; ")
  const transient = new Transient({ outcomeUnknown: isChange(call) })
  const reason = (): LinodeErrorReason => {
    if (status === 429) {
      return new RateLimited({ retryAfterSeconds: retryAfterSeconds(headers["retry-after"]) ?? usualRetryAfter })
    }
    if (status === 401 || status === 403) return new Auth()
    if (status < 400) return new Decode()
    // Without Linode's words it was somebody between us who answered: not even a 404 says anything about the thing.
    if (status === 408 || status >= 500 || body === undefined) return transient
    return status === 404 ? new Gone() : refusal(call, complaints)
  }
  return { reason: reason(), detail: body === undefined ? `HTTP ${status} without Linode's error body` : detail }
}

/** Node's word for what is wrong with a server's certificate, which is looked at before a request leaves. */
const badCertificate = /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|ERR_TLS_CERT_|SELF_SIGNED_CERT|UNABLE_TO_)/

/**
 * Whether the request never left: nobody was there to take it, or it was not who it should be. Any other error of TLS may be
 * about the reply: `ERR_SSL_…` is said of a handshake and of a spoilt record alike.
 */
const neverSent = (error: AxiosError): boolean => {
  const { syscall } = (error.cause ?? {}) as { readonly syscall?: unknown }
  const code = error.code ?? ""
  return syscall === "connect" || syscall === "getaddrinfo" ||
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ERR_INVALID_URL)$/.test(code) || badCertificate.test(code)
}

/** `cause` as a call to @linode/api-v4 rejected with it. */
export const failure = (call: CallKind, cause: unknown, token: string): LinodeError => {
  // The client's own check of a request: a bare list, and nothing was sent.
  if (Array.isArray(cause)) {
    const { field = "", reason = "refused before it was sent" } = (cause[0] ?? {}) as Partial<Complaint>
    return linodeError(call, 0, field === "" ? reason : `${field}: ${reason}`, new Validation({ field }), token)
  }
  // A reply that broke off counts as none, though axios may hand over its beginning.
  if (cause instanceof AxiosError && cause.response !== undefined && cause.response.status >= 300) {
    const { data, headers, status } = cause.response
    const { detail, reason } = fromReply(call, status, data, headers)
    return linodeError(call, status, detail, reason, token)
  }
  const detail = cause instanceof AxiosError ? cause.code ?? cause.name : String(cause)
  const sent = !(cause instanceof AxiosError && neverSent(cause))
  return linodeError(call, 0, detail, new Transient({ outcomeUnknown: sent && isChange(call) }), token)
}
