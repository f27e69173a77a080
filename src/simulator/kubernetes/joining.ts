/**
 * How the nodes of the simulated LKE show up in Kubernetes, as LKE's real ones do: the kubelet registers under a name that
 * was known all along; the cloud controller manager adds the provider id, region and type a little later; LKE puts the
 * pool's labels and taints on the node later still; and when its instance is gone the Node is deleted.
 */
import { Clock, Effect, FiberMap, Queue } from "effect"
import { isNotFound } from "../../kube/kubeError.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { Kube } from "../../kube/kube.ts"
import type { Condition, Node, Taint } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import type { LinodeCloud } from "../linode/linodeCloud.ts"
import type { CloudEvent } from "../linode/world.ts"

export interface JoiningOptions {
  readonly cloud: LinodeCloud
  /** Put on every Node from the start: `kwok.x-k8s.io/node: fake` where kwok plays the kubelet. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Times after registration, in milliseconds. */
  readonly delays?: Partial<Delays>
}

export interface Delays {
  /** The cloud controller manager has seen it. */
  readonly provider: number
  /** The network is up: the kubelet says Ready. */
  readonly ready: number
  /** LKE has put the pool's labels and taints on it. */
  readonly labels: number
  /** The cloud controller manager deletes the Node, counted from the end of its instance. */
  readonly removal: number
  /** The node controller has not heard of the kubelet for so long: it says so. */
  readonly silence: number
}

/** As seen on LKE standard. */
const usual: Delays = { provider: 2_000, ready: 8_000, labels: 12_000, removal: 10_000, silence: 40_000 }

const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }
const uninitialized: Taint = { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }

const mib = 1024
/** What a node of a type reports. The machine keeps about 4 % of the plan, the kubelet's eviction threshold is 100 MiB. */
export const reported = (type: { readonly vcpus: number; readonly memory: number; readonly disk: number; readonly gpus: number }) => {
  const memory = Math.floor(type.memory * mib * 0.9589)
  const disk = Math.floor(type.disk * mib * 0.983)
  const gpus: Record<string, string> = type.gpus > 0 ? { "nvidia.com/gpu": String(type.gpus) } : {}
  return {
    capacity: { cpu: String(type.vcpus), memory: `${memory}Ki`, "ephemeral-storage": `${disk}Ki`, pods: "110", ...gpus },
    allocatable: {
      cpu: String(type.vcpus), memory: `${memory - 100 * mib}Ki`, "ephemeral-storage": `${Math.floor(disk * 0.9)}Ki`, pods: "110", ...gpus
    }
  }
}

const ready = (status: Condition["status"], at: string): Condition => ({
  type: "Ready",
  status,
  reason: status === "True" ? "KubeletReady" : status === "False" ? "KubeletNotReady" : "NodeStatusUnknown",
  message: "",
  lastTransitionTime: at,
  lastHeartbeatTime: at
})

/** Reads the taints again for each try: others write them too. */
const retaint = (kube: Kube["Service"], name: string, change: (taints: ReadonlyArray<Taint>) => ReadonlyArray<Taint>, labels?: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const node = yield* kube.get(Nodes, { name })
    yield* kube.patch(Nodes, { name }, {
      metadata: { resourceVersion: node.metadata.resourceVersion, ...(labels === undefined ? {} : { labels }) },
      spec: { taints: change(node.spec?.taints ?? []) }
    }, { kind: "merge" })
  }).pipe(Effect.retry({ times: 20, while: (error) => error.reason._tag === "Conflict" }))

const without = (key: string) => (taints: ReadonlyArray<Taint>): ReadonlyArray<Taint> => taints.filter((taint) => taint.key !== key)

