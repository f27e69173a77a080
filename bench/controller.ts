/**
 * The controller's own figures, measured on the real process: it speaks HTTP to an API server in this process and to the
 * simulated Linode. Durations are those of this machine.
 */
import { Effect, Layer } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { crds } from "../src/apis/crds.ts"
import type { NodeClaim } from "../src/apis/nodeClaim.ts"
import { NodeClaims } from "../src/apis/nodeClaim.ts"
import type { LinodeNodeClass } from "../src/apis/linodeNodeClass.ts"
import { LinodeNodeClasses } from "../src/apis/linodeNodeClass.ts"
import { NodePools } from "../src/apis/nodePool.ts"
import type { NodePool } from "../src/apis/nodePool.ts"
import { Kube } from "../src/kube/kube.ts"
import * as memory from "../src/kube/memory/layer.ts"
import type { ApiServer } from "../src/kube/memory/server.ts"
import type { KubeObject, Pod } from "../src/kube/objects.ts"
import { Pods } from "../src/kube/resources.ts"
import * as simulator from "../src/simulator/linode/linodeSimulator.ts"
import { LinodeServer, layer as serverLayer } from "../src/simulator/linode/server.ts"
import { serveKube } from "../test/support/kubeHttp.ts"
import type { Section } from "./results.ts"
import { machine, median, table } from "./results.ts"

/** Compiled, as the package and the image run it. */
const main = resolve(import.meta.dirname, "../dist/main.js")
const token = "bench-token"

const pod = (name: string, cpu: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "pause", resources: { requests: { cpu } } }] },
  status: {
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", lastTransitionTime: new Date().toISOString() }]
  }
})

/** A pod that kube-scheduler found no node for; the API server takes a status only apart. */
const addPod = (server: ApiServer, name: string, cpu: string): void => {
  const { status, ...rest } = pod(name, cpu)
  server.create(Pods, rest)
  server.patch(Pods, rest.metadata, { status }, { kind: "merge", subresource: "status" })
}

const nodePool = (types: ReadonlyArray<string>): NodePool => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name: "default" },
  spec: {
    template: {
      spec: {
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
        requirements: types.length === 0 ? [] : [{ key: "node.kubernetes.io/instance-type", operator: "In", values: types }]
      }
    }
  }
})

const nodeClass: LinodeNodeClass = { apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name: "default" }, spec: {} }

const isTrue = (object: KubeObject, type: string): boolean =>
  (object as NodePool | NodeClaim).status?.conditions?.some((c) => c.type === type && c.status === "True") === true

const until = (ask: () => boolean) => Effect.promise(async () => {
  const end = Date.now() + 60_000
  while (!ask()) {
    if (Date.now() > end) throw new Error("waited a minute in vain")
    await new Promise((done) => setTimeout(done, 5))
  }
})

const residentMiB = (pid: number): number => Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) / 1024

/** A world with a running controller in it; `use` gets what it needs to drive and watch it. */
const withController = <A>(types: ReadonlyArray<string>, use: (world: {
  readonly server: ApiServer
  readonly api: simulator.LinodeSimulator["Service"]["api"]
  readonly pid: number
  readonly readyMillis: number
}) => Effect.Effect<A>) => Effect.gen(function*() {
  const { server } = yield* memory.MemoryApiServer
  const { api, cloud } = yield* simulator.LinodeSimulator
  const { url } = yield* LinodeServer
  const front = yield* serveKube(yield* Kube)
  cloud.addCluster({ label: "bench", region: "us-ord", systemPool: { type: "g6-standard-1", count: 1 } })
  server.create(LinodeNodeClasses, nodeClass)
  server.create(NodePools, nodePool(types))
  const dir = mkdtempSync(join(tmpdir(), "karpenter-bench-"))
  const kubeconfig = join(dir, "kubeconfig")
  writeFileSync(kubeconfig, JSON.stringify({
    apiVersion: "v1", kind: "Config", "current-context": "bench", contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    clusters: [{ name: "bench", cluster: { server: front.url } }], users: [{ name: "bench", user: { token: "bench" } }]
  }))
  const health = 20_000 + Math.floor(Math.random() * 20_000)
  const began = performance.now()
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, ["--max-semi-space-size=8", main, "controller"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        PATH: process.env["PATH"], HOME: dir, KUBECONFIG: kubeconfig, CLUSTER_NAME: "bench", LINODE_TOKEN: token, LINODE_URL: url,
        HEALTH_PROBE_PORT: String(health), METRICS_PORT: "0", LOG_LEVEL: "error", SEARCH_BUDGET: "0s"
      }
    })),
    (process) => Effect.promise(async () => {
      process.kill("SIGKILL")
      rmSync(dir, { recursive: true, force: true })
    })
  )
  yield* Effect.promise(async () => {
    for (;;) {
      const ready = await fetch(`http://127.0.0.1:${health}/readyz`).then((reply) => reply.status === 200, () => false)
      if (ready) return
      await new Promise((done) => setTimeout(done, 5))
    }
  })
  const readyMillis = performance.now() - began
  yield* until(() => isTrue(server.get(NodePools, { name: "default" }), "Ready"))
  return yield* use({ server, api, pid: child.pid!, readyMillis })
}).pipe(
  Effect.scoped,
  Effect.provide(serverLayer().pipe(
    Layer.provideMerge(simulator.layer({ tokens: [token] })),
    Layer.merge(memory.layerWith({ crds }))
  ))
)

