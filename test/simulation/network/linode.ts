/** The way between a program and Linode, and what can go wrong on it. */
import type { AxiosAdapter } from "axios"
import type { ApiRequest, ApiResponse, Outcome } from "../../../src/simulator/linode/linodeApi.ts"
import { findRoutes } from "../../../src/simulator/linode/routes.ts"
import { transport } from "../../../src/simulator/linode/transport.ts"
import type { Dice } from "../dice.ts"
import type { Process } from "../engine/virtual.ts"
import type { Stage } from "../stage.ts"
import { rules, second } from "../stage.ts"

/** How a request fares; all but `fine` and `slow` count as faults, and `slow` too. */
export type LinodeFate =
  | "fine" | "slow" | "error 500 before" | "error 500 after" | "error 502 before" | "error 502 after" | "error 503 before"
  | "error 408 before" | "error 408 after" | "too many requests" | "unauthorized" | "request lost" | "reply lost"
  | "hangs before" | "hangs after" | "late, connection broken" | "late, no answer" | "reply cut off" | "reply malformed"
  | "carried out twice"

/** For requests that read: nothing else makes a difference. */
const readFates: Readonly<Partial<Record<LinodeFate, number>>> = {
  slow: 2, "error 500 before": 3, "error 502 before": 2, "error 503 before": 2, "error 408 before": 1, "too many requests": 3,
  "request lost": 3, "hangs before": 1, "reply cut off": 2, "reply malformed": 1, unauthorized: 0.3
}
const changeFates: Readonly<Partial<Record<LinodeFate, number>>> = {
  slow: 2, "error 500 before": 2, "error 500 after": 3, "error 502 before": 1, "error 502 after": 2, "error 503 before": 1,
  "error 408 before": 1, "error 408 after": 1, "too many requests": 2, "request lost": 2, "reply lost": 4, "hangs before": 1,
  "hangs after": 2, "late, connection broken": 4, "late, no answer": 3, "reply cut off": 2, "reply malformed": 1,
  "carried out twice": 2, unauthorized: 0.3
}

/** Of a request: it is about to be sent and changes something, or changes nothing, or was carried out. */
export type Moment = "sending" | "asking" | "carriedOut"

export interface LinodeTrouble {
  /** The share of requests that something happens to. */
  readonly reads: number
  readonly changes: number
}

const answered = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Outcome => ({
  kind: "answered", response: { status, body, headers: { "Content-Type": "application/json", ...headers } }
})
const refusal = (status: number, reason: string, headers?: Readonly<Record<string, string>>): Outcome =>
  answered(status, JSON.stringify({ errors: [{ reason }] }), headers)
const badGateway: Outcome = {
  kind: "answered", response: { status: 502, body: "<html><h1>502 Bad Gateway</h1></html>", headers: { "Content-Type": "text/html" } }
}
const lost: Outcome = { kind: "lost" }

export class LinodeNetwork {
  private readonly stage: Stage
  private readonly dice: Dice
  private readonly trouble: LinodeTrouble
  /** Everything meets this fate for a while. */
  private storm: LinodeFate | undefined

  constructor(stage: Stage, trouble: LinodeTrouble) {
    this.stage = stage
    this.dice = stage.diceOf("linode network")
    this.trouble = trouble
  }

  /** All requests meet one fate for so long. */
  blow(fate: LinodeFate, millis: number): void {
    this.storm = fate
    this.stage.after(millis, () => {
      if (this.storm === fate) this.storm = undefined
    })
  }

  /**
   * `onRequest` is told of each request that is to change something, before it is sent and once it is carried out, and of each that
   * only asks, when it is sent.
   */
  adapter(process: Process, program: string, onRequest: (at: Moment) => void): AxiosAdapter {
    return transport({ exchange: (request, done) => this.exchange(process, program, onRequest, request, done) })
  }

  private fateOf(method: string, route: string): LinodeFate {
    const { dice, stage, trouble } = this
    if (!stage.troubled) return "fine"
    const reads = method === "GET"
    if (this.storm !== undefined && (!reads || this.storm in readFates)) return this.storm
    if (!dice.happens(reads ? trouble.reads : trouble.changes)) return "fine"
    const fate = dice.weighted(reads ? readFates : changeFates)
    // Nobody sends a POST again on its way.
    return fate === "carried out twice" && route.startsWith("POST") ? "reply lost" : fate
  }

