/**
 * Virtual time on which several programs run side by side, each of which can be killed. TestClock cannot do that: to end
 * a fiber is to run its finalizers, and what is to be tested is the death that runs none.
 */
import { Clock, Context, Duration, Effect, Random, Scheduler } from "effect"
import type { Exit } from "effect"
import { Chance } from "../../src/simulator/linode/chance.ts"

interface Timer {
  readonly at: number
  run: (() => void) | undefined
}

/** Far more than any honest program does at one instant. */
const mostStepsPerInstant = 5_000_000

export class Time {
  /** Milliseconds since 1970. */
  now = Date.UTC(2026, 0, 1)
  readonly ready: Array<Dispatcher> = []
  private readonly timers: Array<Timer> = [] // the next one is last

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
      let next = 0
      while (next < this.ready.length && !over()) {
        if (++steps > mostStepsPerInstant) throw new Error(`work without end at ${new Date(this.now).toISOString()}`)
        this.ready[next++]!.runAll()
      }
      this.ready.splice(0, next)
      await new Promise((resume) => setImmediate(resume))
      if (this.ready.length > 0 || over()) continue
      let timer = this.timers.pop()
      while (timer !== undefined && timer.run === undefined) timer = this.timers.pop()
      if (timer === undefined) throw new Error("nothing will ever happen again")
      if (timer.at > this.now) steps = 0
      this.now = timer.at
      timer.run!()
    }
  }
}

/** What one fiber and its children have to run, in order within a priority. */
class Dispatcher implements Scheduler.SchedulerDispatcher {
  private tasks: Array<{ readonly run: () => void; readonly priority: number }> = []
  private readonly process: Process

  constructor(process: Process) {
    this.process = process
  }

  scheduleTask(run: () => void, priority: number): void {
    let i = this.tasks.length
    while (i > 0 && this.tasks[i - 1]!.priority > priority) i--
    this.tasks.splice(i, 0, { run, priority })
    if (this.tasks.length === 1) this.process.time.ready.push(this)
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

/** One start of an Effect program. */
export class Process {
  readonly time: Time
  private readonly chance: Chance
  private living = true

  constructor(time: Time, seed: number) {
    this.time = time
    this.chance = new Chance(seed)
  }

  get alive(): boolean {
    return this.living
  }

  start<A, E>(program: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void): () => void {
    const fiber = Effect.runForkWith(this.services())(program)
    fiber.addObserver((exit) => {
      if (!this.living) return
      this.living = false
      onExit(exit)
    })
    return () => fiber.interruptUnsafe()
  }

  /** SIGKILL: nothing of it runs again, finalizers included. What it has sent is on its way all the same. */
  kill(): void {
    this.living = false
  }

  /** The only way in, for tasks, timers and replies. */
  enter(f: () => void): void {
    if (this.living) f()
  }

  after(millis: number, f: () => void): () => void {
    return this.time.after(millis, () => this.enter(f))
  }

  private services(): Context.Context<never> {
    const { chance, time } = this
    const millis = () => time.now
    const nanos = () => BigInt(time.now) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => Duration.isFinite(duration)
        ? Effect.callback((resume) => Effect.sync(this.after(Duration.toMillis(duration), () => resume(Effect.void))))
        : Effect.never
    }
    const random: Random.Random = {
      nextDoubleUnsafe: () => chance.next(),
      nextIntUnsafe: () => Math.floor((chance.next() * 2 - 1) * Number.MAX_SAFE_INTEGER)
    }
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
      makeDispatcher: () => new Dispatcher(this)
    }
    return Context.make(Clock.Clock, clock).pipe(
      Context.add(Random.Random, random),
      Context.add(Scheduler.Scheduler, scheduler)
    )
  }
}
