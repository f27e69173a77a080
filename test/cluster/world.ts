/** A cluster in memory for tests: an API server, caches over it, a cloud of four types, and builders of objects. */
import { Clock, Context, Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { crds } from "../../src/apis/crds.ts"
import { label } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import type { AccountTrouble, CloudError, Interruption, NodeClassImage, NodeClassIssue } from "../../src/cloud/cloudProvider.ts"
import * as clusterLayer from "../../src/cluster/clusterLayer.ts"
import * as cacheLayer from "../../src/kube/cacheLayer.ts"
import * as events from "../../src/kube/events.ts"
import { MemoryApiServer, layerWith } from "../../src/kube/memory/layer.ts"
import type { Condition, Event, KubeObject, Node, ObjectMeta, Pod } from "../../src/kube/objects.ts"
import { apiVersion, Events, Nodes, Pods } from "../../src/kube/resources.ts"
import type { Resource } from "../../src/kube/resources.ts"
import * as metrics from "../../src/runtime/metrics.ts"
import type { InstanceType } from "../../src/scheduling/problem.ts"
import * as settings from "../../src/settings/load.ts"

export const zone = "us-ord"

/** A type as Linode sells it, with a tenth of its memory kept from pods. */
export const instanceType = (name: string, cpu: number, gib: number, price: number, available = true): InstanceType => ({
  name,
  capacity: { cpu: String(cpu), memory: `${gib}Gi`, pods: "110", "ephemeral-storage": "80Gi" },
  overhead: { cpu: "100m", memory: `${gib * 100}Mi` },
  labels: {
    [label.instanceType]: name, [label.arch]: "amd64", [label.os]: "linux", [label.region]: zone, [label.zone]: zone
  },
  offerings: [{ zone, capacityType: "on-demand", price, available }]
})

export const small = instanceType("small", 2, 4, 0.036)
export const medium = instanceType("medium", 4, 8, 0.072)
export const large = instanceType("large", 8, 16, 0.144)
export const huge = instanceType("huge", 16, 32, 0.288)

/** What the fake cloud offers and finds wrong; tests change it. */
export class FakeCloud extends Context.Service<FakeCloud, {
  types: ReadonlyArray<InstanceType>
  issues: ReadonlyArray<NodeClassIssue>
  images: ReadonlyArray<NodeClassImage>
  interruptions: Effect.Effect<ReadonlyArray<Interruption>, CloudError>
  trouble: AccountTrouble | undefined
  /** LinodeNodeClasses whose tags were to be written, in order. */
  readonly retagged: Array<string>
}>()("test/FakeCloud") {}

const cloud = Layer.effect(CloudProvider, Effect.gen(function*() {
  const fake = yield* FakeCloud
  const unused = Effect.die("not part of this test")
  return CloudProvider.of({
    name: "fake",
    create: () => unused,
    delete: () => unused,
    exists: () => unused,
    nodeName: () => undefined,
    drifted: () => Effect.undefined,
    repairPolicies: [],
    instanceTypes: () => Effect.sync(() => fake.types),
    validate: () => Effect.sync(() => ({ issues: fake.issues, images: fake.images })),
    retag: (nodeClass) => Effect.sync(() => {
      fake.retagged.push(nodeClass.metadata.name)
    }),
    interruptions: Effect.suspend(() => fake.interruptions),
    accountTrouble: Effect.sync(() => fake.trouble),
    collectGarbage: unused,
    finish: Effect.void
  })
}))

export const world = clusterLayer.layer.pipe(
  Layer.provideMerge(cloud),
  Layer.provideMerge(Layer.sync(FakeCloud, () => ({ types: [small, medium, large, huge], issues: [], images: [], interruptions: Effect.succeed([]), trouble: undefined, retagged: [] }))),
  Layer.provideMerge(events.layer),
  Layer.provideMerge(cacheLayer.layer),
  Layer.provideMerge(layerWith({ crds })),
  Layer.provideMerge(metrics.layerQuiet),
  Layer.provideMerge(settings.layer({ args: [], env: { CLUSTER_NAME: "test", LINODE_TOKEN: "t" } })),
  Layer.provideMerge(Logger.layer([]))
)

/** Lets what is under way come to rest, without time passing. */
export const settle = Effect.repeat(TestClock.adjust("0 millis"), { times: 20 })

/** Lets time pass, second by second, as clocks do. */
export const pass = (seconds: number): Effect.Effect<void> =>
  Effect.repeat(TestClock.adjust("1 second"), { times: seconds - 1 }).pipe(Effect.andThen(settle))

/** Creates an object with its status, as if its controllers had filled it in; gives what the server has. */
export const given = <A extends KubeObject>(resource: Resource<A>, object: A): Effect.Effect<A, never, MemoryApiServer> =>
  MemoryApiServer.use(({ server }) => Effect.gen(function*() {
    // The server tells the time by whoever called last, and nobody called yet in a fresh test.
    yield* Clock.currentTimeMillis
    const created = server.create(resource, { apiVersion: apiVersion(resource), kind: resource.kind, ...object })
    if (!("status" in object)) return created as unknown as A
    return server.update(resource, { ...created, status: object.status } as KubeObject, "status") as unknown as A
  }))

export const all = <A extends KubeObject>(resource: Resource<A>): Effect.Effect<ReadonlyArray<A>, never, MemoryApiServer> =>
  MemoryApiServer.use(({ server }) => Effect.sync(() => server.list(resource).items as unknown as ReadonlyArray<A>))

export const eventsOf = (reason: string): Effect.Effect<ReadonlyArray<Event>, never, MemoryApiServer> =>
  Effect.map(all(Events), (found) => found.filter((event) => event.reason === reason))

const past = "1970-01-01T00:00:00Z"
export const isTrue = (type: string): Condition => (
  { type, status: "True", reason: type, message: "", lastTransitionTime: past, observedGeneration: 1 }
)

export const nodeClass = (name = "default", spec: LinodeNodeClass["spec"] = {}): LinodeNodeClass => ({
  metadata: { name },
  spec,
  status: { conditions: [isTrue("ValidationSucceeded"), isTrue("Ready")] }
})

export const nodePool = (
  name = "default", spec: Partial<NodePool["spec"]> = {}, template: Partial<NodePool["spec"]["template"]["spec"]> = {}
): NodePool => ({
  metadata: { name },
  spec: {
    ...spec,
    template: {
      ...spec.template,
      spec: {
        requirements: [{ key: label.arch, operator: "In", values: ["amd64"] }],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
        ...template
      }
    }
  },
  status: { conditions: [isTrue("ValidationSucceeded"), isTrue("NodeClassReady"), isTrue("Ready")] }
})

export const pod = (name: string, spec: Partial<Pod["spec"]> = {}, metadata: Partial<ObjectMeta> = {}): Pod => ({
  metadata: { namespace: "default", ...metadata, name },
  spec: { containers: [{ name: "main", image: "pause", resources: { requests: { cpu: "1", memory: "512Mi" } } }], ...spec },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] }
})

