/** Gauges of what is out there: NodePools, the cluster as it is known, and what Linode offers. */
import { Effect } from "effect"
import { NodePools } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { toNumber } from "../../cluster/amounts.ts"
import { Cluster } from "../../cluster/cluster.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { usageOf } from "../../cluster/usage.ts"
import { Caches } from "../../kube/caches.ts"
import type { ResourceList } from "../../kube/objects.ts"
import { requeueAfter, runSingleton } from "../../runtime/controller.ts"
import { Metrics } from "../../runtime/metrics.ts"
import type { GaugeHandle } from "../../runtime/metrics.ts"
import type { InstanceType } from "../../scheduling/problem.ts"

const backoff = { base: "1 second", max: "1 minute" } as const
const snakeCase = (resource: string): string => resource.toLowerCase().replaceAll("-", "_")

const setAll = (gauge: GaugeHandle, nodepool: string, amounts: ReadonlyArray<readonly [string, string | number]>): void => {
  for (const [resource, quantity] of amounts) gauge.set({ resource_type: snakeCase(resource), nodepool }, toNumber(quantity))
}

const poolLabels = ["resource_type", "nodepool"]

/** `karpenter_nodepools_*` and `karpenter_cluster_state_*`, every ten seconds. */
const clusterMetrics: Effect.Effect<never, never, Caches | CloudProvider | Cluster | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const cluster = yield* Cluster
  const metrics = yield* Metrics
  const limits = metrics.gauge(
    "karpenter_nodepools_limit", "Limits on the quantity of resources provisioned for a nodepool.", poolLabels
  )
  const usages = metrics.gauge(
    "karpenter_nodepools_usage", "The amount of resources that have been provisioned for a nodepool.", poolLabels
  )
  const count = metrics.gauge("karpenter_cluster_state_node_count", "Current count of nodes in cluster state", [])
  const synced = metrics.gauge("karpenter_cluster_state_synced", "Returns 1 if cluster state is synced and 0 otherwise.", [])
  synced.set({}, 0)
  return yield* runSingleton({
    name: "metrics.nodepool",
    backoff,
    reconcile: Effect.gen(function*() {
      yield* cluster.synced
      synced.set({}, 1)
      const nodes = yield* cluster.nodes
      count.set({}, nodes.length)
      limits.reset()
      usages.reset()
      for (const pool of caches.store(NodePools).list().filter(isManagedPool)) {
        const name = pool.metadata.name
        const limited: ResourceList = pool.spec.limits ?? {}
        setAll(limits, name, Object.entries(limited))
        setAll(usages, name, Object.entries(usageOf(name, nodes)))
      }
      return requeueAfter("10 seconds")
    })
  })
})

const offeringLabels = ["instance_type", "capacity_type", "region"]

/** `karpenter_cloudprovider_instance_type_*`, every minute. A NodePool without a catalogue does not hide the others'. */
const catalogueMetrics: Effect.Effect<never, never, Caches | CloudProvider | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const metrics = yield* Metrics
  const prefix = "karpenter_cloudprovider_instance_type"
  const cpu = metrics.gauge(`${prefix}_cpu_cores`, "VCPUs cores for a given instance type.", ["instance_type"])
  const memory = metrics.gauge(`${prefix}_memory_bytes`, "Memory, in bytes, for a given instance type.", ["instance_type"])
  const available = metrics.gauge(`${prefix}_offering_available`, "Instance type offering availability.", offeringLabels)
  const price = metrics.gauge(`${prefix}_offering_price_estimate`, "Estimated hourly price of an offering.", offeringLabels)
  const set = (type: InstanceType): void => {
    cpu.set({ instance_type: type.name }, toNumber(type.capacity["cpu"]))
    memory.set({ instance_type: type.name }, toNumber(type.capacity["memory"]))
    for (const offering of type.offerings) {
      const labels = { instance_type: type.name, capacity_type: offering.capacityType, region: offering.zone }
      available.set(labels, offering.available === false ? 0 : 1)
      price.set(labels, offering.price)
    }
  }
  return yield* runSingleton({
    name: "cloudprovider.metrics",
    backoff,
    reconcile: Effect.gen(function*() {
      yield* caches.synced
      const pools = caches.store(NodePools).list().filter(isManagedPool)
      const catalogues = yield* Effect.forEach(pools, (pool) =>
        cloud.instanceTypes(pool).pipe(Effect.orElseSucceed((): ReadonlyArray<InstanceType> => [])))
      for (const gauge of [cpu, memory, available, price]) gauge.reset()
      for (const types of new Set(catalogues)) types.forEach(set)
      return requeueAfter("1 minute")
    })
  })
})

/** Runs both until it is interrupted. */
export const metricsController: Effect.Effect<never, never, Caches | CloudProvider | Cluster | Metrics> =
  Effect.all([clusterMetrics, catalogueMetrics], { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
