/**
 * `karpenter-linode demo`: the real controller with the real Linode client against an API server in memory and a simulated
 * Linode on loopback HTTP, sped up, so that a scale-up and a scale-down can be watched in under a minute.
 */
import { Clock, Duration, Effect, Layer, Redacted, Schema } from "effect"
import { crds } from "../apis/crds.ts"
import { NodeClaims } from "../apis/nodeClaim.ts"
import { allControllers } from "../controllers/all.ts"
import { CacheLoops } from "../kube/cacheLayer.ts"
import { Kube } from "../kube/kube.ts"
import type { Pod } from "../kube/objects.ts"
import { Nodes, Pods } from "../kube/resources.ts"
import * as memory from "../kube/memory/layer.ts"
import * as liveLinode from "../linode/live.ts"
import * as log from "../runtime/log.ts"
import * as metrics from "../runtime/metrics.ts"
import { load } from "../settings/load.ts"
import { Settings } from "../settings/settings.ts"
import * as fastClock from "../simulator/fastClock.ts"
import { joining } from "../simulator/kubernetes/joining.ts"
import { kubelets } from "../simulator/kubernetes/kubelets.ts"
import { scheduler } from "../simulator/kubernetes/scheduler.ts"
import { workloads } from "../simulator/kubernetes/workloads.ts"
import type { LinodeCloud } from "../simulator/linode/linodeCloud.ts"
import * as simulator from "../simulator/linode/linodeSimulator.ts"
import { LinodeServer, layer as serverLayer } from "../simulator/linode/server.ts"
import { services } from "./controller.ts"
import { dollars } from "./demo/picture.ts"
import { isClean, makeReport, reportLines } from "./demo/report.ts"
import { isOurs, isRunning, look, newEvents } from "./demo/scene.ts"
import type { Happening } from "./demo/scene.ts"
import { lines, silent, terminal } from "./demo/screen.ts"
import type { Output, Screen } from "./demo/screen.ts"
import { DemoFailed, story } from "./demo/story.ts"

/** Slower than this the story does not end within a minute; faster, this process cannot keep up. */
const slowest = 10
const fastest = 200

export const help = `karpenter-linode demo [--speed N] [--output text|json]

  --speed N       how many times faster than real time, ${slowest} to ${fastest} (default 60)
  --output json   print one JSON object as the last line instead of a picture

Needs no cluster and no token, and reaches nothing but this machine. Ends with 0 when every pod ran and every Linode
was given back.
`

class DemoUsage extends Schema.TaggedError<DemoUsage>()("DemoUsage", { detail: Schema.String }) {
  override get message(): string {
    return `${this.detail}\n\n${help}`
  }
}

interface Options {
  readonly speed: number
  readonly output: "text" | "json"
}

const parse = (args: ReadonlyArray<string>): Effect.Effect<Options, DemoUsage> => Effect.gen(function*() {
  let options: Options = { speed: 60, output: "text" }
  const words = args.flatMap((arg) => /^--[a-z]+=/.test(arg) ? [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)] : [arg])
  for (let i = 0; i < words.length; i += 2) {
    const [flag, value] = [words[i]!, words[i + 1]]
    if (flag === "--speed" && value !== undefined && Number(value) >= slowest && Number(value) <= fastest) options = { ...options, speed: Number(value) }
    else if (flag === "--output" && (value === "text" || value === "json")) options = { ...options, output: value }
    else if (flag === "--speed") return yield* new DemoUsage({ detail: `--speed: found ${JSON.stringify(value ?? "")}, expected a number from ${slowest} to ${fastest}` })
    else if (flag === "--output") return yield* new DemoUsage({ detail: `--output: found ${JSON.stringify(value ?? "")}, expected text or json` })
    else return yield* new DemoUsage({ detail: `${flag}: unknown argument` })
  }
  return options
})

/** In real time; the default speed needs about half of it. */
const longest = 55_000

const clusterName = "demo"
const token = "demo-token"

/** What every LKE cluster runs on its first node already, so that there is no room for inflate on it. */
const systemPod = (nodeName: string): Pod => ({
  metadata: { name: "coredns", namespace: "kube-system" },
  spec: { nodeName, containers: [{ name: "coredns", resources: { requests: { cpu: "300m" } } }] },
  status: { phase: "Running" }
})

/** Remembers, look by look, what the report needs. */
const makeLedger = () => {
  const owned = new Set<string>()
  const waits = new Map<string, number>()
  let mostRunning = 0
  const note = Effect.gen(function*() {
    const kube = yield* Kube
    for (const claim of (yield* kube.list(NodeClaims)).items) if (claim.status?.nodeName !== undefined) owned.add(claim.status.nodeName)
    const running = (yield* kube.list(Pods, { namespace: "default" })).items.filter(isRunning)
    mostRunning = Math.max(mostRunning, running.length)
    for (const pod of running) {
      const ready = pod.status?.conditions?.find((condition) => condition.type === "Ready")?.lastTransitionTime
      waits.set(pod.metadata.uid ?? "", (Date.parse(ready ?? "") - Date.parse(pod.metadata.creationTimestamp ?? "")) / 1000)
    }
  })
  return { note, facts: () => ({ owned, waits: [...waits.values()], mostRunning }) }
}