const spread = (values: ReadonlyArray<number>): string => `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}`

const isOrder = ({ method, route }: { readonly method: string; readonly route: string }): boolean =>
  method === "POST" && route.endsWith("/pools")

const waitingPods = 1000
const orderedNodes = 50
const batchIdleMillis = 1000

const reaction = withController([], ({ server, api, pid, readyMillis }) => Effect.gen(function*() {
  for (let i = 0; i < waitingPods; i++) {
    addPod(server, `waiting-${i}`, `${100 + 100 * (i % 10)}m`)
    // The server answers its watches meanwhile, as a real one does.
    if (i % 20 === 0) yield* Effect.sleep("1 millis")
  }
  const last = Date.now()
  yield* until(() => api.log.some(isOrder))
  return { millis: api.log.find(isOrder)!.at - last - batchIdleMillis, readyMillis, loadedMiB: residentMiB(pid) }
}))

const idle = withController([], ({ pid }) => Effect.andThen(Effect.sleep("30 seconds"), Effect.sync(() => residentMiB(pid))))

const purchase = withController(["g6-standard-2"], ({ server, api }) => Effect.gen(function*() {
  for (let i = 0; i < orderedNodes; i++) addPod(server, `big-${i}`, "1500m")
  const launched = () => server.list(NodeClaims, {}).items.filter((claim) => isTrue(claim, "Launched")).length
  yield* until(() => launched() === orderedNodes)
  const changes = api.log.filter(({ method }) => method !== "GET")
  return { changes: changes.length, reads: api.log.length - changes.length }
}))

const measure = (rounds: number) => Effect.gen(function*() {
  const reactions = []
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`round ${i + 1} of ${rounds}\n`)
    reactions.push(yield* reaction)
  }
  process.stderr.write("buying, then idling for 30 s\n")
  const bought = yield* purchase
  const idleMiB = yield* idle
  const millis = reactions.map((each) => each.millis)
  const ready = reactions.map((each) => each.readyMillis)
  const rows = [
    [`Unschedulable (${waitingPods} pods) to the request at Linode, less the batch window of ${batchIdleMillis} ms; without the search for a cheaper plan, which may take 200 ms more by default`, "under 200 ms", `${Math.round(median(millis))} ms`, spread(millis)],
    [`changes sent to Linode for ${orderedNodes} nodes of one type (reads: ${bought.reads})`, "at most 3", String(bought.changes), ""],
    ["resident memory, idle for 30 s", "under 200 MiB", `${Math.round(idleMiB)} MiB`, ""],
    [`resident memory, right after planning for ${waitingPods} pods`, "", `${Math.round(median(reactions.map((each) => each.loadedMiB)))} MiB`, ""],
    ["start of the process to ready", "under 1.5 s", `${Math.round(median(ready))} ms`, spread(ready)]
  ]
  return [
    `${machine()}. Medians of ${rounds} runs, a fresh process each ` +
    "(`node --max-semi-space-size=8 dist/main.js`, as in the image). " +
    "The API server in memory and the simulated Linode share one other process.",
    "",
    table(["what", "goal", "median", "spread"], rows)
  ].join("\n")
})

export const controller = async (runs: number): Promise<Section> =>
  ({ title: "Controller", text: await Effect.runPromise(measure(runs)) })
