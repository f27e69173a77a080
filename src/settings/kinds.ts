/** How the text of a setting becomes a value. A kind says what it expects in words that fit after "expected". */
import { Duration, Redacted, Result } from "effect"

export interface Kind<A> {
  readonly expected: string
  /** Fails with nothing: the caller says what was found and what was expected. */
  readonly parse: (text: string) => Result.Result<A, void>
  /** A bare flag of this kind means this text. */
  readonly bare?: string
  /** Its text is never repeated in a message. */
  readonly secret?: boolean
}

const when = <A>(value: A | undefined): Result.Result<A, void> => value === undefined ? Result.fail(undefined) : Result.succeed(value)

export const text: Kind<string> = { expected: "text", parse: Result.succeed }

export const secret: Kind<Redacted.Redacted> = {
  expected: "a Linode API token",
  parse: (given) => when(given.trim() === "" ? undefined : Redacted.make(given.trim())),
  secret: true
}

export const integer = (minimum: number, maximum: number, unit = ""): Kind<number> => ({
  expected: `a whole number from ${minimum} to ${maximum}${unit}`,
  parse: (given) => {
    const n = /^[+-]?\d+$/.test(given.trim()) ? Number(given) : NaN
    return when(n >= minimum && n <= maximum ? n : undefined)
  }
})

/** US dollars. */
export const dollars: Kind<number> = {
  expected: "a number of US dollars, at least 0, such as 0.001",
  parse: (given) => {
    const n = /^(\d+\.?\d*|\.\d+)$/.test(given.trim()) ? Number(given) : NaN
    return when(n >= 0 ? n : undefined)
  }
}

export const share: Kind<number> = {
  expected: "a number from 0 to below 1, such as 0.075",
  parse: (given) => {
    const n = given.trim() === "" ? NaN : Number(given)
    return when(n >= 0 && n < 1 ? n : undefined)
  }
}

export const booleans: Readonly<Record<string, boolean>> = {
  true: true, "1": true, t: true, T: true, TRUE: true, True: true,
  false: false, "0": false, f: false, F: false, FALSE: false, False: false
}

export const boolean: Kind<boolean> = { expected: "true or false", parse: (given) => when(booleans[given.trim()]), bare: "true" }

export const oneOf = <const A extends string>(values: ReadonlyArray<A>): Kind<A> => ({
  expected: values.length === 1 ? values[0]! : `one of ${values.join(", ")}`,
  parse: (given) => when(values.find((value) => value === given))
})

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's duration syntax, as Karpenter reads it: `1m30s`, `500ms`. */
export const duration = (minimumMillis = 0): Kind<Duration.Duration> => ({
  expected: `a duration such as 10s or 1m30s${minimumMillis > 0 ? `, at least ${minimumMillis} ms` : ""}`,
  parse: (given) => {
    const source = given.trim()
    if (source === "0") return when(minimumMillis <= 0 ? Duration.zero : undefined)
    if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(source)) return Result.fail(undefined)
    let millis = 0
    for (const [, amount, unit] of source.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) millis += Number(amount) * units[unit!]!
    return when(millis >= minimumMillis ? Duration.millis(millis) : undefined)
  }
})

/** Whole seconds. */
export const seconds: Kind<Duration.Duration> = {
  expected: "a whole number of seconds, at least 1",
  parse: (given) => when(/^[1-9]\d*$/.test(given.trim()) ? Duration.seconds(Number(given)) : undefined)
}

const withPort = (text: string): string | undefined => {
  const bare = !text.includes("://")
  const address = bare ? `https://${text}` : text
  if (/[?#@\s]/.test(text) || !URL.canParse(address)) return undefined
  const { protocol, hostname, pathname, port } = new URL(address)
  if (protocol !== "https:" || pathname !== "/" || !/^[a-z0-9.:[\]-]+$/.test(hostname)) return undefined
  // A URL leaves out the port that it would have anyway.
  return `${hostname}:${port !== "" ? port : bare && !/:\d+$/.test(text) ? 6443 : 443}`
}

/** Where an API server is, as `host:port`: a URL without a port means 443, an address without one 6443. */
export const endpoint: Kind<string> = {
  expected: "an https URL or an address such as https://192.0.2.10:6443 or k8s.example.com:6443",
  parse: (given) => given === "" ? Result.succeed("") : when(withPort(given.trim()))
}

/** An absolute http or https URL with a host. */
export const url: Kind<string> = {
  expected: "an absolute URL such as https://api.linode.com",
  parse: (given) => {
    const parsed = URL.canParse(given) ? new URL(given) : undefined
    const good = parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.hostname !== ""
    return when(good ? given.replace(/\/+$/, "") : undefined)
  }
}
