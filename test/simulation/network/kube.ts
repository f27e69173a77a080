/** The way between a program and the API server: latency, failures before and after the action, and late, broken watches. */
import { Cause, Effect, Queue, Stream } from "effect"
import { Kube } from "../../../src/kube/kube.ts"
import type { WatchEvent, WatchOptions } from "../../../src/kube/kube.ts"
import { Conflict, Expired, KubeError, Throttled, Unavailable } from "../../../src/kube/kubeError.ts"
import type { KubeErrorReason } from "../../../src/kube/kubeError.ts"
import type { Call } from "../../../src/kube/memory/faults.ts"
import { Refusal } from "../../../src/kube/memory/failure.ts"
import { kubeOf, refused } from "../../../src/kube/memory/layer.ts"
import type { KubeObject } from "../../../src/kube/objects.ts"
import type { Resource } from "../../../src/kube/resources.ts"
import type { Dice } from "../dice.ts"
import type { Process } from "../engine/virtual.ts"
import type { Stage } from "../stage.ts"
import { rules, second } from "../stage.ts"

export type KubeFate =
  | "fine" | "slow" | "error before" | "error after" | "no answer, not done" | "no answer, done" | "throttled" | "conflict" | "late"

/** How long the client waits for an answer. */
const patience = 30 * second

const readFates: Readonly<Partial<Record<KubeFate, number>>> = { slow: 3, "error before": 4, "no answer, not done": 1, throttled: 2 }
const writeFates: Readonly<Partial<Record<KubeFate, number>>> = {
  slow: 2, "error before": 3, "error after": 4, "no answer, not done": 1, "no answer, done": 2, throttled: 1, conflict: 4, late: 2
}
/** Only these can meet somebody who wrote first. */
const contested = ["update", "updateStatus", "patch"]

export interface KubeTrouble {
  readonly reads: number
  readonly writes: number
  /** The share of watch events that come late, by up to some seconds. */
  readonly stale: number
}

interface OpenWatch {
  readonly process: Process
  readonly what: string
  readonly fail: (error: KubeError) => void
  readonly end: () => void
  /** No event comes through before. */
  stalledUntil: number
}

const reads = (verb: Call["verb"]): boolean => verb === "get" || verb === "list"

export class KubeNetwork {
  private readonly stage: Stage
  private readonly dice: Dice
  private readonly watchDice: Dice
  private readonly trouble: KubeTrouble
  private readonly watches = new Set<OpenWatch>()

  constructor(stage: Stage, trouble: KubeTrouble) {
    this.stage = stage
    this.dice = stage.diceOf("kube network")
    this.watchDice = stage.diceOf("watches")
    this.trouble = trouble
  }

  client(process: Process, program: string): Kube["Service"] {
    const request = <A>(call: Call, run: () => A): Effect.Effect<A, KubeError> => Effect.callback<A, KubeError>((resume) => {
      const { stage } = this
      if (!process.alive) return
      const what = `${call.verb} ${call.resource.plural}`
      const fate = this.fateOf(call)
      if (fate !== "fine") stage.fault(`api server: ${fate}`, `${program} ${what} ${call.ref?.name ?? ""}`)
      let listening = true
      const [up, down] = [this.latency(), this.latency()]
      const failure = (status: number, reason: KubeErrorReason) =>
        Effect.fail(new KubeError({ request: what, status, detail: "", reason }))
      const answer = (exit: Effect.Effect<A, KubeError>, more = 0): void => {
        process.after(down + more, () => {
          if (listening) resume(exit)
        })
      }
      if (fate === "late") {
        // The connection broke, and the server goes on with what it has read.
        const landed = stage.fly()
        process.after(down, () => {
          if (listening) resume(failure(0, new Unavailable()))
        })
        return void stage.after(this.dice.magnitude(100, rules.latestWrite), () => {
          landed()
          void this.carryOut(program, what, call, run)
        })
      }
      stage.after(up, () => {
        if (fate === "error before") return answer(failure(500, new Unavailable()))
        if (fate === "no answer, not done") return answer(failure(0, new Unavailable()), patience)
        if (fate === "throttled") return answer(failure(429, new Throttled({ retryAfterSeconds: this.dice.int(1, 5) })))
        if (fate === "conflict") return answer(failure(409, new Conflict()))
        const exit = this.carryOut(program, what, call, run)
        if (fate === "error after") return answer(failure(500, new Unavailable()))
        if (fate === "no answer, done") return answer(failure(0, new Unavailable()), patience)
        answer(exit, fate === "slow" ? this.dice.magnitude(200, 8 * second) : 0)
      })
      return Effect.sync(() => {
        listening = false
      })
    })
    return Kube.of({ ...kubeOf(this.stage.server, request), watch: this.watching(process, program) })
  }

