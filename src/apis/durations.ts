/** Durations as Kubernetes objects spell them. */

const unitMillis: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000
}
const whole = /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/u
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu

/**
 * Milliseconds of a duration in the grammar of Go's time.ParseDuration (`1h30m`, `720h`, `1.5h`, a bare `0`), or `Never`.
 * Undefined when the text is none; signs are not accepted, no field of ours means anything by a negative duration.
 */
export const parseDuration = (text: string): number | "Never" | undefined => {
  if (text === "Never") return "Never"
  if (text === "0") return 0
  if (!whole.test(text)) return undefined
  return [...text.matchAll(part)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMillis[unit ?? ""] ?? 0), 0)
}

/** Milliseconds of a duration, undefined when there is none: the field is absent, says `Never`, or is not a duration. */
export const durationMillis = (text: string | undefined): number | undefined => {
  const parsed = text === undefined ? undefined : parseDuration(text)
  return parsed === "Never" ? undefined : parsed
}
