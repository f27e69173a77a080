/**
 * `nodepool.counter`: what each NodePool has bought, in its status. Its limits are compared with these figures, but for claims that
 * may still become larger than expected: they count as the largest (`chargeOf`).
 */
import { Effect } from "effect"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { Cluster } from "../../cluster/cluster.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { usageOf } from "../../cluster/usage.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { attemptEach } from "../../runtime/attemptEach.ts"
import { requeueAfter, runSingleton } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"

const none = { cpu: "0", memory: "0", pods: "0", "ephemeral-storage": "0", nodes: "0" }

/** The status fields that differ from what the pool says; undefined when none does. Pure. */
const difference = (pool: NodePool, usage: Readonly<Record<string, string>>): unknown => {
  const known = pool.status?.resources ?? {}
  const resources: Readonly<Record<string, string>> = { ...none, ...usage }
  const nodes = Number(resources["nodes"])
  const gone = Object.keys(known).filter((name) => resources[name] === undefined)
  const same = gone.length === 0 && nodes === pool.status?.nodes &&
    Object.entries(resources).every(([name, quantity]) => known[name] === quantity)
  return same ? undefined : { resources: { ...Object.fromEntries(gone.map((name) => [name, null])), ...resources }, nodes }
}

/** Looks every five seconds, and writes where something changed. Runs until it is interrupted. */
export const nodePoolCounter: Effect.Effect<never, never, Caches | Cluster | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const cluster = yield* Cluster
  const kube = yield* Kube
  return yield* runSingleton({
    name: "nodepool.counter",
    backoff: { base: "1 second", max: "1 minute" },
    reconcile: Effect.gen(function*() {
      yield* cluster.synced
      const nodes = yield* cluster.nodes
      // One that fails does not keep the others from being written.
      yield* attemptEach(caches.store(NodePools).list().filter(isManagedPool), (pool) => {
        const status = difference(pool, usageOf(pool.metadata.name, nodes))
        return status === undefined ? Effect.void : kube.patch(
          NodePools, { name: pool.metadata.name }, { status }, { kind: "merge", subresource: "status" }
        ).pipe(Effect.catchIf(isNotFound, () => Effect.void))
      })
      return requeueAfter("5 seconds")
    })
  })
})
