/** One start of the controller: the same house as on a real cluster, on whatever network it is given. */
import type { AxiosAdapter } from "axios"
import { Effect, Layer, Redacted } from "effect"
import type { Process } from "./virtual.ts"
import { ServedCluster } from "../../../src/cloud/servedCluster.ts"
import { services } from "../../../src/commands/controller.ts"
import { allControllers } from "../../../src/controllers/all.ts"
import { CacheLoops } from "../../../src/kube/cacheLayer.ts"
import { Caches } from "../../../src/kube/caches.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { leaseDefaults, whileLeader } from "../../../src/kube/lease.ts"
import type { LeaseOptions } from "../../../src/kube/lease.ts"
import * as liveLinode from "../../../src/linode/live.ts"
import { Transport } from "../../../src/linode/options.ts"
import * as log from "../../../src/runtime/log.ts"
import * as metrics from "../../../src/runtime/metrics.ts"
import { load } from "../../../src/settings/load.ts"
import { Settings } from "../../../src/settings/settings.ts"

export const clusterName = "prod"
export const token = "a-secret-token-0123456789"

export interface LaunchOptions {
  /** Of its lease. */
  readonly identity: string
  /** How it reaches the API server. */
  readonly kube: Kube["Service"]
  /** How it reaches Linode. */
  readonly linode: AxiosAdapter
  readonly log: (line: string) => void
  readonly logLevel?: log.LogLevel
  readonly onExit: (how: string) => void
  /** Other than usual. */
  readonly lease?: Partial<Pick<LeaseOptions, "lease" | "renew" | "retry">>
  /** Settings beside the cluster's name and the token. */
  readonly env?: Readonly<Record<string, string>>
}

/** Gives back SIGTERM. */
export const launch = (process: Process, options: LaunchOptions): () => void => {
  const work = Effect.gen(function*() {
    const caches = yield* Caches
    const loops = yield* CacheLoops
    yield* Effect.logInfo("starting", { cluster: yield* ServedCluster })
    const lead = whileLeader({ ...leaseDefaults, ...options.lease, namespace: "kube-system", identity: options.identity })
    return yield* Effect.raceFirst(loops.join, Effect.andThen(caches.synced, lead(allControllers)))
  })
  const linode = liveLinode.layer({ token: Redacted.make(token) }).pipe(Layer.provide(Layer.succeed(Transport, options.linode)))
  const env = { ...options.env, CLUSTER_NAME: clusterName, LINODE_TOKEN: token }
  const ground = Layer.mergeAll(
    Layer.succeed(Kube, options.kube),
    linode,
    metrics.layerQuiet,
    Layer.effect(Settings, load({ args: [], env })),
    log.layer({ level: options.logLevel ?? "debug", commit: "test", write: options.log })
  )
  const program = work.pipe(Effect.provide(services.pipe(Layer.provideMerge(ground), Layer.fresh)), Effect.scoped)
  return process.start(program, (exit) => options.onExit(exit._tag === "Success" ? "ended" : log.causeText(exit.cause)))
}
