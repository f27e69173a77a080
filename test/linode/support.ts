/** The live layer against the simulator, over a loopback port, in real time. */
import { Duration, Effect, Layer, Redacted } from "effect"
import type { Linode } from "../../src/linode/linode.ts"
import type { LinodeOptions } from "../../src/linode/options.ts"
import * as live from "../../src/linode/live.ts"
import { LinodeSimulator, layer as simulatorLayer, type SimulatorOptions } from "../../src/simulator/linode/linodeSimulator.ts"
import { LinodeServer, layer as serverLayer } from "../../src/simulator/linode/server.ts"

export const token = "a-secret-token-0123456789"

const at = (options: Partial<LinodeOptions>) => Layer.unwrap(Effect.map(LinodeServer, ({ url }) =>
  live.layer({ token: Redacted.make(token), baseUrl: url, timeout: Duration.seconds(5), ...options })))

export const overHttp = (
  options: { readonly linode?: Partial<LinodeOptions>; readonly simulator?: SimulatorOptions } = {}
): Layer.Layer<Linode | LinodeSimulator | LinodeServer> =>
  at(options.linode ?? {}).pipe(
    Layer.provideMerge(serverLayer()),
    Layer.provideMerge(simulatorLayer({ tokens: [token], ...options.simulator })),
    Layer.orDie
  )

/** A simulator with one cluster, whose system pool is of one node. */
export const world = (tier: "standard" | "enterprise" = "standard") => Effect.map(LinodeSimulator, ({ api, cloud }) => {
  const cluster = cloud.addCluster({ label: "demo", region: "us-ord", tier, systemPool: { type: "g6-standard-2", count: 1 } })
  return { api, cloud, cluster, systemPool: cloud.poolsOf(cluster)[0]! }
})

export const pool = { type: "g6-standard-4", count: 1, labels: {}, taints: [], tags: [] } as const
