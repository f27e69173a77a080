/**
 * A Kube service behind HTTP on a loopback port, speaking as a kube-apiserver does, so that the live layer can be tested
 * against the API server in memory; with the faults that networks and servers have.
 */
import { Effect, Fiber, Scope, Stream } from "effect"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { crds } from "../../src/apis/crds.ts"
import type { Kube, PatchKind, WatchEvent } from "../../src/kube/kube.ts"
import type { KubeError } from "../../src/kube/kubeError.ts"
import type { KubeObject } from "../../src/kube/objects.ts"
import * as resources from "../../src/kube/resources.ts"
import type { Resource } from "../../src/kube/resources.ts"

export interface SeenRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage["headers"]
}

export interface Reply {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What to do with a request instead of serving it; undefined serves it. `hang` never answers, `drop` cuts the line. */
export type Fault = (request: SeenRequest) => Reply | "hang" | "drop" | undefined

export interface KubeHttpServer {
  readonly url: string
  readonly requests: ReadonlyArray<SeenRequest>
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Resolves when no watch is open. */
  readonly watchesClosed: Effect.Effect<void>
  readonly setFault: (fault: Fault | undefined) => void
  /** The next watches begin, then bring nothing. */
  readonly silenceWatches: (silent: boolean) => void
  /** The next watches are told that their version is too old, in an event as real servers do. */
  readonly expireWatches: (count: number) => void
  /** Cuts the connections of all watches in the middle. */
  readonly dropWatches: () => void
  /** Ends all watches as a server does when their time is over. */
  readonly endWatches: () => void
}

const known: ReadonlyArray<Resource> = [
  resources.Pods, resources.Nodes, resources.Namespaces, resources.PodTemplates, resources.Events, resources.DaemonSets, resources.Deployments,
  resources.ReplicaSets, resources.StatefulSets, resources.ReplicationControllers, resources.Services,
  resources.PersistentVolumeClaims, resources.PersistentVolumes, resources.StorageClasses, resources.CSINodes, resources.VolumeAttachments,
  resources.PodDisruptionBudgets, resources.ConfigMaps, resources.Secrets, resources.Leases, resources.CustomResourceDefinitions,
  ...crds.flatMap(({ spec }) => spec.versions.map(({ name }) =>
    resources.resource(`${spec.group}/${name}`, spec.names.kind, spec.names.plural, spec.scope)))
] as ReadonlyArray<Resource>

interface Target {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

const route = (pathname: string): Target | undefined => {
  const parts = pathname.split("/").slice(1).map(decodeURIComponent)
  const group = parts[0] === "api" ? "" : parts[1]
  const rest = parts.slice(parts[0] === "api" ? 2 : 3)
  const version = parts[parts[0] === "api" ? 1 : 2]
  const inNamespace = rest[0] === "namespaces" && rest.length > 2
  const [plural, name, subresource] = inNamespace ? rest.slice(2) : rest
  const resource = known.find((one) => one.group === group && one.version === version && one.plural === plural)
  return resource === undefined ? undefined : { resource, namespace: inNamespace ? rest[1] : undefined, name, subresource }
}

const failure = (code: number, reason: string, message: string, details: object = {}): Reply =>
  ({ status: code, body: { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details } })

/** As a real server words it. */
const replyOf = (error: KubeError): Reply => {
  const { reason, detail } = error
  switch (reason._tag) {
    case "NotFound": return failure(404, "NotFound", detail)
    case "Conflict": return failure(409, "Conflict", detail)
    case "AlreadyExists": return failure(409, "AlreadyExists", detail)
    case "Denied": return failure(403, "Forbidden", detail)
    case "Expired": return failure(410, "Expired", detail)
    case "Throttled": return failure(429, "TooManyRequests", detail, { retryAfterSeconds: reason.retryAfterSeconds })
    case "Invalid": return error.status === 0 || error.status === 422
      ? failure(422, "Invalid", detail, { causes: reason.causes.map((cause) => ({ reason: "FieldValueInvalid", ...cause })) })
      : failure(error.status, "BadRequest", detail)
    case "DisruptionBlocked": return reason.multipleBudgets
      ? failure(500, "", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
      : failure(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
        causes: [{ reason: "DisruptionBudget", message: detail }]
      })
    case "Unavailable":
    case "Malformed": return failure(500, "InternalError", detail)
  }
}

const patchKinds: Readonly<Record<string, PatchKind>> = {
  "application/merge-patch+json": "merge",
  "application/json-patch+json": "json",
  "application/strategic-merge-patch+json": "strategic"
}

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const text = Buffer.concat(chunks).toString("utf8")
  return text === "" ? undefined : JSON.parse(text)
}

const withoutUndefined = <A extends object>(object: { readonly [K in keyof A]: A[K] | undefined }): A =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null)) as A

