/** A cluster in memory for the tests of claims and nodes: the API server, the caches, and a cloud that does as it is told. */
import { Clock, Context, Effect, Layer } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import { nodeClaimConditions } from "../../../src/apis/conditions.ts"
import { crds } from "../../../src/apis/crds.ts"
import { annotation, finalizer, label } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { CloudError, CloudProvider } from "../../../src/cloud/cloudProvider.ts"
import type { Deletion, Machine, MachineState } from "../../../src/cloud/cloudProvider.ts"
import { repairPolicies } from "../../../src/cloud/repairPolicies.ts"
import * as registrations from "../../../src/controllers/nodepool/registrations.ts"
import { layer as cacheLayer } from "../../../src/kube/cacheLayer.ts"
import { Caches } from "../../../src/kube/caches.ts"
import * as events from "../../../src/kube/events.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { isNotFound } from "../../../src/kube/kubeError.ts"
import type { KubeError } from "../../../src/kube/kubeError.ts"
import { layerWith } from "../../../src/kube/memory/layer.ts"
import type { Condition, Event, Node, Pod } from "../../../src/kube/objects.ts"
import { Events, Nodes, Pods } from "../../../src/kube/resources.ts"
import * as metrics from "../../../src/runtime/metrics.ts"
import type { InstanceType } from "../../../src/scheduling/problem.ts"

export const start = Date.parse("2026-03-01T12:00:00Z")

export class FakeCloud extends Context.Service<FakeCloud, {
  /** What the next calls of create answer, in order; then `machine`. */
  readonly answers: Array<CloudError | Machine>
  /** What the next calls of delete answer, in order; then `deletion`. */
  readonly deletions: Array<CloudError | Deletion>
  /** What create says of a claim's machine when nothing else was told. */
  machine: (claim: NodeClaim) => Machine
  deletion: Deletion
  exists: CloudError | MachineState
  /** What the node pools have; read by drift. */
  types: ReadonlyArray<InstanceType>
  drifted: "NodeClassDrift" | undefined
  /** Runs inside create, before it answers. */
  during: Effect.Effect<void>
  /** The same inside delete. */
  duringDelete: Effect.Effect<void, never, Kube>
  /** What was asked, in order: `create a`, `delete a`, `exists a`, `collect`. */
  readonly calls: Array<string>
}>()("test/FakeCloud") {}

export const cloudError = (reason: CloudError["reason"]): CloudError =>
  new CloudError({ operation: "create", detail: "no luck", reason })

export const machineOf = (claim: NodeClaim): Machine => ({
  nodeName: `lke1-${claim.metadata.name}`,
  providerID: `linode://${claim.metadata.name}`,
  labels: { [label.instanceType]: "g6-standard-2", [label.zone]: "us-ord", [label.capacityType]: "on-demand" },
  annotations: { "karpenter.k8s.linode/lke-node": `1-${claim.metadata.name}` },
  capacity: { cpu: "2", memory: "4Gi" },
  allocatable: { cpu: "2", memory: "3Gi" },
  imageID: undefined
})

const fakeCloud = Layer.effectContext(Effect.gen(function*() {
  const kube = yield* Kube
  const fake = FakeCloud.of({
    answers: [], deletions: [], machine: machineOf, deletion: "gone", exists: "present", types: [], drifted: undefined, during: Effect.void,
    duringDelete: Effect.void, calls: []
  })
  const answer = <A>(value: A | CloudError): Effect.Effect<A, CloudError> =>
    value instanceof CloudError ? Effect.fail(value) : Effect.succeed(value)
  const cloud = CloudProvider.of({
    name: "fake",
    create: (claim) => Effect.suspend(() => {
      fake.calls.push(`create ${claim.metadata.name}`)
      return Effect.andThen(fake.during, Effect.suspend(() => answer<Machine>(fake.answers.shift() ?? fake.machine(claim))))
    }),
    delete: (claim) => Effect.suspend(() => {
      fake.calls.push(`delete ${claim.metadata.name}`)
      return Effect.andThen(
        Effect.provideService(fake.duringDelete, Kube, kube),
        Effect.suspend(() => answer<Deletion>(fake.deletions.shift() ?? fake.deletion))
      )
    }),
    exists: (claim) => Effect.suspend(() => {
      fake.calls.push(`exists ${claim.metadata.name}`)
      return answer<MachineState>(fake.exists)
    }),
    nodeName: ({ metadata: { annotations } }) => {
      const node = annotations?.[annotation.lkeNode]
      return node === undefined ? undefined : `lke${node}`
    },
    drifted: () => Effect.sync(() => fake.drifted),
    repairPolicies,
    instanceTypes: () => Effect.sync(() => {
      fake.calls.push("types")
      return fake.types
    }),
    validate: () => Effect.succeed({ issues: [], images: [] }),
    retag: () => Effect.void,
    interruptions: Effect.succeed([]),
    accountTrouble: Effect.undefined,
    finish: Effect.void,
    collectGarbage: Effect.sync(() => {
      fake.calls.push("collect")
    })
  })
  return Context.make(FakeCloud, fake).pipe(Context.add(CloudProvider, cloud))
}))

const world = Layer.mergeAll(events.layer, fakeCloud, metrics.layerQuiet, registrations.layer).pipe(
  Layer.provideMerge(cacheLayer),
  Layer.provideMerge(layerWith({ crds }))
)

type World = Layer.Success<typeof world>