  /** Breaks some of the watches, or lets nothing through for a while, or makes them begin again. */
  upset(how: "drop" | "stall" | "expire"): void {
    const { stage, watchDice: dice } = this
    const hit = [...this.watches].filter(() => dice.happens(0.5))
    stage.fault(`watch: ${how}`, hit.map(({ what }) => what).join(", "))
    for (const watch of hit) {
      if (how === "stall") watch.stalledUntil = stage.now + dice.magnitude(2 * second, 60 * second)
      else watch.process.after(0, () => how === "drop" ? watch.end() : watch.fail(new KubeError({
        request: `watch ${watch.what}`, status: 410, detail: "too old resource version", reason: new Expired()
      })))
    }
  }

  private fateOf({ body, resource, verb }: Call): KubeFate {
    const { dice, stage, trouble } = this
    if (!stage.troubled) return "fine"
    if (!dice.happens(reads(verb) ? trouble.reads : trouble.writes)) return "fine"
    if (reads(verb)) return dice.weighted(readFates)
    const fate = dice.weighted(writeFates)
    const mayConflict = contested.includes(verb) && (verb !== "patch" || JSON.stringify(body ?? "").includes("resourceVersion"))
    return fate === "conflict" && (!mayConflict || resource.plural === "events") ? "error before" : fate
  }

  private carryOut<A>(program: string, what: string, call: Call, run: () => A): Effect.Effect<A, KubeError> {
    if (reads(call.verb)) return this.answerOf(call, run)
    return this.stage.act({ by: "controller", program, request: what }, () => {
      if (call.body !== undefined) this.stage.say(JSON.stringify(call.body))
      return this.answerOf(call, run)
    })
  }

  private answerOf<A>(call: Call, run: () => A): Effect.Effect<A, KubeError> {
    try {
      return Effect.succeed(run())
    } catch (error) {
      if (error instanceof Refusal) return Effect.fail(refused(call, error))
      throw error
    }
  }

  private watching(process: Process, program: string) {
    return <A extends KubeObject>(resource: Resource<A>, options: WatchOptions): Stream.Stream<WatchEvent<A>, KubeError> =>
      Stream.callback<WatchEvent<A>, KubeError>((queue) => Effect.acquireRelease(
        Effect.sync(() => this.open(process, program, resource, options, queue)),
        (close) => Effect.sync(close)
      ))
  }

  /** Events of one watch come in order, each some time after the change; watches of different kinds overtake each other. */
  private open<A extends KubeObject>(
    process: Process, program: string, resource: Resource<A>, options: WatchOptions,
    queue: Queue.Queue<WatchEvent<A>, KubeError | Cause.Done>
  ): () => void {
    const { stage } = this
    let due = 0
    let stop: () => void = () => {}
    const close = () => {
      this.watches.delete(watch)
      stop()
      process.whenDead.delete(close)
    }
    const watch: OpenWatch = {
      process, what: `${program} ${resource.plural}`, stalledUntil: 0,
      fail: (error) => {
        close()
        Queue.failCauseUnsafe(queue, Cause.fail(error))
      },
      end: () => {
        close()
        Queue.endUnsafe(queue)
      }
    }
    const deliver = (f: () => void) => {
      due = Math.max(due, stage.now + this.eventLatency(), watch.stalledUntil)
      process.after(due - stage.now, () => {
        if (this.watches.has(watch)) f()
      })
    }
    this.watches.add(watch)
    process.whenDead.add(close)
    stage.after(this.latency(), () => {
      if (!this.watches.has(watch)) return
      try {
        stop = stage.server.watch(resource, options, {
          event: (event) => deliver(() => Queue.offerUnsafe(queue, event as unknown as WatchEvent<A>)),
          end: () => deliver(watch.end),
          fail: (refusal) => deliver(() => watch.fail(refused({ verb: "watch", resource }, refusal)))
        })
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        process.after(0, () => watch.fail(refused({ verb: "watch", resource }, error)))
      }
    })
    return close
  }

  private eventLatency(): number {
    const { stage, trouble, watchDice: dice } = this
    if (!stage.troubled || !dice.happens(trouble.stale)) return dice.int(1, 20)
    stage.record.faults.set("watch: late event", (stage.record.faults.get("watch: late event") ?? 0) + 1)
    return dice.magnitude(50, 5 * second)
  }

  private latency(): number {
    return this.dice.int(1, 8)
  }
}