  private exchange(
    process: Process, program: string, onRequest: (at: Moment) => void, request: ApiRequest, done: (outcome: Outcome) => void
  ): void {
    const { dice, stage } = this
    const changes = request.method !== "GET"
    onRequest(changes ? "sending" : "asking")
    if (!process.alive) return
    const path = request.url.replace(/\?.*$/, "").replace(/^\/v4(beta)?/, "")
    const route = findRoutes(path)[0]?.route.path ?? path
    if (request.method === "POST" && route === "/linode/instances") stage.order(request.body)
    const what = `${request.method} ${route}`
    const fate = this.fateOf(request.method, what)
    if (fate !== "fine") stage.fault(`linode: ${fate}`, `${program} ${request.method} ${path}`)
    const [up, down] = [this.latency(), this.latency()]
    const sentAt = stage.now
    const landed = stage.fly()
    const answer = (outcome: Outcome, more = 0): void => {
      process.after(down + more, () => done(outcome))
    }
    const carryOut = (late: boolean): ApiResponse => {
      const response = stage.act({ by: "controller", program, request: what }, () => {
        stage.cloud.timeline.advance()
        stage.takeCloudEvents()
        const reply = stage.api.handle(request)
        if (changes) {
          const unknownOutcome = !process.alive || !["fine", "slow", "carried out twice"].includes(fate)
          stage.note("linode", `${program} ${request.method} ${path} ${request.body} -> ${reply.status}${late ? " (late)" : ""}`)
          stage.changedLinode({
            at: stage.now, sentAt, by: "controller", program, method: request.method, path, route, body: request.body,
            status: reply.status, late, unknownOutcome, events: stage.takeCloudEvents()
          })
        }
        return reply
      })
      if (changes) onRequest("carriedOut")
      return response
    }
    const land = (f: () => void) => stage.after(up, () => {
      landed()
      f()
    })
    const later = (waited: number) => {
      const millis = waited + (dice.happens(0.5) ? dice.magnitude(500, rules.latest) : dice.int(0, rules.latest))
      stage.after(up + millis, () => {
        landed()
        carryOut(true)
      })
    }
    switch (fate) {
      case "fine":
        return void land(() => answer({ kind: "answered", response: carryOut(false) }))
      case "slow": {
        const millis = dice.magnitude(second, 25 * second)
        return void land(() => answer({ kind: "answered", response: carryOut(millis > rules.patience) }, millis))
      }
      case "error 500 before": return void land(() => answer(refusal(500, "Internal server error")))
      case "error 503 before": return void land(() => answer(refusal(503, "Service Unavailable")))
      case "error 408 before": return void land(() => answer(refusal(408, "Request timed out")))
      case "error 502 before": return void land(() => answer(badGateway))
      case "unauthorized": return void land(() => answer(refusal(401, "Invalid Token")))
      case "too many requests": {
        const seconds = String(dice.int(1, 20))
        return void land(() => answer(refusal(429, "Too many requests", { "Retry-After": seconds })))
      }
      case "error 500 after": return void land(() => {
        carryOut(false)
        answer(refusal(500, "Internal server error"))
      })
      case "error 408 after": return void land(() => {
        carryOut(false)
        answer(refusal(408, "Request timed out"))
      })
      case "error 502 after": return void land(() => {
        carryOut(false)
        answer(badGateway)
      })
      case "request lost": return void land(() => answer(lost))
      case "reply lost": return void land(() => {
        carryOut(false)
        answer(lost)
      })
      case "hangs before": return void land(() => {})
      case "hangs after": return void land(() => {
        carryOut(false)
      })
      case "late, connection broken":
        process.after(up + down, () => done(lost))
        return later(0)
      case "late, no answer": return later(rules.patience)
      case "reply cut off": return void land(() => answer({ kind: "cut", response: carryOut(false) }))
      case "reply malformed": return void land(() => {
        const response = carryOut(false)
        answer({ kind: "answered", response: { ...response, body: `${response.body.slice(0, -1)},` } })
      })
      case "carried out twice": return void land(() => {
        carryOut(false)
        stage.after(this.latency(), () => answer({ kind: "answered", response: carryOut(false) }))
      })
    }
  }

  private latency(): number {
    return this.dice.happens(0.02) ? this.dice.int(300, 2_000) : this.dice.int(10, 120)
  }
}
