/** A watch on a real API server: one long reply of JSON lines, read as it comes. */
import { Cause, Duration, Effect, Random, Stream } from "effect"
import type { Pull } from "effect"
import type { WatchEvent } from "./kube.ts"
import type { KubeError } from "./kubeError.ts"
import { malformedError, timeoutError, transportError, watchError } from "./liveError.ts"
import { nameOf } from "./liveHttp.ts"
import type { HttpRequest, KubeHttp } from "./liveHttp.ts"
import type { KubeObject } from "./objects.ts"

export interface WatchTiming {
  /** The server is asked to end the watch after a random time between these, so that not all end at once. */
  readonly atLeast: Duration.Input
  readonly atMost: Duration.Input
  /** A connection silent for so much longer than that is dead, whatever the network says. */
  readonly slack: Duration.Input
}

export const watchTiming: WatchTiming = {
  atLeast: Duration.minutes(5),
  atMost: Duration.minutes(10),
  slack: Duration.seconds(30)
}

interface RawEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"
  readonly object?: Partial<KubeObject>
}

/** Cuts a stream of bytes into lines; a last line without its end is never returned. */
export const makeLines = (): (chunk: Uint8Array) => ReadonlyArray<string> => {
  const decoder = new TextDecoder()
  let rest = ""
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    return lines.filter((line) => line !== "")
  }
}

interface Parsed<A> {
  readonly events: ReadonlyArray<WatchEvent<A>>
  /** Met after the events. */
  readonly error: KubeError | undefined
}

const parse = <A extends KubeObject>(request: string, lines: ReadonlyArray<string>): Parsed<A> => {
  const events: Array<WatchEvent<A>> = []
  for (const line of lines) {
    let raw: RawEvent
    try {
      raw = JSON.parse(line) as RawEvent
    } catch {
      return { events, error: malformedError(request, 200, "an event is not JSON") }
    }
    if (raw.type === "ERROR") return { events, error: watchError(request, raw.object) }
    const version = raw.object?.metadata?.resourceVersion
    if (version === undefined) return { events, error: malformedError(request, 200, "an event without a version") }
    if (raw.type === "BOOKMARK") events.push({ type: "BOOKMARK", resourceVersion: version })
    else events.push({ type: raw.type, object: raw.object as A })
  }
  return { events, error: undefined }
}

/** The events of `request`, which gives path, selectors and version. See `Kube.watch` for how it ends. */
export const watchStream = <A extends KubeObject>(
  http: KubeHttp,
  request: HttpRequest,
  timing: WatchTiming
): Stream.Stream<WatchEvent<A>, KubeError> => Stream.unwrap(Effect.gen(function*() {
  const lifetime = Math.ceil(yield* Random.nextBetween(Duration.toSeconds(timing.atLeast), Duration.toSeconds(timing.atMost)))
  const silence = Duration.sum(Duration.seconds(lifetime), Duration.fromInputUnsafe(timing.slack))
  const watch: HttpRequest = {
    ...request,
    verb: "WATCH",
    query: { ...request.query, watch: "true", allowWatchBookmarks: "true", timeoutSeconds: lifetime }
  }
  const name = nameOf(watch)
  const body = yield* http.open(watch)
  const toLines = makeLines()
  let failure: KubeError | undefined

  const next = Effect.tryPromise({ try: () => body.next(), catch: (cause) => transportError(name, cause) }).pipe(
    Effect.timeoutOrElse({
      duration: silence,
      orElse: () => Effect.fail(timeoutError(name, `silent for ${Duration.format(silence)}`))
    })
  )
  const pull: Pull.Pull<readonly [WatchEvent<A>, ...Array<WatchEvent<A>>], KubeError> = Effect.gen(function*() {
    for (;;) {
      if (failure !== undefined) return yield* failure
      const chunk = yield* next
      if (chunk.done === true) return yield* Cause.done()
      const { events, error } = parse<A>(name, toLines(chunk.value))
      failure = error
      const [first, ...others] = events
      if (first !== undefined) return [first, ...others] as const
    }
  })
  return Stream.fromPull(Effect.succeed(pull))
}))
