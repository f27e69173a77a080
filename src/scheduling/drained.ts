/** What a generator comes to when nobody else needs a turn. */
export const drained = <A>(work: Generator<void, A>): A => {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}
