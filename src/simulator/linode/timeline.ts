/**
 * What will happen at the simulated Linode, in order of time. It holds no timer: whoever looks at the world first lets
 * everything happen that is due, and a driver (see `layer.ts`) does so at the very moment when nobody looks.
 */
export class Timeline {
  private readonly clock: () => number
  private readonly waiting: Array<{ readonly at: number; readonly run: () => void }> = []
  private moment: number | undefined
  private scheduled: () => void = () => {}

  /** `clock` tells the time in milliseconds and never goes back. */
  constructor(clock: () => number) {
    this.clock = clock
  }

  /** The time of the transition that is happening, else of the clock. */
  now(): number {
    return this.moment ?? this.clock()
  }

  /** When the next transition is due. */
  get next(): number | undefined {
    return this.waiting[0]?.at
  }

  /** Transitions of the same instant happen in the order in which they were asked for. */
  after(millis: number, run: () => void): void {
    const at = this.now() + Math.max(0, Math.ceil(millis))
    let index = this.waiting.length
    while (index > 0 && this.waiting[index - 1]!.at > at) index--
    this.waiting.splice(index, 0, { at, run })
    this.scheduled()
  }

  /** Lets everything happen that is due, each at its own time. */
  advance(): void {
    if (this.moment !== undefined) return
    try {
      for (let first = this.waiting[0]; first !== undefined && first.at <= this.clock(); first = this.waiting[0]) {
        this.waiting.shift()
        this.moment = first.at
        first.run()
      }
    } finally {
      this.moment = undefined
    }
  }

  /** `listener` is called whenever something was added: what is next may have changed. */
  onScheduled(listener: () => void): void {
    this.scheduled = listener
  }
}
