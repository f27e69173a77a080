/** What can go wrong between a client and the simulated API: told by the test, a seed, or nobody. */

export type Fault =
  /** An error instead of the action. 502 comes as a proxy's HTML page. */
  | { readonly kind: "refused"; readonly status: 408 | 429 | 500 | 502 | 503; readonly retryAfterSeconds?: number }
  /** Any answer instead of the action. */
  | { readonly kind: "answered"; readonly status: number; readonly body: string; readonly contentType?: string }
  /** The action is done, the answer is 500. */
  | { readonly kind: "failedAfter" }
  /** The connection breaks: after the action or, with `acts: false`, before it. */
  | { readonly kind: "lost"; readonly acts?: boolean }
  /** No answer ever: after the action or, with `acts: false`, without it. */
  | { readonly kind: "hung"; readonly acts?: boolean }
  /** The connection breaks, and the action is done this much later. */
  | { readonly kind: "late"; readonly afterMillis: number }
  /** The action is done, the answer is not JSON. */
  | { readonly kind: "malformed" }
  /** The action is done, the answer ends in the middle. */
  | { readonly kind: "truncated" }
  /** The answer takes this much longer; the action is done on time. */
  | { readonly kind: "slow"; readonly millis: number }

export interface FaultyRequest {
  readonly method: string
  /** Without version, ids as `{id}`: `/lke/clusters/{id}/pools`. */
  readonly route: string
  readonly body: string
}

interface Rule {
  readonly matches: (request: FaultyRequest) => boolean
  readonly fault: Fault
  left: number
}

export class Faults {
  private rules: ReadonlyArray<Rule> = []

  /**
   * The next `times` requests to `what` meet this fault. `what` is `"<METHOD> <route>"`, a route for every method, or a
   * predicate. Older rules go first. Gives back what ends it.
   */
  on(what: string | ((request: FaultyRequest) => boolean), fault: Fault, times = 1): () => void {
    const matches = typeof what === "string"
      ? (request: FaultyRequest) => request.route === what || `${request.method} ${request.route}` === what
      : what
    const rule: Rule = { matches, fault, left: times }
    this.rules = [...this.rules, rule]
    return () => {
      this.rules = this.rules.filter((other) => other !== rule)
    }
  }

  /** No more trouble. */
  clear(): void {
    this.rules = []
  }

  /** What this request meets; each call uses one of the rule's times up. */
  take(request: FaultyRequest): Fault | undefined {
    const rule = this.rules.find((candidate) => candidate.left > 0 && candidate.matches(request))
    if (rule === undefined) return undefined
    rule.left--
    this.rules = this.rules.filter((other) => other.left > 0)
    return rule.fault
  }
}
