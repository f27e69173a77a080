/** The simulated API, without a socket: one request in, one outcome out, everything written down. */
import { type Fault, Faults } from "./faults.ts"
import type { LinodeCloud } from "./linodeCloud.ts"
import { documentedLimits, RateMeter, type RateLimits } from "./rateLimits.ts"
import { findRoutes } from "./routes.ts"
import { Refusal } from "./world.ts"

export interface ApiRequest {
  /** In capitals. */
  readonly method: string
  /** With version and query: `/v4beta/linode/types?page=2`. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface ApiResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How a request ends for its client. Some never end. */
export type Outcome =
  | { readonly kind: "answered"; readonly response: ApiResponse }
  /** The connection breaks before a byte of the answer. */
  | { readonly kind: "lost" }
  /** The connection breaks in the middle of the answer. */
  | { readonly kind: "cut"; readonly response: ApiResponse }

export interface LoggedRequest {
  readonly at: number
  readonly method: string
  readonly path: string
  /** Without version, ids as `{id}`; the path itself where there is no such route. */
  readonly route: string
  /** What the client was told; 0 for nothing. */
  readonly status: number
  readonly filter: string | undefined
  readonly body: string
  readonly fault: Fault["kind"] | undefined
}

const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): ApiResponse => ({
  status, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body)
})

const refusal = (status: number, reason: string, headers?: Readonly<Record<string, string>>, field?: string): ApiResponse =>
  json(status, { errors: [{ reason, ...(field === undefined ? {} : { field }) }] }, headers)

const refusals: Readonly<Record<number, string>> = {
  408: "Request timed out",
  429: "Too many requests",
  500: "Internal server error",
  503: "Service Unavailable"
}

const refusedBy = ({ retryAfterSeconds, status }: Extract<Fault, { readonly kind: "refused" }>): ApiResponse => {
  const wait: Readonly<Record<string, string>> = retryAfterSeconds === undefined ? {} : { "Retry-After": `${retryAfterSeconds}` }
  if (status !== 502) return refusal(status, refusals[status] ?? "Error", wait)
  return { status, headers: { "Content-Type": "text/html", ...wait }, body: "<html><h1>502 Bad Gateway</h1></html>" }
}

export class LinodeApi {
  readonly cloud: LinodeCloud
  readonly faults = new Faults()
  /** Every request, in the order of arrival. */
  readonly log: Array<LoggedRequest> = []
  private readonly meter: RateMeter | undefined

  /** `rateLimits: undefined` lets any number through. */
  constructor(cloud: LinodeCloud, options: { readonly rateLimits?: RateLimits | undefined } = { rateLimits: documentedLimits }) {
    this.cloud = cloud
    this.meter = options.rateLimits === undefined ? undefined : new RateMeter(options.rateLimits)
  }

  /** How often each `"<METHOD> <route>"` was asked. */
  calls(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { method, route } of this.log) counts[`${method} ${route}`] = (counts[`${method} ${route}`] ?? 0) + 1
    return counts
  }

  /** Takes a request, with whatever fault is planned for it. `done` is called at most once, maybe later, maybe never. */
  exchange(request: ApiRequest, done: (outcome: Outcome) => void): void {
    const { timeline } = this.cloud
    timeline.advance()
    const path = pathOf(request)
    const route = findRoutes(path)[0]?.route.path ?? path
    const fault = this.faults.take({ method: request.method, route, body: request.body })
    const write = (status: number) => this.log.push({
      at: timeline.now(), method: request.method, path, route, status,
      filter: request.headers["x-filter"], body: request.body, fault: fault?.kind
    })
    const answer = (response: ApiResponse) => {
      write(response.status)
      done({ kind: "answered", response })
    }
    switch (fault?.kind) {
      case undefined:
        return answer(this.handle(request))
      case "refused":
        return answer(refusedBy(fault))
      case "answered":
        return answer({
          status: fault.status, body: fault.body, headers: { "Content-Type": fault.contentType ?? "application/json" }
        })
      case "failedAfter":
        this.handle(request)
        return answer(refusal(500, "Internal server error"))
      case "lost":
        if (fault.acts !== false) this.handle(request)
        write(0)
        return done({ kind: "lost" })
      case "hung":
        if (fault.acts !== false) this.handle(request)
        write(0)
        return
      case "late":
        timeline.after(fault.afterMillis, () => this.handle(request))
        write(0)
        return done({ kind: "lost" })
      case "malformed": {
        const response = this.handle(request)
        return answer({ ...response, body: `${response.body.slice(0, -1)},` })
      }
      case "truncated": {
        const response = this.handle(request)
        write(0)
        return done({ kind: "cut", response })
      }
      case "slow": {
        const response = this.handle(request)
        write(response.status)
        return timeline.after(fault.millis, () => done({ kind: "answered", response }))
      }
    }
  }

  /** Carries a request out, without faults and without a line in the log. */
  handle(request: ApiRequest): ApiResponse {
    this.cloud.timeline.advance()
    const path = pathOf(request)
    const candidates = findRoutes(path)
    const match = candidates.find(({ route }) => route.method === request.method)
    if (match === undefined) return candidates.length === 0 ? refusal(404, "Not found") : refusal(405, "Method Not Allowed")
    const token = request.headers.authorization?.replace(/^Bearer /, "")
    if (token === undefined ? match.route.open !== true : !this.cloud.tokens.has(token)) return refusal(401, "Invalid Token")
    const kind = match.route.rate ?? "other"
    const limit = this.meter?.count(token ?? "", kind, this.cloud.timeline.now())
    const headers = { "X-OAuth-Scopes": "*", ...limit?.headers }
    if (limit?.retryAfterSeconds !== undefined) {
      return refusal(429, "Too many requests", { ...headers, "Retry-After": `${limit.retryAfterSeconds}` })
    }
    try {
      const { query, beta } = versionAndQuery(request)
      const body = request.body === "" ? undefined : readJson(request.body)
      const filter = request.headers["x-filter"]
      return json(200, match.route.run({ cloud: this.cloud, ids: match.ids, query, filter, body, beta }), headers)
    } catch (error) {
      if (error instanceof Refusal) return refusal(error.status, error.message, headers, error.field)
      throw error
    }
  }
}

/** Without version; as it is, and so matching no route, where it has none. */
const pathOf = ({ url }: ApiRequest): string => {
  const [whole = ""] = url.split("?")
  const [, path] = /^\/v4(?:beta)?(\/.*)$/.exec(whole) ?? []
  return path ?? `(no version)${whole}`
}

const versionAndQuery = ({ url }: ApiRequest): { readonly query: URLSearchParams; readonly beta: boolean } => ({
  query: new URLSearchParams(url.split("?")[1] ?? ""),
  beta: url.startsWith("/v4beta/")
})

const readJson = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    throw new Refusal(400, "Invalid JSON")
  }
}
