/**
 * A large cluster on virtual time, in a process of its own: `node scaleWorker.ts nodes podsPerNode`. A small cluster grows by the
 * controller's own hand first; its node, claim and pods are then copied many times, at Linode and in the API server, and a new
 * start of the controller finds them all. Answers with a line of JSON.
 */
import { Effect, Exit, Layer } from "effect"
import { crds } from "../src/apis/crds.ts"
import { LinodeNodeClasses } from "../src/apis/linodeNodeClass.ts"
import type { NodeClaim } from "../src/apis/nodeClaim.ts"
import { NodeClaims } from "../src/apis/nodeClaim.ts"
import { NodePools } from "../src/apis/nodePool.ts"
import { Kube } from "../src/kube/kube.ts"
import * as memory from "../src/kube/memory/layer.ts"
import type { ApiServer } from "../src/kube/memory/server.ts"
import type { KubeObject, Node, Pod } from "../src/kube/objects.ts"
import { Deployments, Nodes, Pods } from "../src/kube/resources.ts"
import type { Resource } from "../src/kube/resources.ts"
import * as snapshot from "../src/linode/snapshot.ts"
import { joining } from "../src/simulator/kubernetes/joining.ts"
import { kubelets } from "../src/simulator/kubernetes/kubelets.ts"
import { scheduler } from "../src/simulator/kubernetes/scheduler.ts"
import { workloads } from "../src/simulator/kubernetes/workloads.ts"
import type { LinodeCloud } from "../src/simulator/linode/linodeCloud.ts"
import * as simulator from "../src/simulator/linode/linodeSimulator.ts"
import type { SimulatedPool } from "../src/simulator/linode/world.ts"
import * as objects from "../test/house/objects.ts"
import { clusterName, startProgram, token } from "../test/house/program.ts"
import { Process, Time } from "../test/simulation/engine/virtual.ts"

/** What one size of cluster took. */
export interface ScaleAnswer {
  readonly nodes: number
  readonly pods: number
  /** From the start of the process to the NodeClaim of a pod that waited for it, in real seconds. */
  readonly recoverySeconds: number
  /** The same in CPU seconds, which other work on the machine disturbs less. */
  readonly recoveryCpuSeconds: number
  /** All of the process: the API server and the simulated Linode too. */
  readonly cpuSecondsPerMinute: number
  readonly rssMiB: number
}

const seconds = 1_000
const minutes = 60 * seconds
const nodesPerPool = 100
/** As kubelets do where nothing changes. */
const heartbeatEvery = 5 * minutes
const minutesAtRest = 10
/** Of each kind, for watches to go back to: nobody here does. */
const keptChanges = 1_000

const [wantedNodes, podsPerNode] = process.argv.slice(2).map(Number) as [number, number]

const list = <A extends KubeObject>(server: ApiServer, resource: Resource<A>): ReadonlyArray<A> =>
  server.list(resource).items as unknown as ReadonlyArray<A>

type Names = ReadonlyArray<readonly [from: string, to: string]>

/** A copy with other names and ids in place of some; what speaks of none of them is shared. */
const renamedIn = (value: unknown, names: Names): unknown => {
  if (typeof value === "string") {
    return names.reduce((text, [from, to]) => text.includes(from) ? text.replaceAll(from, to) : text, value)
  }
  if (typeof value !== "object" || value === null) return value
  const before = Object.entries(value)
  const after = before.map(([key, item]) => [key, renamedIn(item, names)] as const)
  if (after.every(([, item], i) => item === before[i]![1])) return value
  return Array.isArray(value) ? after.map(([, item]) => item) : Object.fromEntries(after)
}

const renamed = <A extends KubeObject>(object: A, names: Names): A => {
  const copy = renamedIn(object, names) as A
  const { creationTimestamp: _, generation: __, resourceVersion: ___, uid: ____, ...metadata } = copy.metadata
  return { ...copy, metadata }
}

/** Creates an object with its status, which the API server takes only apart. */
const put = <A extends KubeObject>(server: ApiServer, resource: Resource<A>, object: A): void => {
  const { status, ...rest } = object as A & { readonly status?: unknown }
  server.create(resource, rest as unknown as A)
  server.patch(resource, object.metadata, { status }, { kind: "merge", subresource: "status" })
}

/** Fills Linode and the API server with copies of the one node that there is. */
const multiply = (server: ApiServer, cloud: LinodeCloud): void => {
  const [claim] = list<NodeClaim>(server, NodeClaims)
  const node = list<Node>(server, Nodes).find(({ metadata }) => metadata.name === claim!.status!.nodeName)!
  const pods = list<Pod>(server, Pods).filter(({ spec }) => spec.nodeName === node.metadata.name)
  const pool = [...cloud.pools.values()].find(({ nodes }) => nodes.some(({ name }) => name === node.metadata.name))!
  const machine = pool.nodes.find(({ name }) => name === node.metadata.name)!
  const instance = cloud.instances.get(machine.instanceId!)!
  let into: SimulatedPool = pool
  for (let i = 1; i < wantedNodes; i++) {
    if (into.nodes.length >= nodesPerPool) {
      into = { ...pool, id: 1_000_000 + i, count: 0, nodes: [] }
      cloud.pools.set(into.id, into)
    }
    const id = `${into.id}-${i.toString(16).padStart(12, "0")}`
    const name = `lke${machine.clusterId}-${id}`
    const instanceId = 2_000_000 + i
    into.nodes.push({ ...machine, id, name, poolId: into.id, instanceId })
    into.count++
    cloud.instances.set(instanceId, { ...instance, id: instanceId, label: name })
    const names = [
      [node.metadata.name, name], [machine.id, id], [`linode://${instance.id}`, `linode://${instanceId}`],
      [claim!.metadata.name, `${claim!.metadata.name}-${i}`]
    ] as const
    put(server, NodeClaims, renamed(claim!, names))
    put(server, Nodes, renamed(node, names))
    for (let p = 0; p < podsPerNode; p++) {
      const pod = pods[p % pods.length]!
      put(server, Pods, renamed(pod, [...names, [pod.metadata.name, `copy-${i}-${p}`]]))
    }
  }
}

