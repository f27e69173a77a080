/**
 * How machines show up in Kubernetes. LKE's as its real ones do: the kubelet registers under a name that was known all along;
 * the cloud controller manager adds the provider id, region and type a little later; LKE puts the pool's labels and taints on
 * the node later still. A Linode by itself as its user data says, if the cluster lets it in. When the instance is gone the Node
 * is deleted.
 */
import { Clock, Effect, FiberMap, Queue, Result } from "effect"
import { isNotFound } from "../../kube/kubeError.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { Kube } from "../../kube/kube.ts"
import type { Condition, KubeObject, Node, Ref, Taint } from "../../kube/objects.ts"
import type { Resource } from "../../kube/resources.ts"
import { Nodes } from "../../kube/resources.ts"
import type { LinodeCloud } from "../linode/linodeCloud.ts"
import type { CloudEvent, SimulatedNode, SimulatedPool } from "../linode/world.ts"
import { evidence, joinTrouble } from "./admission.ts"
import { lkeNode, notReady, ownNode, readiness, uninitialized } from "./kubelet.ts"
import { readUserData } from "./userData.ts"

export interface JoiningOptions {
  readonly cloud: LinodeCloud
  /** Put on every Node from the start: `kwok.x-k8s.io/node: fake` where kwok plays the kubelet. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Whether Linode's cloud controller manager runs where Linodes join by themselves; it does without it. LKE always has one. */
  readonly cloudController?: boolean
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

  /**
   * By instance, the name under which a Linode by itself has joined: from then on its kubelet has a certificate, and needs no
   * token.
   */
  const members = new Map<number, string>()
  const maybe = <A extends KubeObject>(place: { readonly resource: Resource<A>; readonly ref: Ref }) =>
    kube.get(place.resource, place.ref).pipe(Effect.catchIf(isNotFound, () => Effect.undefined))
  const readyIs = (name: string, status: Condition["status"]) => Effect.flatMap(at, (time) =>
    kube.patch(Nodes, { name }, { status: { phase: "Running", conditions: [readiness(status, time)] } }, { kind: "merge", subresource: "status" }))
  const initialize = Effect.fnUntraced(function*({ instanceId, region, type }: SimulatedNode, name: string) {
    yield* kube.patch(Nodes, { name }, {
      metadata: { labels: { "node.kubernetes.io/instance-type": type, "topology.kubernetes.io/region": region } },
      spec: { providerID: `linode://${instanceId}` }
    }, { kind: "merge" })
    yield* retaint(kube, name, without(uninitialized.key))
  })
  const becomeReady = Effect.fnUntraced(function*(name: string) {
    yield* readyIs(name, "True")
    yield* retaint(kube, name, without(notReady.key))
  })
  const register = Effect.fnUntraced(function*(created: Node) {
    yield* kube.create(Nodes, created).pipe(Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.void))
    yield* kube.patch(Nodes, created.metadata, { status: created.status }, { kind: "merge", subresource: "status" })
  })

  const joinOfLke = Effect.fnUntraced(function*(node: SimulatedNode, pool: SimulatedPool) {
    const { name } = node
    yield* register(lkeNode(name, options.cloud.types.get(node.type)!, yield* at, options.annotations))
    yield* Effect.sleep(delays.provider)
    yield* initialize(node, name)
    yield* Effect.sleep(Math.max(0, delays.ready - delays.provider))
    yield* becomeReady(name)
    yield* Effect.sleep(Math.max(0, delays.labels - delays.ready))
    const late = pool.taints.map((taint) => ({ key: taint.key, value: taint.value, effect: taint.effect as Taint["effect"] }))
    yield* retaint(kube, name, (taints) => [
      ...taints,
      ...late.filter((taint) => !taints.some((known) => known.key === taint.key && known.effect === taint.effect))
    ], { "lke.linode.com/pool-id": String(pool.id), ...pool.labels })
  })

  const joinByItself = Effect.fnUntraced(function*(node: SimulatedNode) {
    const instance = options.cloud.instances.get(node.instanceId ?? 0)
    if (instance === undefined) return
    const never = (trouble: string) => Effect.logWarning("a simulated machine does not join", { machine: node.name, trouble })
    const read = readUserData(instance.userData, instance)
    if (Result.isFailure(read)) return yield* never(read.failure)
    const join = read.success
    const name = join.nodeName
    const there = yield* maybe({ resource: Nodes, ref: { name } })
    if (there?.spec?.providerID === `linode://${instance.id}`) members.set(instance.id, name)
    if (!members.has(instance.id)) {
      const places = evidence(join)
      const found = yield* Effect.all({
        secret: maybe(places.secret), clusterInfo: maybe(places.clusterInfo), authority: maybe(places.authority)
      })
      const trouble = joinTrouble(join, found, yield* Clock.currentTimeMillis) ?? (there === undefined ? undefined : "there is a node of its name")
      if (trouble !== undefined) return yield* never(trouble)
      members.set(instance.id, name)
    }
    if (there === undefined) yield* register(ownNode(join, options.cloud.types.get(node.type)!, yield* at, options.annotations))
    yield* Effect.sleep(delays.provider)
    if (join.externalCloud && options.cloudController !== false) yield* initialize(node, name)
    yield* Effect.sleep(Math.max(0, delays.ready - delays.provider))
    yield* becomeReady(name)
  })

  const leave = Effect.fnUntraced(function*(name: string) {
    yield* readyIs(name, "Unknown")
    yield* Effect.sleep(delays.removal)
    yield* kube.delete(Nodes, { name })
  })

  /** Its kubelet is not heard of any more. */
  const fallSilent = Effect.fnUntraced(function*(name: string) {
    yield* Effect.sleep(delays.silence)
    yield* readyIs(name, "Unknown")
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
  for (const node of options.cloud.machines()) {
    if (node.status !== "ready") continue
    Queue.offerUnsafe(events, { kind: "NodeReady", at: node.createdAt, node, pool: undefined, cluster: undefined })
  }

  return yield* Queue.take(events).pipe(
    Effect.flatMap(({ kind, node, pool }) => {
      const name = members.get(node.instanceId ?? 0) ?? node.name
      if (kind === "NodeReady") return play(node.name, pool === undefined ? joinByItself(node) : joinOfLke(node, pool))
      if (kind === "InstanceGone") return play(node.name, leave(name))
      if (kind === "InstanceStopped") return play(node.name, fallSilent(name))
      return Effect.void
    }),
    Effect.forever
  )
}))