const linodeNews = (cloud: LinodeCloud, began: number, news: Array<Happening>) => Effect.acquireRelease(
  Effect.sync(() => cloud.subscribe(({ kind, node, at }) => {
    const price = () => cloud.purchases.find((purchase) => purchase.name === node.name)?.hourlyPrice ?? 0
    if (kind === "NodeCreated") news.push({ at: at - began, source: "linode", text: `${node.type} ordered: ${node.name}, ${dollars(price())}` })
    if (kind === "InstanceGone") news.push({ at: at - began, source: "linode", text: `${node.name} given back` })
  })),
  (unsubscribe) => Effect.sync(unsubscribe)
)

/** Everything there is, running, and the story played in front of it. Gives the report. */
const play = Effect.fnUntraced(function*(screen: Screen, speed: number) {
  const { api, cloud } = yield* simulator.LinodeSimulator
  const { server } = yield* memory.MemoryApiServer
  const kube = yield* Kube
  const loops = yield* CacheLoops
  const began = yield* Clock.currentTimeMillis
  const [first] = [...cloud.pools.values()].flatMap((pool) => pool.nodes)
  if (first !== undefined) server.create(Pods, systemPod(first.name))

  const news: Array<Happening> = []
  const seen = new Set<string>()
  const ledger = makeLedger()
  yield* linodeNews(cloud, began, news)
  const show = Effect.gen(function*() {
    yield* ledger.note
    news.push(...yield* newEvents(seen, began))
    yield* screen.show(yield* look(cloud, began), news.splice(0))
  })
  const background = Effect.all([
    joining({ cloud }), workloads, scheduler, kubelets, loops.join, allControllers,
    Effect.forever(Effect.andThen(show, Effect.sleep(100 * speed)))
  ], { concurrency: "unbounded", discard: true })
  const told = story({
    say: (text) => Effect.map(Clock.currentTimeMillis, (now) => {
      news.push({ at: now - began, source: "you", text })
    }),
    scene: look(cloud, began).pipe(Effect.provideService(Kube, kube))
  })
  yield* Effect.raceFirst(told, background).pipe(
    Effect.timeoutOrElse({ duration: longest * speed, orElse: () => Effect.fail(new DemoFailed({ detail: "not over after 55 seconds" })) })
  )
  yield* show
  return makeReport({
    ...ledger.facts(),
    cloud,
    nodesLeft: (yield* kube.list(Nodes)).items.filter((node) => isOurs(node.metadata.labels)).length,
    calls: new Map(Object.entries(api.calls()))
  })
}, Effect.scoped)

/** A Linode with one cluster, an API server with the custom resources, and the controllers' services between them. */
const house = (speed: number) => {
  const linode = Layer.unwrap(Effect.map(LinodeServer, ({ url }) =>
    // Ten real seconds: a pause of this process must not look like a reply that was lost.
    liveLinode.layer({ token: Redacted.make(token), baseUrl: url, timeout: Duration.seconds(10 * speed) })))
  const cloud = Layer.effectDiscard(Effect.map(simulator.LinodeSimulator, (simulated) =>
    simulated.cloud.addCluster({ label: clusterName, region: "us-ord", systemPool: { type: "g6-standard-1", count: 1 } })))
  return services.pipe(
    Layer.provideMerge(linode),
    Layer.provideMerge(Layer.merge(serverLayer(), cloud)),
    Layer.provideMerge(simulator.layer({ tokens: [token] })),
    Layer.provideMerge(memory.layerWith({ crds })),
    Layer.provideMerge(metrics.layerQuiet),
    Layer.provideMerge(Layer.effect(Settings, load({ args: [], env: { CLUSTER_NAME: clusterName, LINODE_TOKEN: token } })))
  )
}

const title = (speed: number): string => `karpenter-linode demo: a simulated LKE cluster in us-ord, ${speed} times as fast as in real life`

/** Plays the demo; fails when a pod did not run or something was left behind. */
export const demo = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const { output, speed } = yield* parse(args)
  const { stdout } = process
  const out: Output = {
    write: (text) => stdout.write(text),
    rows: Math.max(16, stdout.rows ?? 40)
  }
  const screen = output === "json" ? silent : stdout.isTTY ? yield* terminal(title(speed), out) : lines(title(speed), out)
  // The picture tells the story; what goes wrong is told beside it.
  const logs = log.layer({ level: "error", commit: "demo", write: (line) => process.stderr.write(`${line}\n`) })
  const report = yield* play(screen, speed).pipe(
    Effect.provide(house(speed).pipe(Layer.provideMerge(Layer.merge(fastClock.layer(speed), logs))))
  )
  yield* screen.close(reportLines(report))
  if (output === "json") yield* Effect.sync(() => stdout.write(`${JSON.stringify(report)}\n`))
  if (!isClean(report)) return yield* new DemoFailed({ detail: "something was bought twice or left behind" })
}, Effect.scoped)
