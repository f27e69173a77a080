/** What an API server's reply means, when it is not the object asked for. */
import { Option, Schema } from "effect"
import {
  AlreadyExists, Conflict, Denied, DisruptionBlocked, Expired, Invalid, KubeError, Malformed, NotFound, Throttled, Unavailable
} from "./kubeError.ts"
import type { KubeErrorReason } from "./kubeError.ts"

const text = Schema.optional(Schema.NullOr(Schema.String))
const Status = Schema.Struct({
  code: Schema.optional(Schema.Int),
  reason: text,
  message: text,
  details: Schema.optional(Schema.NullOr(Schema.Struct({
    retryAfterSeconds: Schema.optional(Schema.NullOr(Schema.Finite)),
    causes: Schema.optional(Schema.NullOr(Schema.Array(Schema.Struct({ reason: text, message: text, field: text }))))
  })))
})
type Status = typeof Status.Type
const decodeStatus = Schema.decodeUnknownOption(Status)
const decodeStatusText = Schema.decodeUnknownOption(Schema.fromJsonString(Status))

const longestDetail = 500
const shorten = (detail: string): string =>
  detail.length <= longestDetail ? detail : `${detail.slice(0, longestDetail)}…`

const conflict = (status: Status): KubeErrorReason =>
  status.reason === "AlreadyExists" ? new AlreadyExists() : new Conflict()

const reasonOf = (code: number, status: Status, retryAfter: number | undefined): KubeErrorReason => {
  const causes = status.details?.causes ?? []
  if (status.reason === "Expired" || status.reason === "Gone") return new Expired()
  switch (code) {
    case 401:
    case 403: return new Denied()
    case 404: return new NotFound()
    case 408: return new Unavailable()
    case 409: return conflict(status)
    case 410: return new Expired()
    case 429:
      return causes.some((cause) => cause.reason === "DisruptionBudget")
        ? new DisruptionBlocked({ multipleBudgets: false })
        : new Throttled({ retryAfterSeconds: status.details?.retryAfterSeconds ?? retryAfter ?? 1 })
  }
  // The Eviction API says so with an internal error, though it is for good.
  if (code === 500 && /more than one PodDisruptionBudget/.test(status.message ?? "")) {
    return new DisruptionBlocked({ multipleBudgets: true })
  }
  if (code >= 400 && code < 500) {
    return new Invalid({ causes: causes.map(({ field, message }) => ({ field: field ?? "", message: message ?? "" })) })
  }
  return code >= 500 ? new Unavailable() : new Malformed()
}

/** The error for a reply with a status other than 2xx. `retryAfter` is the header's value in seconds. */
export const replyError = (request: string, code: number, body: string, retryAfter: number | undefined): KubeError => {
  const status = Option.getOrElse(decodeStatusText(body), (): Status => ({ message: body.trim() }))
  return new KubeError({
    request,
    status: code,
    detail: shorten(status.message ?? ""),
    reason: reasonOf(code, status, retryAfter)
  })
}

/** The error for the Status object in a watch's ERROR event. */
export const watchError = (request: string, object: unknown): KubeError => {
  const status = Option.getOrElse(decodeStatus(object), (): Status => ({}))
  const code = status.code ?? 0
  const detail = shorten(status.message ?? "")
  return new KubeError({ request, status: code, detail, reason: reasonOf(code, status, undefined) })
}

/** No reply, or the connection broke. Says what the system said: `ECONNREFUSED`, a TLS failure. */
export const transportError = (request: string, cause: unknown): KubeError => {
  const { code, message } = cause as { readonly code?: string; readonly message?: string }
  const detail = message === undefined || message === "" ? code ?? "connection failed" : message
  return new KubeError({ request, status: 0, detail: shorten(detail), reason: new Unavailable() })
}

export const timeoutError = (request: string, detail: string): KubeError =>
  new KubeError({ request, status: 0, detail, reason: new Unavailable() })

export const malformedError = (request: string, status: number, detail: string): KubeError =>
  new KubeError({ request, status, detail, reason: new Malformed() })
