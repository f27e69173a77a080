/** The in-memory API server as a service: `Kube` for the program, and `MemoryApiServer` for whoever directs the play. */
import { Cause, Clock, Context, Duration, Effect, Layer, Queue, Stream } from "effect"
import { Kube } from "../kube.ts"
import type { WatchEvent, WatchOptions } from "../kube.ts"
import { KubeError } from "../kubeError.ts"
import type { KubeObject } from "../objects.ts"
import { path, Pods } from "../resources.ts"
import type { Resource } from "../resources.ts"
import { Refusal } from "./failure.ts"
import { Counters, Faults } from "./faults.ts"
import type { Call, Fault, Verb } from "./faults.ts"
import { ApiServer } from "./server.ts"
import type { AnyResource } from "./server.ts"

export class MemoryApiServer extends Context.Service<MemoryApiServer, {
  /** The server itself, for what needs no Effect: fixtures and a look at what is there. Faults do not reach it. */
  readonly server: ApiServer
  /** Serves the kinds of these CustomResourceDefinitions. A CEL rule that is not known in `cel.ts` is a defect. */
  readonly install: (...crds: ReadonlyArray<object>) => Effect.Effect<void>
  /** Forgets the history: watches from earlier versions and lists under way expire. */
  readonly compact: Effect.Effect<void>
  /** Closes the watches of a kind, or all. */
  readonly breakWatches: (resource?: AnyResource) => Effect.Effect<void>
  /** The next matching requests fail. Faults are used up in the order in which they were injected. */
  readonly inject: (fault: Fault) => Effect.Effect<void>
  /** Forgets the faults that were injected and did not strike yet. */
  readonly heal: Effect.Effect<void>
  /** How many requests there were of a verb, on a resource or on all; failed ones included. */
  readonly count: (verb: Verb, resource?: AnyResource) => Effect.Effect<number>
}>()("karpenter-linode/kube/MemoryApiServer") {}

export interface MemoryOptions {
  readonly crds?: ReadonlyArray<object>
  /** How often watches get a bookmark: every minute, as from a real server, unless told. */
  readonly bookmarkEvery?: Duration.Input
  /** How many changes of a kind a watch can go back at least: 10,000 unless told. */
  readonly history?: number
}

const methods: Readonly<Record<Verb, string>> = {
  get: "GET", list: "GET", watch: "WATCH", create: "POST", evict: "POST", update: "PUT", updateStatus: "PUT", patch: "PATCH",
  delete: "DELETE"
}
const subresources: Partial<Record<Verb, string>> = { updateStatus: "/status", evict: "/eviction" }

const requestOf = ({ verb, resource, ref }: Call): string => {
  const named = verb !== "create" && ref?.name !== undefined
  const place = { namespace: ref?.namespace, ...(named && { name: ref.name }) }
  return `${methods[verb]} ${path(resource, place)}${subresources[verb] ?? ""}`
}

/** What a client is told of a request that the server turned down. */
export const refused = (call: Call, refusal: Refusal): KubeError =>
  new KubeError({ request: requestOf(call), status: refusal.status, detail: refusal.message, reason: refusal.reason })

const faulty = (call: Call, fault: Fault): KubeError =>
  new KubeError({ request: requestOf(call), status: fault.status ?? 0, detail: "injected fault", reason: fault.reason })

/** Requests interleave as over a network, but nothing happens in the middle of one. */
const requester = (faults: Faults, counters: Counters, tick: (clock: Clock.Clock) => void) =>
  <A>(call: Call, run: () => A): Effect.Effect<A, KubeError> => Effect.andThen(Effect.yieldNow, Clock.clockWith((clock) =>
    Effect.suspend((): Effect.Effect<A, KubeError> => {
      tick(clock)
      counters.add(call)
      const fault = faults.take(call)
      if (fault !== undefined && fault.when !== "after") return Effect.fail(faulty(call, fault))
      try {
        const result = run()
        return fault === undefined ? Effect.succeed(result) : Effect.fail(faulty(call, fault))
      } catch (error) {
        if (error instanceof Refusal) return Effect.fail(refused(call, error))
        throw error
      }
    })))