/** Runs a test in a world of its own, at a date, with the caches filled. */
export const inWorld = <A, E>(test: Effect.Effect<A, E, World | Scope.Scope>): Effect.Effect<A, E> =>
  Effect.scoped(Effect.andThen(
    TestClock.setTime(start),
    Effect.gen(function*() {
      const caches = yield* Caches
      yield* Effect.forkScoped(caches.synced)
      yield* seconds(1)
      return yield* test
    }).pipe(Effect.provide(world))
  ))

/** Lets everything happen that needs no time: each request to the API server is a few turns of the scheduler. */
const settle = Effect.forEach(Array.from({ length: 40 }), () => Effect.yieldNow, { discard: true })

/** Lets time pass, second by second, so that what follows from one thing comes before the next. */
export const seconds = (n: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: n }), () => Effect.andThen(TestClock.adjust("1 second"), settle), { discard: true })

export const nodeClass = { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }

export const claimNamed = (
  name: string,
  spec: Partial<NodeClaim["spec"]> = {},
  metadata: Partial<NodeClaim["metadata"]> = {}
): NodeClaim => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: {
    name,
    finalizers: [finalizer.termination],
    labels: { [label.nodePool]: "default", [label.nodeClass]: "default" },
    ...metadata
  },
  spec: { requirements: [], nodeClassRef: nodeClass, ...spec }
})

export const poolNamed = (name: string, disruption: NodePool["spec"]["disruption"]): NodePool => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name },
  spec: { template: { spec: { requirements: [], nodeClassRef: nodeClass } }, ...(disruption === undefined ? {} : { disruption }) }
})

export const readiness = (status: Condition["status"]): Condition => ({ type: "Ready", status, reason: "Test" })

/** The Node of a claim's machine, as LKE's kubelet registers it. */
export const nodeOf = (
  claim: string,
  changes: { readonly metadata?: Partial<Node["metadata"]>; readonly spec?: Node["spec"] } = {}
): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `lke1-${claim}`, labels: { [label.hostname]: `lke1-${claim}` }, ...changes.metadata },
  spec: { ...changes.spec },
  status: {
    capacity: { cpu: "2", memory: "4Gi" },
    allocatable: { cpu: "2", memory: "3Gi" },
    conditions: [readiness("True")]
  }
})

export const podNamed = (
  name: string,
  node: string,
  changes: { readonly metadata?: Partial<Pod["metadata"]>; readonly spec?: Partial<Pod["spec"]> } = {}
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { app: name }, ...changes.metadata },
  spec: { nodeName: node, containers: [{ name: "main", image: "pause" }], ...changes.spec }
})

export const daemonOwner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "agent-uid", controller: true }

export const createClaim = (claim: NodeClaim) => Kube.use((kube) => kube.create(NodeClaims, claim))
export const createPool = (pool: NodePool) => Kube.use((kube) => kube.create(NodePools, pool))
export const createNode = (node: Node) => Kube.use((kube) => Effect.gen(function*() {
  yield* kube.create(Nodes, node)
  return yield* setNodeStatus(node.metadata.name, node.status ?? {})
}))
export const setNodeStatus = (name: string, status: object) => Kube.use((kube) =>
  kube.patch(Nodes, { name }, { status }, { kind: "merge", subresource: "status" }))

/** A pod whose containers run. */
export const runPod = (pod: Pod) => Kube.use((kube) => Effect.gen(function*() {
  yield* kube.create(Pods, pod)
  const startTime = new Date(yield* Clock.currentTimeMillis).toISOString()
  const status = { phase: "Running", startTime, conditions: [readiness("True")] }
  return yield* kube.patch(Pods, pod.metadata, { status }, { kind: "merge", subresource: "status" })
}))

const orUndefined = <A, R>(effect: Effect.Effect<A, KubeError, R>) =>
  effect.pipe(Effect.catchIf(isNotFound, () => Effect.void))

export const claim = (name: string) => Kube.use((kube) => orUndefined(kube.get(NodeClaims, { name })))
export const node = (name: string) => Kube.use((kube) => orUndefined(kube.get(Nodes, { name })))
export const pod = (name: string) => Kube.use((kube) => orUndefined(kube.get(Pods, { name, namespace: "default" })))

export const condition = (name: string, type: string) => Effect.map(claim(name), (found) =>
  found === undefined ? undefined : nodeClaimConditions.get(found, type))
export const statusOf = (name: string, type: string) => Effect.map(condition(name, type), (found) => found?.status)

export const deleteClaim = (name: string) => Kube.use((kube) => kube.delete(NodeClaims, { name }))
export const deleteNode = (name: string) => Kube.use((kube) => kube.delete(Nodes, { name }))

/** What a kubelet does once the containers of a terminating pod have ended. */
export const finishPod = (name: string) => Kube.use((kube) =>
  kube.delete(Pods, { name, namespace: "default" }, { gracePeriodSeconds: 0 }))

/** Reasons of the events on an object, oldest first. */
export const eventsOn = (name: string) => Kube.use((kube) => Effect.map(kube.list(Events), ({ items }) =>
  items.filter((event: Event) => event.involvedObject.name === name)))
export const reasonsOn = (name: string) => Effect.map(eventsOn(name), (found) => found.map((event) => event.reason))

/** The value of a counter's line, such as `karpenter_nodes_created_total{nodepool="default"`; 0 when there is none. */
export const counted = (line: string) => metrics.Metrics.use((registry) => Effect.map(registry.exposition, (text) => {
  const lines = text.split("\n").filter((each) => each.startsWith(line))
  return lines.reduce((sum, each) => sum + Number(each.slice(each.lastIndexOf(" ") + 1)), 0)
}))
