/** `karpenter-linode controller`: the controller of a real cluster, until it is told to stop. */
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { hostname } from "node:os"
import { layer as bootstrap } from "../cloud/instance/bootstrap/layer.ts"
import * as instanceCluster from "../cloud/instance/cluster.ts"
import * as instance from "../cloud/instance/layer.ts"
import * as lkeCluster from "../cloud/lke/cluster.ts"
import * as lke from "../cloud/lke/layer.ts"
import * as overlays from "../cloud/overlays.ts"
import { ServedCluster } from "../cloud/servedCluster.ts"
import * as cluster from "../cluster/clusterLayer.ts"
import { allControllers } from "../controllers/all.ts"
import { CacheFeatures, CacheLoops, CacheSelectors, layer as cacheLayer } from "../kube/cacheLayer.ts"
import { Caches } from "../kube/caches.ts"
import * as events from "../kube/events.ts"
import { loadKubeConfig } from "../kube/kubeconfig.ts"
import { leaseDefaults, leaseIdentity, whileLeader } from "../kube/lease.ts"
import * as liveKube from "../kube/live.ts"
import * as liveLinode from "../linode/live.ts"
import { LinodeCalls } from "../linode/options.ts"
import type { LinodeCall } from "../linode/options.ts"
import * as endpoints from "../runtime/endpoints.ts"
import * as log from "../runtime/log.ts"
import * as metrics from "../runtime/metrics.ts"
import { settingsHelp } from "../settings/help.ts"
import { load } from "../settings/load.ts"
import type { Source } from "../settings/load.ts"
import { Settings } from "../settings/settings.ts"
import type { SettingsShape } from "../settings/settings.ts"
import type { Version } from "../version.ts"

export const help = `karpenter-linode controller [flags]

Watches the cluster of the kubeconfig (or the one this pod runs in), buys Linodes for pods that no node can take, and
gives them back. A flag wins over its variable.

${settingsHelp}
`

/** Counts and times every exchange with Linode. */
const linodeMetrics: Layer.Layer<never, never, metrics.Metrics> = Layer.effect(LinodeCalls, Effect.map(metrics.Metrics, (registry) => {
  const requests = registry.counter("karpenter_linode_api_requests_total", "Exchanges with the Linode API.", ["method", "route", "status"])
  const seconds = registry.histogram("karpenter_linode_api_request_duration_seconds", "Duration of an exchange with the Linode API.", ["method", "route"])
  const waits = registry.histogram("karpenter_linode_api_wait_duration_seconds", "How long an exchange with the Linode API waited for its turn in the rate limit.", ["class"])
  return ({ method, route, status, durationMillis, kind, waitedMillis }: LinodeCall) => {
    requests.inc({ method, route, status: String(status) })
    seconds.observe({ method, route }, durationMillis / 1000)
    waits.observe({ class: kind }, waitedMillis / 1000)
  }
}))

const linodeLayer = (settings: SettingsShape, version: Version) => liveLinode.layer({
  token: settings.linodeToken,
  baseUrl: settings.linodeUrl,
  apiVersion: settings.linodeApiVersion,
  timeout: settings.linodeTimeout,
  caFile: settings.linodeCa,
  userAgent: `karpenter-linode/${version.version}`
})

/** What selects pods is watched where default constraints need it. */
const cachedSelectors = Layer.effect(
  CacheSelectors, Effect.map(Settings, ({ schedulerConfig }) => schedulerConfig.defaultConstraints.length > 0)
)

const cachedFeatures = Layer.effect(CacheFeatures, Effect.map(Settings, ({ featureGates }) =>
  ({ nodeOverlays: featureGates.NodeOverlay, capacityBuffers: featureGates.CapacityBuffer })))

/** Linodes by LKE's node pools. */
const lkeMode = Layer.merge(lke.layer, Layer.effect(ServedCluster, lkeCluster.LkeCluster)).pipe(Layer.provide(lkeCluster.layer))

/** Linodes one by one, which join by their user data. */
const instanceMode = Layer.merge(instance.layer, Layer.effect(ServedCluster, instanceCluster.InstanceCluster)).pipe(
  Layer.provide(bootstrap),
  Layer.provide(SecureRandom.layerWebCrypto),
  Layer.provide(instanceCluster.layer)
)

const cloud = Layer.unwrap(Effect.map(Settings, ({ mode }) => mode === "instance" ? instanceMode : lkeMode))

/** Everything the controllers stand on, from the two clients up. The demo builds the same house on other ground. */
export const services = Layer.mergeAll(cluster.layer, events.layer).pipe(
  Layer.provideMerge(overlays.layer.pipe(Layer.provideMerge(cloud))),
  Layer.provideMerge(cacheLayer.pipe(Layer.provide(Layer.merge(cachedSelectors, cachedFeatures))))
)

/** Serves the endpoints; ready once the caches have been filled, which needs the custom resources to be installed. */
const endpointsLayer = (settings: SettingsShape) => Layer.unwrap(Effect.gen(function*() {
  const caches = yield* Caches
  let filled = false
  yield* Effect.forkScoped(Effect.andThen(caches.synced, Effect.sync(() => {
    filled = true
  })))
  return endpoints.layer({
    healthPort: settings.healthProbePort,
    metricsPort: settings.metricsPort,
    notReady: Effect.sync(() => filled ? [] : ["the caches: are the custom resources installed, and may they be listed?"])
  })
}))

/** Runs until interrupted; fails when it cannot start, loses the lease, or one of its loops dies. */
export const controller = Effect.fnUntraced(function*(source: Source, version: Version) {
  const settings = yield* load(source)
  const config = yield* loadKubeConfig({
    env: settings.kubeconfig === "" ? source.env : { ...source.env, KUBECONFIG: settings.kubeconfig }
  })
  const namespace = settings.leaderElectionNamespace !== "" ? settings.leaderElectionNamespace : config.namespace ?? "kube-system"

  const work = Effect.gen(function*() {
    const caches = yield* Caches
    const loops = yield* CacheLoops
    yield* Effect.logInfo("starting", { version: version.version, cluster: yield* ServedCluster })
    const lead = whileLeader({ ...leaseDefaults, name: settings.leaderElectionName, namespace, identity: yield* leaseIdentity(hostname()) })
    const controllers = settings.disableLeaderElection ? allControllers : lead(allControllers)
    return yield* Effect.raceFirst(loops.join, Effect.andThen(caches.synced, controllers))
  })

  const clients = Layer.merge(
    linodeLayer(settings, version),
    liveKube.layerOf(config, { qps: settings.kubeClientQps, burst: settings.kubeClientBurst })
  )
  const ground = Layer.mergeAll(
    linodeMetrics.pipe(Layer.provideMerge(metrics.layer)),
    Layer.succeed(Settings, settings),
    log.layer({ level: settings.logLevel, commit: version.commit, write: (line) => process.stdout.write(`${line}\n`) })
  )
  return yield* work.pipe(
    Effect.provide(endpointsLayer(settings).pipe(Layer.provideMerge(services), Layer.provideMerge(clients), Layer.provideMerge(ground)))
  )
})