/** Runs until interrupted: plays kubelet, cloud controller manager and LKE for every node of the cloud. */
export const joining = (options: JoiningOptions): Effect.Effect<never, never, Kube> => Effect.scoped(Effect.gen(function*() {
  const kube = yield* Kube
  const delays = { ...usual, ...options.delays }
  const events = yield* Queue.unbounded<CloudEvent>()
  yield* Effect.acquireRelease(
    Effect.sync(() => options.cloud.subscribe((event) => Queue.offerUnsafe(events, event))),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  const nodes = yield* FiberMap.make<string>()
  const at = Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString())

  const join = Effect.fnUntraced(function*({ node, pool }: CloudEvent) {
    if (pool === undefined) return
    const { name } = node
    const type = options.cloud.types.get(node.type)!
    const created: Node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name,
        labels: { "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux" },
        annotations: { ...options.annotations }
      },
      spec: { taints: [uninitialized, notReady] },
      status: { ...reported(type), conditions: [ready("False", yield* at)] }
    }
    yield* kube.create(Nodes, created).pipe(Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.void))
    yield* kube.patch(Nodes, { name }, { status: created.status }, { kind: "merge", subresource: "status" })
    yield* Effect.sleep(delays.provider)
    yield* kube.patch(Nodes, { name }, {
      metadata: { labels: { "node.kubernetes.io/instance-type": node.type, "topology.kubernetes.io/region": node.region } },
      spec: { providerID: `linode://${node.instanceId}` }
    }, { kind: "merge" })
    yield* retaint(kube, name, without(uninitialized.key))
    yield* Effect.sleep(Math.max(0, delays.ready - delays.provider))
    yield* kube.patch(Nodes, { name }, { status: { phase: "Running", conditions: [ready("True", yield* at)] } }, { kind: "merge", subresource: "status" })
    yield* retaint(kube, name, without(notReady.key))
    yield* Effect.sleep(Math.max(0, delays.labels - delays.ready))
    const late = pool.taints.map((taint) => ({ key: taint.key, value: taint.value, effect: taint.effect as Taint["effect"] }))
    yield* retaint(kube, name, (taints) => [
      ...taints,
      ...late.filter((taint) => !taints.some((known) => known.key === taint.key && known.effect === taint.effect))
    ], { "lke.linode.com/pool-id": String(pool.id), ...pool.labels })
  })

  const leave = Effect.fnUntraced(function*(name: string) {
    yield* kube.patch(Nodes, { name }, { status: { conditions: [ready("Unknown", yield* at)] } }, { kind: "merge", subresource: "status" })
    yield* Effect.sleep(delays.removal)
    yield* kube.delete(Nodes, { name })
  })

  /** Its kubelet is not heard of any more. */
  const fallSilent = Effect.fnUntraced(function*(name: string) {
    yield* Effect.sleep(delays.silence)
    yield* kube.patch(Nodes, { name }, { status: { conditions: [ready("Unknown", yield* at)] } }, { kind: "merge", subresource: "status" })
  })

  const play = (name: string, story: Effect.Effect<void, KubeError>) => FiberMap.run(nodes, name, story.pipe(
    Effect.catchIf(isNotFound, () => Effect.void),
    Effect.catch((error) => Effect.logWarning("a simulated node lost its way", { node: name }, error))
  ))

  // Nodes that were ready before anybody looked.
  for (const pool of options.cloud.pools.values()) {
    const cluster = options.cloud.clusters.get(pool.clusterId)
    if (cluster === undefined) continue
    for (const node of pool.nodes) {
      if (node.status === "ready") Queue.offerUnsafe(events, { kind: "NodeReady", at: node.createdAt, node, pool, cluster })
    }
  }

  return yield* Queue.take(events).pipe(
    Effect.flatMap((event) => {
      if (event.kind === "NodeReady") return play(event.node.name, join(event))
      if (event.kind === "InstanceGone") return play(event.node.name, leave(event.node.name))
      if (event.kind === "InstanceStopped") return play(event.node.name, fallSilent(event.node.name))
      return Effect.void
    }),
    Effect.forever
  )
}))
