/** An LKE cluster at the simulated Linode, an API server in memory, and CloudProviders over both, on virtual time. */
import { Clock, Context, Duration, Effect, Exit, Fiber, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { crds } from "../../src/apis/crds.ts"
import { annotation, label } from "../../src/apis/labels.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import * as lkeCluster from "../../src/cloud/lke/cluster.ts"
import * as lke from "../../src/cloud/lke/layer.ts"
import * as cacheLayer from "../../src/kube/cacheLayer.ts"
import { Caches } from "../../src/kube/caches.ts"
import { Kube } from "../../src/kube/kube.ts"
import * as memoryKube from "../../src/kube/memory/layer.ts"
import * as liveLinode from "../../src/linode/live.ts"
import { Transport } from "../../src/linode/options.ts"
import { load } from "../../src/settings/load.ts"
import { Settings } from "../../src/settings/settings.ts"
import type { SettingsShape } from "../../src/settings/settings.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as simulator from "../../src/simulator/linode/linodeSimulator.ts"
import { transport } from "../../src/simulator/linode/transport.ts"

export const region = "us-ord"


/** What a user gives, and every default. */
export const settings = (over: Partial<SettingsShape> = {}) => Layer.effect(Settings, Effect.map(
  load({ args: [], env: { CLUSTER_NAME: "prod", LINODE_TOKEN: "simulated-token", LKE_CREATE_DEADLINE: "30s" } }),
  (loaded) => ({ ...loaded, ...over })
)).pipe(Layer.orDie)

const linode = Layer.unwrap(Effect.map(LinodeSimulator, ({ api }) =>
  liveLinode.layer({ token: Redacted.make("simulated-token") }).pipe(Layer.provide(Layer.succeed(Transport, transport(api))))
)).pipe(Layer.orDie)

/** Linode and the API server: what outlives a process. */
export const outside = (options: simulator.SimulatorOptions = {}) => linode.pipe(
  Layer.provideMerge(simulator.layer({ rateLimits: "none", ...options })),
  Layer.provideMerge(memoryKube.layerWith({ crds }))
)

/** One start of the program: nothing of another is in it. */
export const program = lke.layer.pipe(
  Layer.provideMerge(lkeCluster.layer),
  Layer.provideMerge(cacheLayer.layer),
  Layer.provideMerge(settings()),
  Layer.fresh
)

const turns = 12

/** Lets virtual time pass until the effect ends: a few milliseconds at a time, with all that happens within them. */
export const play = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>, most: Duration.Input = "5 minutes", stepMillis = 20) {
  const fiber = yield* Effect.forkChild(effect)
  const end = (yield* Clock.currentTimeMillis) + Duration.toMillis(most)
  while (fiber.pollUnsafe() === undefined) {
    for (let i = 0; i < turns && fiber.pollUnsafe() === undefined; i++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    if (fiber.pollUnsafe() !== undefined) break
    if ((yield* Clock.currentTimeMillis) >= end) return yield* Effect.die(new Error("did not end in time"))
    yield* TestClock.adjust(stepMillis)
  }
  return yield* Fiber.join(fiber)
})

/** Time passes for everything outside the test. */
export const pass = (duration: Duration.Input) => TestClock.adjust(duration)

export type Provider = Context.Service.Shape<typeof CloudProvider>

/** One start of the program, for the scope. */
export const build = Effect.gen(function*() {
  const context = yield* Layer.build(program)
  yield* Context.get(context, Caches).synced
  return Context.get(context, CloudProvider)
})

/** Runs with one start of the program; its end is like the end of the process for all that it had in memory. */
export const during = <A, E, R>(use: (cloud: Provider) => Effect.Effect<A, E, R>) => Effect.scoped(Effect.gen(function*() {
  const context = yield* play(Layer.build(program))
  return yield* Effect.gen(function*() {
    yield* play((yield* Caches).synced)
    return yield* use(yield* CloudProvider)
  }).pipe(Effect.provide(context))
}))

export const nodeClass = (spec: LinodeNodeClass["spec"] = {}): LinodeNodeClass => ({
  apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name: "default" }, spec
})

