/** The paths of the simulated API and what each of them does. */
import { filterRows, page, type Row } from "./filter.ts"
import type { LinodeCloud } from "./linodeCloud.ts"
import { isRecord } from "./poolRules.ts"
import type { RateLimits } from "./rateLimits.ts"
import { showCluster, showInstance, showNode, showPool } from "./show.ts"
import type { LkeNode, SimulatedCluster, SimulatedPool } from "./world.ts"
import { Refusal } from "./world.ts"

export interface RouteInput {
  readonly cloud: LinodeCloud
  readonly ids: ReadonlyArray<string>
  readonly query: URLSearchParams
  readonly filter: string | undefined
  readonly body: unknown
  readonly beta: boolean
}

export interface Route {
  readonly method: string
  /** Without version, ids as `{id}`. */
  readonly path: string
  /** Answers without a token. */
  readonly open?: boolean
  /** The rate limit that it counts for; `other` without it. Images have their own, collection or not. */
  readonly rate?: keyof RateLimits
  readonly run: (input: RouteInput) => unknown
}

const notFound = () => new Refusal(404, "Not found")

const found = <A>(thing: A | undefined): A => {
  if (thing === undefined) throw notFound()
  return thing
}

const record = (body: unknown): Row => {
  if (!isRecord(body)) throw new Refusal(400, "Request body must be a JSON object")
  return body
}

const cluster = ({ cloud, ids }: RouteInput): SimulatedCluster => found(cloud.clusters.get(Number(ids[0])))

const pool = (input: RouteInput): SimulatedPool => {
  const { id } = cluster(input)
  const one = found(input.cloud.pools.get(Number(input.ids[1])))
  if (one.clusterId !== id) throw notFound()
  return one
}

const node = (input: RouteInput): readonly [SimulatedPool, LkeNode] => {
  const owner = input.cloud.poolsOf(cluster(input)).find((one) => one.nodes.some(({ id }) => id === input.ids[1]))
  const one = found(owner)
  return [one, found(one.nodes.find(({ id }) => id === input.ids[1]))]
}

const list = (rows: ReadonlyArray<Row>, { filter, query }: RouteInput, fields: ReadonlyArray<string>) =>
  page(filterRows(rows, filter, fields), query)

const typeFields = ["id", "label", "class", "disk", "gpus", "memory", "network_out", "transfer", "vcpus"]
const clusterFields = ["id", "label", "region", "k8s_version", "tier", "tags", "created", "updated"]
const eventFields = ["id", "action", "created", "percent_complete", "rate", "read", "seen", "status", "entity.id", "entity.type", "username"]
const maintenanceFields = ["status", "type", "when", "not_before", "start_time", "complete_time", "maintenance_policy_set", "source", "description"]
const quotaFields = ["quota_name", "service_name", "scope"]
const firewallFields = ["id", "label", "tags"]
const groupFields = ["id", "label", "region"]
const imageFields = ["id", "label", "deprecated", "is_public", "size", "status", "type", "vendor", "tags"]
const instanceFields = ["id", "label", "group", "region", "image", "tags", "ipv4"]

