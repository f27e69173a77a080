/** Linode's documented rate limits, per token, in windows of fixed length. */

export interface RateLimit {
  readonly requests: number
  readonly windowMillis: number
}

export interface RateLimits {
  /** GET of a paginated collection. */
  readonly list: RateLimit
  readonly other: RateLimit
  readonly images: RateLimit
  /** New Linodes, those of LKE's pools not among them. */
  readonly creations: RateLimit
}

export const documentedLimits: RateLimits = {
  list: { requests: 200, windowMillis: 60_000 },
  other: { requests: 1_600, windowMillis: 60_000 },
  images: { requests: 20, windowMillis: 60_000 },
  creations: { requests: 20, windowMillis: 15_000 }
}

export class RateMeter {
  private readonly limits: RateLimits
  private readonly windows = new Map<string, { readonly start: number; used: number }>()

  constructor(limits: RateLimits) {
    this.limits = limits
  }

  /** Counts one request. `retryAfterSeconds` is there when it was one too many. */
  count(token: string, kind: keyof RateLimits, now: number): {
    readonly headers: Readonly<Record<string, string>>
    readonly retryAfterSeconds: number | undefined
  } {
    const { requests, windowMillis } = this.limits[kind]
    const key = `${kind} ${token}`
    let window = this.windows.get(key)
    if (window === undefined || now >= window.start + windowMillis) {
      window = { start: now, used: 0 }
      this.windows.set(key, window)
    }
    window.used++
    const end = window.start + windowMillis
    return {
      headers: {
        "X-RateLimit-Limit": `${requests}`,
        "X-RateLimit-Remaining": `${Math.max(0, requests - window.used)}`,
        "X-RateLimit-Reset": `${Math.ceil(end / 1000)}`
      },
      retryAfterSeconds: window.used > requests ? Math.ceil((end - now) / 1000) : undefined
    }
  }
}
