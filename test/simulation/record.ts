/** What happened in a life: line by line, with a sum by which two lives are told apart, and the faults by kind. */

/** What a line is about; a minimal trace is chosen by it. */
export type Topic = "linode" | "claim" | "program" | "fault" | "user" | "kubernetes" | "pod" | "log" | "violation"

export interface Line {
  readonly at: number
  readonly topic: Topic
  readonly text: string
}

export class Record {
  readonly lines: Array<Line> = []
  readonly faults = new Map<string, number>()
  private readonly clock: () => number
  private readonly start: number
  private a = 0x811c9dc5
  private b = 0x9e3779b9

  constructor(clock: () => number) {
    this.clock = clock
    this.start = clock()
  }

  note(topic: Topic, text: string): void {
    const at = this.clock() - this.start
    this.lines.push({ at, topic, text })
    let { a, b } = this
    a = Math.imul(a ^ at, 0x01000193)
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x5bd1e995) + a | 0
    }
    this.a = a
    this.b = b
  }

  fault(kind: string, text: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1)
    this.note("fault", `${kind}: ${text}`)
  }

  /** Two lives of the same sum were the same, event by event. */
  get hash(): string {
    return `${(this.a >>> 0).toString(16).padStart(8, "0")}${(this.b >>> 0).toString(16).padStart(8, "0")}`
  }
}

/** `12:34.567` after the beginning. */
export const clock = (millis: number): string => {
  const minutes = Math.floor(millis / 60_000)
  const seconds = (millis % 60_000) / 1000
  return `${String(minutes).padStart(2, "0")}:${seconds.toFixed(3).padStart(6, "0")}`
}
