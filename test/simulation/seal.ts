/** Counts every use of the real clock, real timers and real chance while lives are played. There must be none. */
export const seal = () => {
  const escapes = new Map<string, number>()
  const undo: Array<() => void> = []
  // prom-client notes the age of a summary's windows, which here have no end: nothing is made of it.
  const harmless = "/prom-client/lib/timeWindowQuantiles"
  const note = (what: string) => {
    const where = `${what} ${new Error().stack?.split("\n").slice(3, 5).map((line) => line.trim()).join(" < ")}`
    if (where.includes(harmless)) return
    escapes.set(where, (escapes.get(where) ?? 0) + 1)
  }
  const watch = <K extends string>(owner: { [P in K]: unknown }, name: K) => {
    const original = owner[name]
    owner[name] = function(this: unknown, ...args: Array<unknown>) {
      note(name)
      return (original as (...args: Array<unknown>) => unknown).apply(this, args)
    }
    undo.push(() => {
      owner[name] = original
    })
  }
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) watch(globalThis, name)
  for (const name of ["randomUUID", "getRandomValues"] as const) watch(globalThis.crypto, name)
  watch(Date, "now")
  watch(Math, "random")
  watch(performance, "now")
  const RealDate = globalThis.Date
  globalThis.Date = class extends RealDate {
    constructor(...args: Array<unknown>) {
      if (args.length === 0) note("new Date()")
      super(...args as [number])
    }
  } as DateConstructor
  undo.push(() => {
    globalThis.Date = RealDate
  })
  return { escapes, open: () => undo.toReversed().forEach((f) => f()) }
}
