/** What a value was lately: a program may act on what it read a while ago. */

interface Span<A> {
  readonly value: A
  readonly from: number
}

export class History<A> {
  private readonly spans = new Map<string, Array<Span<A>>>()

  set(key: string, value: A, at: number): void {
    const known = this.spans.get(key)
    if (known === undefined) this.spans.set(key, [{ value, from: at }])
    else if (known.at(-1)?.value !== value) known.push({ value, from: at })
  }

  /** All that it was at some moment since then. */
  since(key: string, from: number): ReadonlyArray<A> {
    const known = this.spans.get(key) ?? []
    const first = known.findLastIndex((span) => span.from <= from)
    if (first > 0) known.splice(0, first)
    return known.map(({ value }) => value)
  }
}
