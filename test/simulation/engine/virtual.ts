/**
 * Virtual time on which several programs run side by side, each of which can be killed or frozen. TestClock cannot do that:
 * to end a fiber is to run its finalizers, and what is to be tested is the death that runs none.
 */
import { Clock, Context, Duration, Effect, Random, Scheduler } from "effect"
import { WebCrypto } from "effect/crypto"
import type { Exit } from "effect"
import { Chance } from "../../../src/simulator/linode/chance.ts"

interface Timer {
  readonly at: number
  run: (() => void) | undefined
}

/** Far more than any honest program does at one instant. */
const mostStepsPerInstant = 5_000_000

/** The real one, whatever is put in its place later (see `seal.ts`). */
const macrotask = globalThis.setImmediate

export interface TimeOptions {
  /** Which fiber runs next is drawn from it; without it, the one that has waited longest. */
  readonly order?: Chance
  /** What one instant may take at most, in steps. */
  readonly most?: number
}

export class Time {
  /** Milliseconds since 1970. */
  now = Date.UTC(2026, 0, 1)
  readonly ready: Array<Dispatcher> = []
  private readonly timers: Array<Timer> = [] // the next one is last
  private readonly order: Chance | undefined
  private readonly most: number

  constructor(options: TimeOptions = {}) {
    this.order = options.order
    this.most = options.most ?? mostStepsPerInstant
  }

  /** Runs `f` once `millis` have passed; of equal times, the one asked for first. Gives back what cancels it. */
  after(millis: number, f: () => void): () => void {
    const timer: Timer = { at: this.now + Math.max(0, Math.ceil(millis)), run: f }
    let [low, high] = [0, this.timers.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timers[middle]!.at > timer.at) low = middle + 1
      else high = middle
    }
    this.timers.splice(low, 0, timer)
    return () => {
      timer.run = undefined
    }
  }

  /**
   * Lets time pass until `over`. It moves on only when nothing can run: no fiber, and, after one turn of the event loop,
   * no promise either, since Node empties its microtasks before it calls the next setImmediate.
   */
  async pass(over: () => boolean): Promise<void> {
    let steps = 0
    while (!over()) {
      while (this.ready.length > 0 && !over()) {
        if (++steps > this.most) throw new Error(`work without end at ${new Date(this.now).toISOString()}`)
        this.runOne()
      }
      await new Promise((resume) => macrotask(resume))
      if (this.ready.length > 0 || over()) continue
      let timer = this.timers.pop()
      while (timer !== undefined && timer.run === undefined) timer = this.timers.pop()
      if (timer === undefined) throw new Error("nothing will ever happen again")
      if (timer.at > this.now) steps = 0
      this.now = timer.at
      timer.run!()
    }
  }

  private runOne(): void {
    if (this.order === undefined) return this.ready.shift()!.runAll()
    const { ready } = this
    const i = ready.length === 1 ? 0 : Math.floor(this.order.next() * ready.length)
    const dispatcher = ready[i]!
    if (dispatcher.size === 1) {
      const last = ready.pop()!
      if (i < ready.length) ready[i] = last
    }
    dispatcher.runNext()
  }
}

/** What one fiber has to run, in order within a priority. */
class Dispatcher implements Scheduler.SchedulerDispatcher {
  private tasks: Array<{ readonly run: () => void; readonly priority: number }> = []
  private readonly process: Process

  constructor(process: Process) {
    this.process = process
  }

  get size(): number {
    return this.tasks.length
  }

  scheduleTask(run: () => void, priority: number): void {
    let i = this.tasks.length
    while (i > 0 && this.tasks[i - 1]!.priority > priority) i--
    this.tasks.splice(i, 0, { run, priority })
    if (this.tasks.length === 1) this.process.time.ready.push(this)
  }

  runNext(): void {
    const task = this.tasks.shift()
    if (task !== undefined) this.process.enter(task.run)
  }

  runAll(): void {
    const { tasks } = this
    this.tasks = []
    for (const task of tasks) this.process.enter(task.run)
  }

  flush(): void {
    while (this.tasks.length > 0) this.runAll()
  }
}

export interface ProcessOptions {
  /** Called before each step; a step is a point at which the process can be killed. */
  readonly onStep?: (process: Process) => void
}

/** One start of an Effect program. */
export class Process {
  readonly time: Time
  /** Steps so far. */
  steps = 0
  /** Called once when it ends, however it does. */
  readonly whenDead = new Set<() => void>()
  private readonly chance: Chance
  private readonly onStep: ((process: Process) => void) | undefined
  private living = true
  private thaws: number | undefined
  private waiting: Array<() => void> = []
  /** What its clock shows beyond the true time, in milliseconds. */
  skew = 0

  constructor(time: Time, seed: number, options: ProcessOptions = {}) {
    this.time = time
    this.chance = new Chance(seed)
    this.onStep = options.onStep
  }

  get alive(): boolean {
    return this.living
  }

  get frozen(): boolean {
    return this.living && this.thaws !== undefined
  }

  start<A, E>(program: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void): () => void {
    const fiber = Effect.runForkWith(this.services())(program)
    fiber.addObserver((exit) => {
      if (!this.living) return
      this.end()
      onExit(exit)
    })
    return () => fiber.interruptUnsafe()
  }

  /** SIGKILL: nothing of it runs again, finalizers included. What it has sent is on its way all the same. */
  kill(): void {
    if (this.living) this.end()
  }

  /** A pause of its machine: nothing of it runs for so long, then all that was due at once. */
  freeze(millis: number): void {
    if (!this.living || this.thaws !== undefined) return
    this.thaws = this.time.now + millis
    this.time.after(millis, () => {
      this.thaws = undefined
      const { waiting } = this
      this.waiting = []
      for (const f of waiting) this.enter(f)
    })
  }

  /** The only way in, for tasks, timers and replies. */
  enter(f: () => void): void {
    if (!this.living) return
    if (this.thaws !== undefined) {
      this.waiting.push(f)
      return
    }
    this.steps++
    this.onStep?.(this)
    if (this.living) f()
  }

  after(millis: number, f: () => void): () => void {
    return this.time.after(millis, () => this.enter(f))
  }

  private end(): void {
    this.living = false
    this.waiting = []
    for (const f of this.whenDead) f()
    this.whenDead.clear()
  }

  private services(): Context.Context<never> {
    const { chance, time } = this
    const millis = () => time.now + this.skew
    const nanos = () => BigInt(time.now + this.skew) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => BigInt(time.now) * 1_000_000n,
      monotonicTimeNanos: Effect.sync(() => BigInt(time.now) * 1_000_000n),
      sleep: (duration) => Duration.isFinite(duration)
        ? Effect.callback((resume) => Effect.sync(this.after(Duration.toMillis(duration), () => resume(Effect.void))))
        : Effect.never
    }
    const random: Random.Random = {
      nextDoubleUnsafe: () => chance.next(),
      nextIntUnsafe: () => Math.floor((chance.next() * 2 - 1) * Number.MAX_SAFE_INTEGER)
    }
    const crypto = Object.assign(Object.create(globalThis.crypto) as typeof globalThis.crypto, {
      getRandomValues: (array: Uint8Array) => {
        for (let i = 0; i < array.length; i++) array[i] = Math.floor(chance.next() * 256)
        return array
      }
    })
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
      makeDispatcher: () => new Dispatcher(this)
    }
    return Context.make(Clock.Clock, clock).pipe(
      Context.add(Random.Random, random),
      Context.add(WebCrypto.WebCrypto, crypto),
      Context.add(Scheduler.Scheduler, scheduler)
    )
  }
}
