/** A self-managed cluster at the simulated Linode, an API server in memory, and CloudProviders over both, on virtual time. */
import { Context, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { annotation } from "../../src/apis/labels.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import type { Machine } from "../../src/cloud/cloudProvider.ts"
import { Bootstrap } from "../../src/cloud/instance/bootstrap.ts"
import * as instanceCluster from "../../src/cloud/instance/cluster.ts"
import { InstanceCluster } from "../../src/cloud/instance/cluster.ts"
import * as instance from "../../src/cloud/instance/layer.ts"
import * as cacheLayer from "../../src/kube/cacheLayer.ts"
import { Caches } from "../../src/kube/caches.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { SettingsShape } from "../../src/settings/settings.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as lkeWorld from "./lkeWorld.ts"
import { nodeClass, play, region, settings } from "./lkeWorld.ts"

export { addClaims, changes, claimOf, deleteAll, getClaim, nodeClass, numbered, outside, pass, play, region } from "./lkeWorld.ts"
export type { ClaimOptions, Provider } from "./lkeWorld.ts"

/** User data that says what it was asked for, and no more. */
export const bootstrap = Layer.succeed(Bootstrap, {
  userData: ({ claim, labels, nodeName, taints }) =>
    Effect.succeed(Redacted.make(JSON.stringify({ claim: claim.metadata.name, nodeName, labels, taints })))
})

/** One start of the program: nothing of another is in it. */
export const programWith = (over: Partial<SettingsShape> = {}, userData: Layer.Layer<Bootstrap> = bootstrap) => instance.layer.pipe(
  Layer.provideMerge(instanceCluster.layer),
  Layer.provideMerge(userData),
  Layer.provide(SecureRandom.layerWebCrypto),
  Layer.provideMerge(cacheLayer.layer),
  Layer.provideMerge(settings({ clusterRegion: region, ...over })),
  Layer.fresh
)
export const program = programWith()

/** One start of the program, for the scope. */
export const build = Effect.gen(function*() {
  const context = yield* Layer.build(program)
  yield* Context.get(context, Caches).synced
  return Context.get(context, CloudProvider)
})

/** Runs with one start of the program; its end is like the end of the process for all that it had in memory. */
export const duringWith = <P extends typeof program>(start: P) =>
  <A, E, R>(use: (cloud: lkeWorld.Provider) => Effect.Effect<A, E, R>) => Effect.scoped(Effect.gen(function*() {
    const context = yield* play(Layer.build(start))
    return yield* Effect.gen(function*() {
      yield* play((yield* Caches).synced)
      return yield* use(yield* CloudProvider)
    }).pipe(Effect.provide(context))
  }))
export const during = duringWith(program)

/** The identity that a start of the program finds. */
export const identity = Effect.map(Layer.build(program), (context) => Context.get(context, InstanceCluster).identity).pipe(Effect.scoped, play)

/** A ready LinodeNodeClass. */
export const setUp = Effect.fnUntraced(function*(spec: LinodeNodeClass["spec"] = {}) {
  const kube = yield* Kube
  const made = yield* kube.create(LinodeNodeClasses, nodeClass(spec))
  return yield* kube.updateStatus(LinodeNodeClasses, {
    ...made,
    status: {
      conditions: [{
        type: "Ready", status: "True", reason: "Ready", message: "", lastTransitionTime: "2026-01-01T00:00:00Z",
        observedGeneration: made.metadata.generation ?? 1
      }]
    }
  })
})

/** Writes on the claim what a launch found, as the lifecycle controller does. */
export const adopt = (name: string, machine: Machine) => Effect.gen(function*() {
  const kube = yield* Kube
  const { allocatable, annotations, capacity, labels, nodeName, providerID } = machine
  yield* kube.patch(NodeClaims, { name }, { metadata: { annotations, labels } }, { kind: "merge" })
  yield* kube.patch(NodeClaims, { name }, { status: { nodeName, providerID, capacity, allocatable } }, { kind: "merge", subresource: "status" })
  return yield* kube.get(NodeClaims, { name })
})

/** Asks again and again until every claim has its machine and says so. */
export const createAll = (cloud: lkeWorld.Provider, claims: ReadonlyArray<NodeClaim>) => Effect.forEach(claims, (claim) =>
  Effect.flatMap(lkeWorld.createAll(cloud, [claim]), ([machine]) => Effect.as(adopt(claim.metadata.name, machine!), machine!)
  ), { concurrency: "unbounded" })

/** The Linodes that were bought by themselves and are not deleted. */
export const alive = Effect.map(LinodeSimulator, ({ cloud }) =>
  cloud.machines().map(({ instanceId }) => cloud.instances.get(instanceId!)!))
export const everBought = Effect.map(LinodeSimulator, ({ cloud }) => cloud.purchases.filter(({ seeded }) => !seeded))

export const intentOf = (name: string) => Effect.map(lkeWorld.getClaim(name), ({ metadata }): unknown => {
  const text = metadata.annotations?.[annotation.instanceIntent]
  return text === undefined ? undefined : JSON.parse(text)
})

/** What was asked of Linode, in order. */
export const requests = Effect.map(LinodeSimulator, ({ api }) => api.log.map(({ method, route }) => `${method} ${route}`))