export type Request = <A>(call: Call, run: () => A) => Effect.Effect<A, KubeError>

const watching = (server: ApiServer, request: Request) =>
  <A extends KubeObject>(resource: Resource<A>, options: WatchOptions): Stream.Stream<WatchEvent<A>, KubeError> => {
    const call: Call = { verb: "watch", resource, ref: { namespace: options.namespace } }
    return Stream.callback<WatchEvent<A>, KubeError>((queue) => Effect.acquireRelease(
      request(call, () => server.watch(resource, options, {
        event: (event) => Queue.offerUnsafe(queue, event as unknown as WatchEvent<A>),
        end: () => Queue.endUnsafe(queue),
        fail: (refusal) => Queue.failCauseUnsafe(queue, Cause.fail(refused(call, refusal)))
      })),
      (stop) => Effect.sync(stop)
    ))
  }

/** The server for a client whose requests go by `request`: at once, or over a network that it plays. */
export const kubeOf = (server: ApiServer, request: Request): Context.Service.Shape<typeof Kube> => {
  // The server keeps plain objects; their shape is what the resource says.
  const as = <A>(object: KubeObject): A => object as unknown as A
  return Kube.of({
    serverVersion: Effect.sync(() => server.kubernetesVersion),
    get: (resource, ref) => request({ verb: "get", resource, ref }, () => as(server.get(resource, ref))),
    list: (resource, options = {}) => request({ verb: "list", resource, ref: { namespace: options.namespace } }, () => {
      const page = server.list(resource, options)
      return { ...page, items: page.items.map((item) => as(item)) }
    }),
    create: (resource, object) =>
      request({ verb: "create", resource, ref: object.metadata, body: object }, () => as(server.create(resource, object))),
    update: (resource, object) =>
      request({ verb: "update", resource, ref: object.metadata, body: object }, () => as(server.update(resource, object))),
    updateStatus: (resource, object) =>
      request({ verb: "updateStatus", resource, ref: object.metadata, body: object }, () => as(server.update(resource, object, "status"))),
    patch: (resource, ref, patch, options) =>
      request({ verb: "patch", resource, ref, body: patch }, () => as(server.patch(resource, ref, patch, options))),
    delete: (resource, ref, options) => request({ verb: "delete", resource, ref }, () => server.delete(resource, ref, options)),
    evict: (pod, options) => request({ verb: "evict", resource: Pods, ref: pod }, () => server.evict(pod, options)),
    watch: watching(server, request)
  })
}

const make = Effect.fnUntraced(function*(options: MemoryOptions) {
  // The clock of whoever calls counts: a test may have put another in place of the one that was there at the start.
  let clock = yield* Clock.Clock
  const server = new ApiServer({
    now: () => clock.currentTimeMillisUnsafe(),
    ...(options.history !== undefined && { history: options.history })
  })
  for (const crd of options.crds ?? []) server.install(crd)
  const faults = new Faults()
  const counters = new Counters()
  const request = requester(faults, counters, (current) => {
    clock = current
  })

  yield* Effect.sleep(options.bookmarkEvery ?? Duration.minutes(1)).pipe(
    Effect.andThen(Effect.sync(() => server.bookmark())),
    Effect.forever,
    Effect.forkScoped
  )
  const memory = MemoryApiServer.of({
    server,
    install: (...crds) => Effect.sync(() => {
      for (const crd of crds) server.install(crd)
    }),
    compact: Effect.sync(() => server.compact()),
    breakWatches: (resource) => Effect.sync(() => server.breakWatches(resource)),
    inject: (fault) => Effect.sync(() => faults.add(fault)),
    heal: Effect.sync(() => faults.clear()),
    count: (verb, resource) => Effect.sync(() => counters.get(verb, resource))
  })
  return Context.make(MemoryApiServer, memory).pipe(Context.add(Kube, kubeOf(server, request)))
})

/** A server of its own for each time it is built. */
export const layerWith = (options: MemoryOptions): Layer.Layer<Kube | MemoryApiServer> => Layer.effectContext(make(options))

export const layer: Layer.Layer<Kube | MemoryApiServer> = layerWith({})
