/** `Linode` over @linode/api-v4. */
import {
  baseRequest, createLinode, createNodePool, deleteLinode, deleteNodePool, getAccountMaintenance, getEvents, getFirewall, getImage,
  getKubernetesCluster, getKubernetesClusters, getLinode, getLinodes, getLinodeTypes, getNodePool, getNodePools, getPlacementGroup,
  getQuotas, getRegionAvailability, getRegions, updateLinode, updateNodePool
} from "@linode/api-v4"
import { Duration, Effect, Layer, Redacted, Schedule, Schema } from "effect"
import type { CannotReadCa } from "./exchange.ts"
import * as exchanges from "./exchange.ts"
import type { CallKind } from "./failure.ts"
import { Linode } from "./linode.ts"
import { LinodeError, Transient } from "./linodeError.ts"
import type { NewInstance, NewPool, PoolChange } from "./models.ts"
import {
  AccountEvent, Availability, Cluster, Firewall, Image, Instance, LinodeType, Maintenance, PlacementGroup, Pool, Quota, Region
} from "./models.ts"
import type { LinodeOptions } from "./options.ts"

const api = "https://api.linode.com/v4beta"
/** The longest wait that a read takes on itself; a longer one is the caller's. */
const longestRetryAfterSeconds = 60
const longestRetryMillis = 90_000

/** Six tries, a bit apart, never before the server wants the next. */
const readAgain = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 5 }),
  Schedule.setInputType<LinodeError>(),
  Schedule.while(({ elapsed, input: { reason } }) => {
    if (elapsed >= longestRetryMillis) return false
    if (reason._tag === "RateLimited") return reason.retryAfterSeconds <= longestRetryAfterSeconds
    return reason._tag === "Transient"
  }),
  Schedule.modifyDelay(({ duration, input: { reason } }) => Effect.succeed(
    reason._tag === "RateLimited" ? Duration.max(duration, Duration.seconds(reason.retryAfterSeconds)) : duration
  ))
)

const read = <A>(effect: Effect.Effect<A, LinodeError>): Effect.Effect<A, LinodeError> => Effect.retry(effect, readAgain)

type Row = Schema.Constraint & { readonly DecodingServices: never }
type Page = { readonly page: number; readonly page_size: number }

const get = (route: string) => ({ method: "GET", route, kind: "other" } as const)

/** api-v4 refuses empty values of labels and taints, which Kubernetes and Linode take. */
const hasEmptyValue = ({ labels, taints }: NewPool): boolean =>
  Object.values(labels).includes("") || taints.some(({ value }) => value === "")

const byOurselves = (method: CallKind["method"], path: string, data?: unknown): Promise<unknown> =>
  baseRequest({ method, url: `${api}${path}`, ...(data === undefined ? {} : { data }) })
    .then((response): unknown => response.data)

type PoolData = Parameters<typeof createNodePool>[1]

const create = (cluster: number, pool: NewPool): Promise<unknown> => {
  if (hasEmptyValue(pool)) return byOurselves("POST", `/lke/clusters/${cluster}/pools`, pool)
  // The client's types want mutable lists and a closed set of effects.
  return createNodePool(cluster, pool as unknown as PoolData)
}

const change = ({ count, tags }: PoolChange) => ({
  ...(count === undefined ? {} : { count }),
  ...(tags === undefined ? {} : { tags: [...tags] })
})

type LinodeData = Parameters<typeof createLinode>[0]

/** How long a creation waits for its turn: whoever asked for it has to know when it cannot be carried out any more. */
const creationWithin = Duration.seconds(15)

const order = ({ root_pass, user_data, ...rest }: NewInstance) => {
  const encoded = Redacted.make(Buffer.from(Redacted.value(user_data)).toString("base64"))
  const call = {
    method: "POST", route: "/linode/instances", kind: "creations", buys: true, sentWithin: creationWithin,
    hidden: [root_pass, user_data, encoded]
  } as const
  return {
    call,
    send: () => createLinode({
      ...rest, root_pass: Redacted.value(root_pass), metadata: { user_data: Redacted.value(encoded) }
      // The client's types want mutable lists.
    } as unknown as LinodeData)
  }
}