const waitFor = Effect.fnUntraced(function*(what: string, reached: () => boolean) {
  for (let i = 0; !reached(); i++) {
    if (i > 600) return yield* Effect.die(new Error(`waited 10 minutes in vain for ${what}`))
    yield* Effect.sleep("1 second")
  }
})

const cpuSecondsSince = (before: NodeJS.CpuUsage): number => {
  const { system, user } = process.cpuUsage(before)
  return (user + system) / 1e6
}

const measure = (time: Time) => Effect.gen(function*() {
  const { api, cloud } = yield* simulator.LinodeSimulator
  const { server } = yield* memory.MemoryApiServer
  const kube = yield* Kube
  cloud.addCluster({ label: clusterName, region: "us-ord", systemPool: { type: "g6-standard-1", count: 1 } })
  yield* kube.create(LinodeNodeClasses, objects.nodeClass())
  yield* kube.create(NodePools, objects.nodePool({ types: ["g6-standard-4"], consolidateAfter: "1h" }))
  // Too large for the system node beside it.
  yield* kube.create(Deployments, objects.deployment(podsPerNode, `${Math.floor(3000 / podsPerNode)}m`))

  const start = (identity: string) => startProgram(time, kube, api, {
    identity, seed: 1, diesAt: () => false, failsAt: () => false, log: () => {},
    onExit: (how) => { throw new Error(`the controller ended: ${how}`) }
  })
  const first = start("first")
  const others = Effect.all([joining({ cloud }), workloads, scheduler, kubelets], { concurrency: "unbounded", discard: true })
  yield* Effect.raceFirst(waitFor("the first node", () => {
    const on = new Set(list<NodeClaim>(server, NodeClaims).map(({ status }) => status?.nodeName))
    return list<NodeClaim>(server, NodeClaims).every(({ status }) => status?.conditions?.some((c) => c.type === "Initialized" && c.status === "True") === true) &&
      list<Pod>(server, Pods).filter(({ spec, status }) => on.has(spec.nodeName ?? "") && status?.phase === "Running").length > 0
  }), others)
  first.process.kill()
  multiply(server, cloud)
  const names = list<Node>(server, Nodes).map(({ metadata }) => metadata.name)
  const pods = list<Pod>(server, Pods).length
  yield* Effect.sleep("1 minute")

  const waiting: Pod = {
    metadata: { name: "waiting", namespace: "default" }, spec: { containers: [{ name: "c", resources: { requests: { cpu: "3" } } }] }
  }
  server.create(Pods, waiting)
  server.patch(Pods, waiting.metadata, {
    status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "" }] }
  }, { kind: "merge", subresource: "status" })
  const claims = list<NodeClaim>(server, NodeClaims).length
  const began = performance.now()
  const cpuBegan = process.cpuUsage()
  start("second")
  yield* waitFor("the claim of the waiting pod", () => list<NodeClaim>(server, NodeClaims).length > claims)
  const recoverySeconds = (performance.now() - began) / seconds
  const recoveryCpuSeconds = cpuSecondsSince(cpuBegan)

  // Its node never joins here: nothing else shall be under way.
  server.delete(Pods, waiting.metadata)
  for (const claim of list<NodeClaim>(server, NodeClaims)) {
    if (claim.status?.conditions?.some((c) => c.type === "Registered" && c.status === "True") !== true) server.delete(NodeClaims, claim.metadata)
  }

  // Every kubelet says now and then that its node is well.
  const beat = (i: number): void => {
    const name = names[i % names.length]!
    server.patch(Nodes, { name }, { metadata: { annotations: { beat: String(time.now) } } }, { kind: "merge" })
    time.after(heartbeatEvery / names.length, () => beat(i + 1))
  }
  beat(0)
  yield* Effect.sleep("10 minutes")
  const before = process.cpuUsage()
  yield* Effect.sleep(minutesAtRest * minutes)
  return {
    nodes: names.length, pods, recoverySeconds, recoveryCpuSeconds, cpuSecondsPerMinute: cpuSecondsSince(before) / minutesAtRest,
    rssMiB: process.resourceUsage().maxRSS / 1024
  } satisfies ScaleAnswer
})

const time = new Time()
const [types, regions] = await Effect.runPromise(Effect.all([snapshot.types, snapshot.regions]))
const world = simulator.layer({ types, regions, tokens: [token] }).pipe(Layer.provideMerge(memory.layerWith({ crds, history: keptChanges })))
let end: Exit.Exit<ScaleAnswer, unknown> | undefined
new Process(time, 1).start(measure(time).pipe(Effect.provide(world), Effect.scoped), (exit) => { end = exit })
await time.pass(() => end !== undefined)
if (end === undefined || Exit.isFailure(end)) throw new Error(JSON.stringify(end?.cause))
process.stdout.write(`${JSON.stringify(end.value)}\n`)