export const routes: ReadonlyArray<Route> = [
  {
    method: "GET", path: "/linode/types", open: true, rate: "list",
    run: (input) => list([...input.cloud.types.values()], input, typeFields)
  },
  { method: "GET", path: "/linode/types/{id}", open: true, run: ({ cloud, ids }) => found(cloud.types.get(ids[0]!)) },
  { method: "GET", path: "/regions", open: true, rate: "list", run: (input) => list([...input.cloud.regions.values()], input, []) },
  { method: "GET", path: "/regions/{id}", open: true, run: ({ cloud, ids }) => found(cloud.regions.get(ids[0]!)) },
  {
    method: "GET", path: "/regions/{id}/availability", open: true,
    run: ({ cloud, ids }) => cloud.stock.availability(found(cloud.regions.get(ids[0]!)))
  },
  { method: "GET", path: "/profile", run: () => ({ username: "simulated", email: "simulated@example.com", restricted: false }) },
  {
    method: "GET", path: "/lke/clusters", rate: "list",
    run: (input) => list([...input.cloud.clusters.values()].map((one) => showCluster(one, input.beta)), input, clusterFields)
  },
  { method: "GET", path: "/lke/clusters/{id}", run: (input) => showCluster(cluster(input), input.beta) },
  {
    method: "GET", path: "/lke/clusters/{id}/pools", rate: "list",
    // A filter on pools is taken and does nothing: callers cannot rely on it.
    run: (input) => {
      const one = cluster(input)
      return page(input.cloud.listedPools(one).map((each) => showPool(each, one, input.beta)), input.query)
    }
  },
  {
    method: "POST", path: "/lke/clusters/{id}/pools",
    run: (input) => showPool(input.cloud.createPool(cluster(input), record(input.body)), cluster(input), input.beta)
  },
  { method: "GET", path: "/lke/clusters/{id}/pools/{id}", run: (input) => showPool(pool(input), cluster(input), input.beta) },
  {
    method: "PUT", path: "/lke/clusters/{id}/pools/{id}",
    run: (input) => showPool(input.cloud.updatePool(cluster(input), pool(input), record(input.body)), cluster(input), input.beta)
  },
  {
    method: "DELETE", path: "/lke/clusters/{id}/pools/{id}",
    run: (input) => {
      input.cloud.deletePool(cluster(input), pool(input))
      return {}
    }
  },
  { method: "GET", path: "/lke/clusters/{id}/nodes/{id}", run: (input) => showNode(node(input)[1]) },
  {
    method: "DELETE", path: "/lke/clusters/{id}/nodes/{id}",
    run: (input) => {
      input.cloud.deleteNode(...node(input))
      return {}
    }
  },
  {
    method: "GET", path: "/linode/instances", rate: "list",
    run: (input) => list(input.cloud.listedInstances().map(showInstance), input, instanceFields)
  },
  {
    method: "POST", path: "/linode/instances", rate: "creations",
    run: ({ body, cloud }) => showInstance(cloud.createInstance(record(body)))
  },
  {
    method: "GET", path: "/linode/instances/{id}",
    run: ({ cloud, ids }) => showInstance(found(cloud.instances.get(Number(ids[0]))))
  },
  {
    method: "PUT", path: "/linode/instances/{id}",
    run: ({ body, cloud, ids }) => {
      const instance = found(cloud.instances.get(Number(ids[0])))
      cloud.tagInstance(instance, record(body))
      return showInstance(instance)
    }
  },
  {
    method: "DELETE", path: "/linode/instances/{id}",
    run: ({ cloud, ids }) => {
      cloud.deleteInstance(found(cloud.instances.get(Number(ids[0]))))
      return {}
    }
  },
  {
    method: "POST", path: "/linode/instances/{id}/shutdown",
    run: ({ cloud, ids }) => {
      cloud.power.shutDown(found(cloud.instances.get(Number(ids[0]))))
      return {}
    }
  },
  {
    method: "POST", path: "/linode/instances/{id}/boot",
    run: ({ cloud, ids }) => {
      cloud.power.boot(found(cloud.instances.get(Number(ids[0]))))
      return {}
    }
  },
  {
    method: "GET", path: "/account/maintenance", rate: "list",
    run: (input) => list(input.cloud.account.showMaintenances(), input, maintenanceFields)
  },
  { method: "GET", path: "/account/events", rate: "list", run: (input) => list(input.cloud.account.showEvents(), input, eventFields) },
  {
    method: "GET", path: "/networking/firewalls", rate: "list",
    run: (input) => list(input.cloud.account.allFirewalls(), input, firewallFields)
  },
  {
    method: "GET", path: "/networking/firewalls/{id}",
    run: ({ cloud, ids }) => found(cloud.account.firewall(Number(ids[0])))
  },
  {
    method: "GET", path: "/placement/groups", rate: "list",
    run: (input) => list([...input.cloud.account.placementGroups.values()], input, groupFields)
  },
  {
    method: "GET", path: "/placement/groups/{id}",
    run: ({ cloud, ids }) => found(cloud.account.placementGroups.get(Number(ids[0])))
  },
  { method: "GET", path: "/images", rate: "images", run: (input) => list([...input.cloud.account.images.values()], input, imageFields) },
  { method: "GET", path: "/images/{id}", rate: "images", run: ({ cloud, ids }) => found(cloud.account.images.get(ids[0]!)) },
  { method: "GET", path: "/linode/quotas", rate: "list", run: (input) => list(input.cloud.account.quotas, input, quotaFields) },
  { method: "GET", path: "/lke/quotas", rate: "list", run: (input) => list([], input, quotaFields) }
]

const patterns = routes.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll("{id}", "([^/]+)")}$`)
}))

/** The routes of a path (one per method), with the ids in it. */
export const findRoutes = (path: string): ReadonlyArray<{ readonly route: Route; readonly ids: ReadonlyArray<string> }> =>
  patterns.flatMap(({ pattern, route }) => {
    const match = pattern.exec(path)
    return match === null ? [] : [{ route, ids: match.slice(1).map(decodeURIComponent) }]
  })
