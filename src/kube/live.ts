/**
 * The API server of a real cluster. One pool of connections, raw JSON, client-side rate limit; reads are tried again on
 * a failing server, writes are sent exactly once: only their caller knows whether a second one would do harm.
 */
import { Duration, Effect, Layer, Stream } from "effect"
import type { Scope } from "effect"
import type { KubeConfig } from "./kubeconfig.ts"
import { Kube } from "./kube.ts"
import type { ListOptions, ObjectList, PatchKind } from "./kube.ts"
import type { KubeError } from "./kubeError.ts"
import { malformedError } from "./liveError.ts"
import { makeKubeHttp, nameOf, retryRead } from "./liveHttp.ts"
import type { HttpRequest, KubeHttp } from "./liveHttp.ts"
import { makeLimiter } from "./liveLimiter.ts"
import { KubeDenied, KubeUnreachable } from "./liveStartError.ts"
import type { KubeStartError } from "./liveStartError.ts"
import { watchStream, watchTiming } from "./liveWatch.ts"
import type { WatchTiming } from "./liveWatch.ts"
import type { KubeObject } from "./objects.ts"
import { apiVersion, Leases, path, Pods } from "./resources.ts"
import type { Resource } from "./resources.ts"

export interface LiveOptions {
  /** Requests per second, and how many at once before that counts. */
  readonly qps: number
  readonly burst: number
  readonly requestTimeout?: Duration.Input
  readonly watch?: WatchTiming
}

const requestTimeout = Duration.seconds(30)

const contentType: Readonly<Record<PatchKind, string>> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json"
}

const isObject = (value: unknown): value is KubeObject =>
  typeof value === "object" && value !== null && "metadata" in value && typeof value.metadata === "object"

interface RawList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
  readonly items: ReadonlyArray<KubeObject> | null
}

const isVersion = (value: unknown): value is { readonly gitVersion: string } =>
  typeof value === "object" && value !== null && "gitVersion" in value && typeof value.gitVersion === "string"

const versionRequest: HttpRequest = { method: "GET", path: "/version" }

const isList = (value: unknown): value is RawList =>
  isObject(value) && "items" in value && typeof value.metadata.resourceVersion === "string"

/** The server leaves kind and version out of a list's items. */
const listOf = <A extends KubeObject>(resource: Resource<A>, raw: RawList): ObjectList<A> => {
  const type = { apiVersion: apiVersion(resource), kind: resource.kind }
  const next = raw.metadata.continue ?? ""
  return {
    resourceVersion: raw.metadata.resourceVersion,
    ...(next === "" ? {} : { continue: next }),
    items: (raw.items ?? []).map((item) => ({ ...type, ...item }) as A)
  }
}

/** The service over a connection. Every call waits for the limit, but those of leader election, which must not. */
const overHttp = (http: KubeHttp, limit: Effect.Effect<void>, timing: WatchTiming) => {
  const limited = <A extends KubeObject, B, E, R>(resource: Resource<A>, call: Effect.Effect<B, E, R>): Effect.Effect<B, E, R> =>
    resource.plural === Leases.plural && resource.group === Leases.group ? call : Effect.andThen(limit, call)

  const object = <A extends KubeObject>(resource: Resource<A>, request: HttpRequest): Effect.Effect<A, KubeError> =>
    limited(resource, http.json(request)).pipe(Effect.flatMap((reply) => isObject(reply)
      ? Effect.succeed(reply as A)
      : Effect.fail(malformedError(nameOf(request), 200, "the reply is no object"))))

  const list = <A extends KubeObject>(
    resource: Resource<A>,
    { namespace, ...query }: ListOptions
  ): Effect.Effect<ObjectList<A>, KubeError> => {
    const collection = path(resource, { namespace })
    const request: HttpRequest = { method: "GET", path: collection, query }
    return retryRead(limited(resource, http.json(request))).pipe(Effect.flatMap((reply) => isList(reply)
      ? Effect.succeed(listOf(resource, reply))
      : Effect.fail(malformedError(nameOf(request), 200, "the reply is no list"))))
  }

  return Kube.of({
    serverVersion: retryRead(Effect.andThen(limit, http.json(versionRequest))).pipe(Effect.flatMap((reply) => isVersion(reply)
      ? Effect.succeed(reply.gitVersion)
      : Effect.fail(malformedError(nameOf(versionRequest), 200, "the reply names no version")))),
    get: (resource, ref) => retryRead(object(resource, { method: "GET", path: path(resource, ref) })),
    list: (resource, options) => list(resource, options ?? {}),
    create: (resource, body) =>
      object(resource, { method: "POST", path: path(resource, { namespace: body.metadata.namespace }), body }),
    update: (resource, body) => object(resource, { method: "PUT", path: path(resource, body.metadata), body }),
    updateStatus: (resource, body) =>
      object(resource, { method: "PUT", path: `${path(resource, body.metadata)}/status`, body }),
    patch: (resource, ref, body, options) => object(resource, {
      method: "PATCH",
      path: options.subresource === undefined ? path(resource, ref) : `${path(resource, ref)}/${options.subresource}`,
      body,
      contentType: contentType[options.kind]
    }),
    delete: (resource, ref, options = {}) => {
      const { uid, resourceVersion, ...others } = options
      const body = { apiVersion: "v1", kind: "DeleteOptions", ...others, preconditions: { uid, resourceVersion } }
      return Effect.asVoid(limited(resource, http.json({ method: "DELETE", path: path(resource, ref), body })))
    },
    evict: (pod, options = {}) => Effect.asVoid(limited(Pods, http.json({
      method: "POST",
      path: `${path(Pods, pod)}/eviction`,
      body: {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name: pod.name, namespace: pod.namespace },
        deleteOptions: { gracePeriodSeconds: options.gracePeriodSeconds, preconditions: { uid: options.uid } }
      }
    }))),
    watch: (resource, { namespace, ...query }) => Stream.unwrap(limited(resource, Effect.succeed(
      watchStream(http, { method: "GET", path: path(resource, { namespace }), query }, timing)
    )))
  })
}

/** Asks for the version, so that an unreachable server or a wrong token is told of now and in one line. */
const check = (http: KubeHttp): Effect.Effect<void, KubeStartError> =>
  retryRead(http.json(versionRequest)).pipe(
    Effect.asVoid,
    Effect.mapError((error) => error.reason._tag === "Denied"
      ? new KubeDenied({ server: http.server, detail: error.detail })
      : new KubeUnreachable({ server: http.server, detail: error.detail === "" ? error.reason._tag : error.detail }))
  )

const make = Effect.fnUntraced(function*(
  config: KubeConfig,
  options: LiveOptions
): Effect.fn.Return<Kube["Service"], KubeStartError, Scope.Scope> {
  const http = yield* makeKubeHttp(config, options.requestTimeout ?? requestTimeout)
  yield* check(http)
  return overHttp(http, yield* makeLimiter(options.qps, options.burst), options.watch ?? watchTiming)
})

/** Fails at the start when the server cannot be reached or does not accept the credentials: one line for a person. */
export const layerOf = (config: KubeConfig, options: LiveOptions): Layer.Layer<Kube, KubeStartError> =>
  Layer.effect(Kube, make(config, options))