/** One request that is no watch. */
const serve = (
  kube: Kube["Service"], target: Target, method: string, query: URLSearchParams, body: unknown, contentType: string
): Effect.Effect<Reply, KubeError> => {
  const { resource, namespace, name = "", subresource } = target
  const ref = withoutUndefined<{ name: string; namespace: string }>({ name, namespace })
  const object = body as KubeObject
  const placed = (): KubeObject =>
    ({ ...object, metadata: { ...object.metadata, ...(namespace === undefined ? {} : { namespace }) } })
  const ok = Effect.map((result: unknown): Reply =>
    ({ status: method === "POST" ? 201 : 200, body: result ?? { kind: "Status" } }))
  if (method === "GET" && target.name !== undefined) return ok(kube.get(resource, ref))
  if (method === "GET") {
    const limit = query.get("limit")
    return kube.list(resource, withoutUndefined({
      namespace,
      labelSelector: query.get("labelSelector") ?? undefined,
      fieldSelector: query.get("fieldSelector") ?? undefined,
      continue: query.get("continue") ?? undefined,
      limit: limit === null ? undefined : Number(limit)
    })).pipe(Effect.map((page) => ({
      status: 200,
      body: {
        kind: `${resource.kind}List`,
        apiVersion: resources.apiVersion(resource),
        metadata: { resourceVersion: page.resourceVersion, continue: page.continue },
        items: page.items.map((item) => withoutUndefined({ ...item, kind: undefined, apiVersion: undefined }))
      }
    })))
  }
  if (method === "POST" && subresource === "eviction") {
    const options = (body as { deleteOptions?: { gracePeriodSeconds?: number; preconditions?: { uid?: string } } }).deleteOptions
    return ok(kube.evict(ref, withoutUndefined({
      uid: options?.preconditions?.uid, gracePeriodSeconds: options?.gracePeriodSeconds
    })))
  }
  if (method === "POST") return ok(kube.create(resource, placed()))
  if (method === "PUT" && subresource === "status") return ok(kube.updateStatus(resource, placed()))
  if (method === "PUT") return ok(kube.update(resource, placed()))
  if (method === "PATCH") {
    const kind = patchKinds[contentType] ?? "merge"
    return ok(kube.patch(resource, ref, body, withoutUndefined({ kind, subresource: subresource as "status" | undefined })))
  }
  const { preconditions, kind: _, apiVersion: __, ...options } = (body ?? {}) as Record<string, never>
  return ok(kube.delete(resource, ref, { ...options, ...(preconditions ?? {}) as object }))
}

const lineOf = (resource: Resource, event: WatchEvent<KubeObject>): string => `${JSON.stringify(event.type === "BOOKMARK"
  ? {
    type: "BOOKMARK",
    object: {
      kind: resource.kind,
      apiVersion: resources.apiVersion(resource),
      metadata: { resourceVersion: event.resourceVersion, creationTimestamp: null }
    }
  }
  : event)}\n`

/** Serves `kube` until the scope ends. */
export const serveKube = Effect.fnUntraced(function*(kube: Kube["Service"]) {
  const run = Effect.runForkWith(yield* Effect.context())
  const requests: Array<SeenRequest> = []
  const watches = new Map<ServerResponse, Fiber.Fiber<unknown, unknown>>()
  let connections = 0
  let fault: Fault | undefined
  let silent = false
  let toExpire = 0

  const send = (response: ServerResponse, reply: Reply): void => {
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers })
    response.end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? {}))
  }
  const watch = (target: Target, query: URLSearchParams, response: ServerResponse): void => {
    const expired = `${JSON.stringify({ type: "ERROR", object: failure(410, "Expired", "too old resource version").body })}\n`
    response.writeHead(200, { "content-type": "application/json" })
    response.flushHeaders()
    if (toExpire > 0) {
      toExpire--
      response.end(expired)
      return
    }
    const events = kube.watch(target.resource, withoutUndefined({
      namespace: target.namespace,
      labelSelector: query.get("labelSelector") ?? undefined,
      fieldSelector: query.get("fieldSelector") ?? undefined,
      resourceVersion: query.get("resourceVersion") ?? ""
    }))
    const pump = silent ? Effect.never : events.pipe(
      Stream.runForEach((event) => Effect.sync(() => response.write(lineOf(target.resource, event)))),
      Effect.catch((error) => Effect.sync(() =>
        response.write(`${JSON.stringify({ type: "ERROR", object: replyOf(error).body })}\n`))),
      Effect.timeoutOption(`${Number(query.get("timeoutSeconds") ?? 3600)} seconds`),
      Effect.andThen(Effect.sync(() => response.end()))
    )
    const fiber = run(pump)
    watches.set(response, fiber)
    response.on("close", () => {
      watches.delete(response)
      run(Fiber.interrupt(fiber))
    })
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://front")
    const seen: SeenRequest = { method: request.method ?? "", url, headers: request.headers }
    requests.push(seen)
    const outcome = fault?.(seen)
    if (outcome === "hang") return
    if (outcome === "drop") {
      response.destroy()
      return
    }
    if (outcome !== undefined) return send(response, outcome)
    if (seen.url.pathname === "/version") return send(response, { status: 200, body: { gitVersion: "v1.36.3" } })
    const target = route(seen.url.pathname)
    if (target === undefined) return send(response, { status: 404, body: "404 page not found" })
    if (seen.url.searchParams.get("watch") === "true") return watch(target, seen.url.searchParams, response)
    void readBody(request).then((body) => run(
      serve(kube, target, seen.method, seen.url.searchParams, body, request.headers["content-type"] ?? "").pipe(
        Effect.catch((error) => Effect.succeed(replyOf(error))),
        Effect.tap((reply) => Effect.sync(() => send(response, reply))),
        Effect.catchCause((cause) => Effect.sync(() => send(response, failure(500, "InternalError", String(cause)))))
      )
    ))
  })
  server.on("connection", () => { connections++ })
  const scope = yield* Scope.Scope
  yield* Effect.callback<void>((resume) => { server.listen(0, "127.0.0.1", () => resume(Effect.void)) })
  yield* Scope.addFinalizer(scope, Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  }))
  const handle: KubeHttpServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    watchesClosed: Effect.callback<void>((resume) => {
      const open = [...watches.keys()]
      let left = open.length
      if (left === 0) return resume(Effect.void)
      for (const response of open) response.once("close", () => { if (--left === 0) resume(Effect.void) })
    }),
    setFault: (next) => { fault = next },
    silenceWatches: (next) => { silent = next },
    expireWatches: (count) => { toExpire = count },
    dropWatches: () => { for (const response of watches.keys()) response.destroy() },
    endWatches: () => { for (const response of watches.keys()) response.end() }
  }
  return handle
})
