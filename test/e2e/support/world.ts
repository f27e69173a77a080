/**
 * One scenario's world: the shared real cluster, a Linode of its own with an LKE cluster in it, whose nodes join the real
 * API server as kwok nodes, the charts installed by Helm, and the controller as a process.
 */
import { Effect, Layer, ManagedRuntime } from "effect"
import { createServer } from "node:net"
import { inject } from "vitest"
import { loadKubeConfig } from "../../../src/kube/kubeconfig.ts"
import type { Kube } from "../../../src/kube/kube.ts"
import * as live from "../../../src/kube/live.ts"
import { joining } from "../../../src/simulator/kubernetes/joining.ts"
import type { LinodeApi } from "../../../src/simulator/linode/linodeApi.ts"
import type { LinodeCloud } from "../../../src/simulator/linode/linodeCloud.ts"
import * as simulator from "../../../src/simulator/linode/linodeSimulator.ts"
import { LinodeServer, layer as serverLayer } from "../../../src/simulator/linode/server.ts"
import type { Delays, SimulatedCluster, Tier } from "../../../src/simulator/linode/world.ts"
import type { Node, Pod } from "../../../src/kube/objects.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { makeCli, until, writeKubeconfig } from "./cli.ts"
import type { Cli } from "./cli.ts"
import { systemAgents } from "./manifests.ts"
import { fromChart, startController } from "./controllerProcess.ts"
import type { Running } from "./controllerProcess.ts"

export const namespace = "kube-system"
export const token = "e2e-token-that-must-never-be-seen"