/** A pod that Kubernetes' scheduler could not place. */
export const pending = (name: string, spec: Partial<Pod["spec"]> = {}, metadata: Partial<ObjectMeta> = {}): Pod => ({
  ...pod(name, spec, metadata),
  status: {
    phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" }]
  }
})

export const asking = (requests: Readonly<Record<string, string>>): Partial<Pod["spec"]> =>
  ({ containers: [{ name: "main", image: "pause", resources: { requests } }] })

/** A machine of ours that is up: its claim and its node. */
export const machine = (
  name: string,
  options: {
    readonly type?: InstanceType
    readonly nodePool?: string
    readonly conditions?: ReadonlyArray<string>
    readonly annotations?: Readonly<Record<string, string>>
  } = {}
): { readonly claim: NodeClaim; readonly node: Node } => {
  const type = options.type ?? medium
  const pool = options.nodePool ?? "default"
  const labels = { ...type.labels, [label.nodePool]: pool, [label.capacityType]: "on-demand", [label.nodeClass]: "default" }
  const capacity = type.capacity as Readonly<Record<string, string>>
  const conditions = ["Launched", "Registered", "Initialized", "Ready", ...options.conditions ?? []].map(isTrue)
  return {
    claim: {
      metadata: { name, labels, finalizers: ["karpenter.sh/termination"] },
      spec: {
        requirements: [{ key: label.instanceType, operator: "In", values: [type.name] }],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }
      },
      status: { nodeName: `node-${name}`, providerID: `linode://${name}`, capacity, allocatable: capacity, conditions }
    },
    node: {
      metadata: {
        name: `node-${name}`,
        labels: { ...labels, [label.hostname]: `node-${name}`, [label.registered]: "true", [label.initialized]: "true" },
        finalizers: ["karpenter.sh/termination"],
        ...(options.annotations === undefined ? {} : { annotations: options.annotations })
      },
      spec: { providerID: `linode://${name}` },
      status: { capacity, allocatable: capacity, conditions: [{ type: "Ready", status: "True" }] }
    }
  }
}

export const givenMachine = Effect.fnUntraced(function*(...args: Parameters<typeof machine>) {
  const { claim, node } = machine(...args)
  yield* given(Nodes, node)
  return yield* given(NodeClaims, claim)
})

/** What most tests begin with. */
export const givenBasics = Effect.gen(function*() {
  yield* given(LinodeNodeClasses, nodeClass())
  yield* given(NodePools, nodePool())
})

export { LinodeNodeClasses, NodeClaims, NodePools, Nodes, Pods }