/** A cluster called prod with a system pool, and a ready LinodeNodeClass. */
export const setUp = Effect.fnUntraced(function*(options: { readonly tier?: "standard" | "enterprise"; readonly spec?: LinodeNodeClass["spec"] } = {}) {
  const { cloud } = yield* LinodeSimulator
  const kube = yield* Kube
  const cluster = cloud.addCluster({
    label: "prod", region, systemPool: { type: "g6-standard-2", count: 1 }, ...(options.tier === undefined ? {} : { tier: options.tier })
  })
  const made = yield* kube.create(LinodeNodeClasses, nodeClass(options.spec))
  yield* kube.updateStatus(LinodeNodeClasses, {
    ...made,
    status: {
      conditions: [{
        type: "Ready", status: "True", reason: "Ready", message: "", lastTransitionTime: "2026-01-01T00:00:00Z",
        observedGeneration: made.metadata.generation ?? 1
      }]
    }
  })
  return cluster
})

export interface ClaimOptions {
  readonly nodePool?: string
  readonly types?: ReadonlyArray<string>
  readonly annotations?: Readonly<Record<string, string>>
  readonly taints?: NodeClaim["spec"]["taints"]
  readonly labels?: Readonly<Record<string, string>>
}

export const claimOf = (name: string, options: ClaimOptions = {}): NodeClaim => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: {
    name,
    labels: { [label.nodePool]: options.nodePool ?? "general", ...options.labels },
    annotations: { ...options.annotations },
    finalizers: ["karpenter.sh/termination"]
  },
  spec: {
    nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
    requirements: [{ key: label.instanceType, operator: "In", values: options.types ?? ["g6-standard-2"] }],
    resources: { requests: { cpu: "500m" } },
    ...(options.taints === undefined ? {} : { taints: options.taints })
  }
})

export const addClaims = (names: ReadonlyArray<string>, options: ClaimOptions = {}) => Effect.flatMap(Kube, (kube) =>
  Effect.forEach(names, (name) => kube.create(NodeClaims, claimOf(name, options))))

export const numbered = (prefix: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(2, "0")}`)

export const getClaim = (name: string) => Effect.flatMap(Kube, (kube) => kube.get(NodeClaims, { name }))

/** Node ids by claim, as the claims themselves say. */
export const bindings = Effect.flatMap(Kube, (kube) => Effect.map(kube.list(NodeClaims), ({ items }) =>
  Object.fromEntries(items.map((claim) => [claim.metadata.name, claim.metadata.annotations?.[annotation.lkeNode]]))))

/** Asks again and again, as the lifecycle controller does, until every claim has its machine. */
export const createAll = (cloud: Provider, claims: ReadonlyArray<NodeClaim>) => Effect.forEach(claims, (claim) => {
  const again = (): ReturnType<Provider["create"]> => Effect.catchIf(
    cloud.create(claim), (error) => error.reason._tag === "CloudUnavailable", () => Effect.andThen(Effect.sleep("5 seconds"), Effect.suspend(again))
  )
  return Effect.suspend(again)
}, { concurrency: "unbounded" })

/** Deletes the claims at the API server, then asks for the end of their machines until it is proven, then lets them go. */
export const deleteAll = (cloud: Provider, names: ReadonlyArray<string>) => Effect.gen(function*() {
  const kube = yield* Kube
  yield* Effect.forEach(names, (name) => Effect.ignore(kube.delete(NodeClaims, { name })))
  yield* Effect.forEach(names, (name) => Effect.gen(function*() {
    const claim = yield* Effect.option(kube.get(NodeClaims, { name }))
    if (Option.isNone(claim)) return
    for (;;) {
      const exit = yield* Effect.exit(cloud.delete(claim.value))
      if (Exit.isSuccess(exit) && exit.value === "gone") break
      yield* Effect.sleep("5 seconds")
    }
    // Another program may have let it go.
    yield* Effect.ignore(kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" }))
  }), { concurrency: "unbounded", discard: true })
})

/** What Linode has of the simulation: nodes bought and not given back. */
export const alive = Effect.map(LinodeSimulator, ({ cloud }) => cloud.purchases.filter((node) => !node.seeded && node.deletedAt === undefined))
export const everBought = Effect.map(LinodeSimulator, ({ cloud }) => cloud.purchases.filter((node) => !node.seeded))

/** Changes that Linode was asked for, in order. */
export const changes = Effect.map(LinodeSimulator, ({ api }) =>
  api.log.filter(({ method }) => method !== "GET").map(({ method, route }) => `${method} ${route.replace("/lke/clusters/{id}", "")}`))