export interface World extends Cli {
  readonly cloud: LinodeCloud
  readonly api: LinodeApi
  readonly cluster: SimulatedCluster
  readonly url: string
  /** Runs as an admin of the real API server. */
  readonly asAdmin: <A, E>(effect: Effect.Effect<A, E, Kube>) => Promise<A>
  /** The walk-through's two installs, word for word but for where Linode is. */
  readonly install: () => Promise<void>
  /** Starts the controller with what the installed chart gives it; `env` on top. */
  readonly start: (env?: Readonly<Record<string, string>>) => Promise<Running>
  /** The environment that `start` uses. */
  readonly environment: () => Promise<Record<string, string>>
  readonly pods: (app: string) => Promise<ReadonlyArray<Pod>>
  readonly running: (app: string, count: number, seconds?: number) => Promise<ReadonlyArray<Pod>>
  readonly nodes: () => Promise<ReadonlyArray<Node>>
  readonly claims: () => Promise<ReadonlyArray<NodeClaim>>
  /** Linodes that were bought and not given back. */
  readonly alive: () => ReadonlyArray<{ readonly node: string; readonly type: string }>
  /** Linodes ever bought. */
  readonly bought: () => ReadonlyArray<{ readonly node: string; readonly type: string }>
  /** Removes workloads, then waits until every Linode has been given back and every claim is gone. */
  readonly giveBack: (seconds?: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Minutes of real life in a second or two. */
const quick: Delays = { assign: [200, 400], boot: [100, 200], run: [100, 300], join: [1_000, 2_000], populate: [1_000, 2_000], vanish: [200, 500] }

export const freePorts = async (): Promise<readonly [number, number]> => {
  const open = () => new Promise<ReturnType<typeof createServer>>((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => done(server))
  })
  const servers = [await open(), await open()] as const
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return [ports[0]!, ports[1]!]
}

let worlds = 0

export interface WorldOptions {
  /** How the chart is told to buy machines; lke where nothing is said. */
  readonly mode?: "lke" | "instance"
  readonly tier?: Tier
  readonly delays?: Partial<Delays>
}

export const openWorld = async (options: WorldOptions = {}): Promise<World> => {
  const shared = inject("kubernetes")
  const cli = makeCli(shared)
  const kube = Layer.unwrap(Effect.map(
    loadKubeConfig({ env: { KUBECONFIG: shared.kubeconfig } }),
    (config) => live.layerOf(config, { qps: 1000, burst: 2000 })
  ))
  // No node is called as one of a world before: kwok may go on to end one that it saw deleted, and its heartbeats stop.
  const seed = process.pid * 100 + ++worlds
  const cloudLayer = simulator.layer({ tokens: [token], delays: { ...quick, ...options.delays }, rateLimits: "none", seed })
  const runtime = ManagedRuntime.make(Layer.mergeAll(serverLayer().pipe(Layer.provideMerge(cloudLayer)), kube))
  const { cloud, api } = await runtime.runPromise(simulator.LinodeSimulator)
  const { url } = await runtime.runPromise(LinodeServer)
  const label = `e2e-${worlds}-${process.pid}`
  const cluster = cloud.addCluster({
    label, region: "us-ord", tier: options.tier ?? "standard", systemPool: { type: "g6-standard-1", count: 3 }
  })
  runtime.runFork(joining({
    cloud,
    annotations: { "kwok.x-k8s.io/node": "fake" },
    delays: { provider: 200, ready: 500, labels: 800, removal: 300 }
  }))
  const controllers = new Set<Running>()

  const environment = async (): Promise<Record<string, string>> => {
    const { env, serviceAccount } = await fromChart(cli, namespace)
    const bearer = (await cli.kubectl("create", "token", serviceAccount, "-n", namespace, "--duration=2h")).trim()
    return {
      ...env,
      KUBECONFIG: writeKubeconfig(shared, `controller-${label}`, bearer),
      SYSTEM_NAMESPACE: namespace
    }
  }
  const purchases = () => cloud.purchases.filter((purchase) => !purchase.seeded)
    .map((purchase) => ({ ...purchase, node: purchase.name }))
  const alive = () => purchases().filter((purchase) => purchase.deletedAt === undefined)
  const pods = (app: string) => cli.get<Pod>("pods", "-n", "default", "-l", `app=${app}`)
  const claims = () => cli.get<NodeClaim>("nodeclaims")

  const world: World = {
    ...cli, cloud, api, cluster, url, environment, pods, claims, alive,
    asAdmin: (effect) => runtime.runPromise(effect),
    install: async () => {
      await cli.apply([systemAgents])
      await until("the system nodes and what runs on them", async () => {
        // Those of the world before stay for a minute: nobody but the garbage collector ends pods of nodes that are gone.
        const own = new Set<string | undefined>(cloud.poolsOf(cluster).flatMap(({ nodes }) => nodes.map(({ name }) => name)))
        const agents = (await cli.get<Pod>("pods", "-n", namespace, "-l", "app=system-agents")).filter(({ spec }) => own.has(spec.nodeName))
        return agents.length === 3 && agents.every((pod) => pod.status?.phase === "Running")
      }, 120)
      await cli.helm("upgrade", "--install", "--namespace", namespace, "--create-namespace", "karpenter-crd", "charts/karpenter-crd")
      await cli.helm(
        "upgrade", "--install", "--namespace", namespace, "--create-namespace", "karpenter", "charts/karpenter",
        "--set", `settings.clusterName=${label}`, "--set", `apiToken=${token}`, "--set", `apiURL=${url}`,
        ...options.mode === "instance" ? ["--set", "settings.mode=instance", "--set", "region=us-ord"] : [], "--wait", "--timeout", "120s"
      )
    },
    start: async (env = {}) => {
      const running = await startController({ ...await environment(), ...env }, await freePorts())
      controllers.add(running)
      return running
    },
    running: (app, count, seconds = 90) => until(`${count} running pods of ${app}`, async () => {
      const all = await pods(app)
      return all.length === count && all.every((pod) => pod.status?.phase === "Running") && all
    }, seconds),
    nodes: async () => await cli.get<Node>("nodes", "-l", "karpenter.sh/nodepool"),
    bought: purchases,
    giveBack: async (seconds = 120) => {
      await cli.kubectl("delete", "deployments", "--all", "-n", "default", "--wait=false")
      await until("every Linode to be given back", async () =>
        alive().length === 0 && (await claims()).length === 0 && (await world.nodes()).length === 0, seconds)
    },
    close: async () => {
      for (const each of controllers) if (each.process.exitCode === null && each.process.signalCode === null) await each.kill()
      await cli.kubectl("delete", "deployments", "--all", "-n", "default", "--wait=false")
      for (const kind of ["nodepools", "nodeclaims", "linodenodeclasses", "nodes"]) {
        // Nobody is left to take finalizers off.
        const names = (await cli.kubectl("get", kind, "-o", "name").catch(() => "")).split("\n").filter((name) => name !== "")
        for (const name of names) {
          await cli.kubectl("delete", name, "--wait=false", "--ignore-not-found")
          await cli.kubectl("patch", name, "--type=merge", "-p", "{\"metadata\":{\"finalizers\":null}}").catch(() => "")
        }
      }
      await runtime.dispose()
    }
  }
  return world
}