const make = (options: LinodeOptions) => Effect.gen(function*() {
  const { exchange, tokenRefused } = yield* exchanges.make(options)

  /** Every page, or an error. A list that changes while it is read is read anew: a row may have slipped between pages. */
  const list = <S extends Row>(
    route: string, row: S, send: (page: Page) => Promise<unknown>, about: Pick<CallKind, "open" | "extra"> = {}
  ): Effect.Effect<ReadonlyArray<S["Type"]>, LinodeError> => {
    const schema = Schema.Struct({ data: Schema.Array(row), pages: Schema.Int, results: Schema.Int })
    const changed = new LinodeError({
      route: `GET ${route}`, status: 200, detail: "the list changed while it was read",
      reason: new Transient({ outcomeUnknown: false })
    })
    const page = (number: number) =>
      read(exchange({ method: "GET", route, kind: "list", ...about }, schema, () => send({ page: number, page_size: 500 })))
    const whole = Effect.gen(function*() {
      const first = yield* page(1)
      const others = yield* Effect.forEach(
        Array.from({ length: Math.max(0, first.pages - 1) }, (_, index) => index + 2),
        // Past the end now: the list has become shorter.
        (number) => page(number).pipe(Effect.mapError((error) => error.reason._tag === "Gone" ? changed : error))
      )
      const rows = [first, ...others].flatMap(({ data }) => data)
      if (rows.length !== first.results || others.some(({ results }) => results !== first.results)) return yield* changed
      return rows
    })
    return Effect.retry(whole, { times: 3, while: (error) => error === changed })
  }

  const clusterRoute = "/lke/clusters/{id}"
  const poolsRoute = `${clusterRoute}/pools`
  const poolRoute = `${poolsRoute}/{id}`

  return Linode.of({
    tokenRefused,
    types: list("/linode/types", LinodeType, (page) => getLinodeTypes(page), { open: true }),
    regions: list("/regions", Region, (page) => getRegions(page), { open: true }),
    availability: (region) =>
      read(exchange({ ...get("/regions/{id}/availability"), open: true }, Schema.Array(Availability), () =>
        getRegionAvailability(region))),
    clustersByLabel: (label) =>
      list("/lke/clusters", Cluster, (page) => getKubernetesClusters(page, { label })).pipe(
        Effect.map((clusters) => clusters.filter((cluster) => cluster.label === label))
      ),
    cluster: (id) => read(exchange(get(clusterRoute), Cluster, () => getKubernetesCluster(id))),
    pools: (cluster) => list(poolsRoute, Pool, (page) => getNodePools(cluster, page)),
    pool: (cluster, pool) => read(exchange(get(poolRoute), Pool, () => getNodePool(cluster, pool))),
    createPool: (cluster, pool) =>
      exchange({ method: "POST", route: poolsRoute, kind: "other", buys: true }, Pool, () => create(cluster, pool)),
    updatePool: (cluster, pool, wanted) =>
      exchange(
        { method: "PUT", route: poolRoute, kind: "other", buys: wanted.count !== undefined }, Pool,
        () => updateNodePool(cluster, pool, change(wanted))
      ),
    deletePool: (cluster, pool) =>
      Effect.asVoid(exchange(
        { method: "DELETE", route: poolRoute, kind: "other" }, Schema.Struct({}), () => deleteNodePool(cluster, pool)
      )),
    deleteNode: (cluster, node) =>
      Effect.asVoid(exchange(
        { method: "DELETE", route: `${clusterRoute}/nodes/{id}`, kind: "other" }, Schema.Struct({}),
        () => byOurselves("DELETE", `/lke/clusters/${cluster}/nodes/${encodeURIComponent(node)}`)
      )),
    instance: (id) => read(exchange(get("/linode/instances/{id}"), Instance, () => getLinode(id))),
    instances: (tags) =>
      list("/linode/instances", Instance, (page) =>
        // By equality, not `+contains`: `nodepool=12` must not find `nodepool=123`. A list, since one key can hold one tag only.
        getLinodes(page, tags.length === 0 ? undefined : { "+and": tags.map((tag) => ({ tags: tag })) })),
    clusterInstances: (cluster) =>
      // LKE names its Linodes after the cluster, and the field that says it for sure cannot be filtered on.
      list("/linode/instances", Instance, (page) => getLinodes(page, { label: { "+contains": `lke${cluster}-` } })).pipe(
        Effect.map((instances) => instances.filter((instance) => instance.lke_cluster_id === cluster))
      ),
    instancesByLabel: (label) =>
      list("/linode/instances", Instance, (page) => getLinodes(page, { label })).pipe(
        Effect.map((instances) => instances.filter((instance) => instance.label === label))
      ),
    createInstance: (instance) => {
      const { call, send } = order(instance)
      return exchange(call, Instance, send)
    },
    deleteInstance: (id) =>
      Effect.asVoid(exchange(
        { method: "DELETE", route: "/linode/instances/{id}", kind: "other" }, Schema.Struct({}), () => deleteLinode(id)
      )),
    tagInstance: (id, tags) =>
      exchange(
        { method: "PUT", route: "/linode/instances/{id}", kind: "other" }, Instance, () => updateLinode(id, { tags: [...tags] })
      ),
    maintenance: list("/account/maintenance", Maintenance, (page) => getAccountMaintenance(page), { extra: true }),
    events: (actions, since) =>
      list("/account/events", AccountEvent, (page) => getEvents(page, {
        "+and": [
          { "+or": actions.map((action) => ({ action })) },
          { created: { "+gte": new Date(since).toISOString().slice(0, 19) } }
        ]
      }), { extra: true }),
    firewall: (id) => read(exchange({ ...get("/networking/firewalls/{id}"), extra: true }, Firewall, () => getFirewall(id))),
    placementGroup: (id) => read(exchange({ ...get("/placement/groups/{id}"), extra: true }, PlacementGroup, () => getPlacementGroup(id))),
    image: (id) => read(exchange({ ...get("/images/{id}"), kind: "images", extra: true }, Image, () => getImage(id))),
    quotas: (service) => list(`/${service}/quotas`, Quota, (page) => getQuotas(service, "quotas", page), { extra: true })
  })
})

/** One budget, one set of connections and one account per layer. */
export const layer = (options: LinodeOptions): Layer.Layer<Linode, CannotReadCa> => Layer.effect(Linode, make(options))
