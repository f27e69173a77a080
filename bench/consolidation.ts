/** What fleets cost once nothing more can be consolidated, ours and the rival's; pods moved for it, and time. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { consolidating } from "../src/scheduling/consolidation/consolidate.ts"
import type { Consolidation, ConsolidationProblem } from "../src/scheduling/consolidation/contract.ts"
import { afterwards, untilStable } from "../src/scheduling/consolidation/untilStable.ts"
import type { ExistingNode, Pod, Problem } from "../src/scheduling/index.ts"
import { subtractResources } from "../src/scheduling/index.ts"
import { fleet, linodeTypes } from "../test/scheduling/consolidation/fleet.ts"
import { peerOf } from "./peer.ts"
import type { Section } from "./results.ts"
import { machine, median, table } from "./results.ts"
import type { Rival, RivalMethod, RivalNode } from "./rival.ts"
import { provideRival, rivalMethods } from "./rival.ts"

/** What the nodes there are of; about 20 pods fit on one that is half full. */
const among = ["g6-standard-8", "g6-standard-6", "g6-standard-4", "g6-dedicated-8", "g6-dedicated-4", "g6-standard-2"]
const cpu = [50, 100, 150, 250]
const memory = [64, 128, 256, 512]

const sizes = [50, 200, 1000]
const mostSeeds = [2, 2, 1]

/** It is asked for its first command alone. */
const largest = 5000
/** Smaller pods, so that there are twenty to a node. */
const cpuInLargest = [50, 100, 100, 150]

/** When the rival is stopped, at rest or not, in milliseconds: at 1,000 nodes it would need a good part of an hour. */
const mostMs = 150_000

const capacityType = "karpenter.sh/capacity-type"

/** The rival gives replacements spot as their capacity type where their NodePool leaves it open, though there is none to be had. */
const nodePools = [{
  metadata: { name: "default" },
  spec: { template: { spec: { requirements: [{ key: capacityType, operator: "In" as const, values: ["on-demand"] }] } } }
}]

const fleetOf = (nodes: number, seed: number, immovable: number, cpuOfPods = cpu): ConsolidationProblem => {
  const all = linodeTypes()
  const types = among.flatMap((name) => all.find((type) => type.name === name) ?? [])
  return { ...fleet({ nodes, seed, immovable, among, nodePools, types, cpu: cpuOfPods, memory }), instanceTypes: { default: all } }
}

/** What was reached, and what it took. */
interface Reached {
  readonly price: number
  readonly rounds: number
  readonly moved: number
  readonly saved: number
  readonly firstMs: number
  /** Of all decisions, the last included, which finds nothing. */
  readonly ms: number
}

/** Ours is asked till it finds nothing. */
interface AtRest extends Reached {
  /** The last decision, with the reasons why nodes stay. */
  readonly restMs: number
  readonly longestMs: number
}

interface Row {
  readonly nodes: number
  readonly pods: number
  readonly seed: number
  readonly immovable: number
  readonly before: number
  /** Nothing that may be done costs less: nodes that stay are paid for, and each pod costs what it costs at least. */
  readonly bound: number
  readonly ours: AtRest
  /** `isCut`: it was stopped before it came to rest. */
  readonly rival: Reached & { readonly isCut: boolean }
}

const priceOf = ({ instanceTypes }: Problem, { labels }: ExistingNode): number => instanceTypes["default"]!
  .find(({ name }) => name === labels["node.kubernetes.io/instance-type"])!.offerings[0]!.price

const total = (problem: Problem): number => problem.nodes.reduce((sum, node) => sum + priceOf(problem, node), 0)

interface Decided {
  readonly answer: Consolidation
  readonly ms: number
  /** The longest that nobody else had a turn: what the processor worked, whatever else the machine does. */
  readonly longestMs: number
}

const workedMs = (): number => process.threadCpuUsage().user / 1000

const decide = (given: ConsolidationProblem): Decided => {
  const begin = performance.now()
  const search = consolidating(given)
  let longestMs = 0
  for (let from = workedMs();;) {
    const { done, value } = search.next()
    const now = workedMs()
    longestMs = Math.max(longestMs, now - from)
    from = now
    if (done === true) return { answer: value, ms: performance.now() - begin, longestMs }
  }
}

const ourEnd = (given: ConsolidationProblem): AtRest & { readonly bound: number } => {
  const first = decide(given)
  let state: ConsolidationProblem = { ...given, consolidation: { explain: false } }
  let [moved, rounds, ms, longestMs] = [0, 0, 0, first.longestMs]
  for (;;) {
    const decided = decide(state)
    ms += decided.ms
    longestMs = Math.max(longestMs, decided.longestMs)
    const { answer: { command } } = decided
    if (command === undefined) break
    moved += command.podsMoved
    state = afterwards(state, command, ++rounds)
  }
  const rest = decide({ ...state, consolidation: {} })
  return {
    price: total(state), rounds, moved, saved: total(given) - total(state), firstMs: first.ms, ms, restMs: rest.ms,
    longestMs: Math.max(longestMs, rest.longestMs),
    bound: Math.max(total(given) - first.answer.totals.before.hourlyPrice, first.answer.totals.after.lowerBound)
  }
}

const bound = (pods: ReadonlyArray<Pod>, nodeName: string): ReadonlyArray<Pod> =>
  pods.map((pod) => ({ ...pod, spec: { ...pod.spec, nodeName } }))

const launched = ({ instanceTypes }: Problem, { cheapest }: RivalNode, name: string, pods: ReadonlyArray<Pod>): ExistingNode => {
  const type = instanceTypes["default"]!.find((one) => one.name === cheapest?.instanceType)
  if (type === undefined || cheapest === null) throw new Error(`the rival replaces nodes by one that nobody sells (${name})`)
  return {
    name,
    nodePool: "default",
    labels: {
      ...type.labels, "kubernetes.io/hostname": name, "karpenter.sh/nodepool": "default",
      "node.kubernetes.io/instance-type": type.name, "topology.kubernetes.io/zone": cheapest.zone, [capacityType]: cheapest.capacityType
    },
    taints: [],
    capacity: type.capacity,
    allocatable: subtractResources(type.capacity, type.overhead ?? {}),
    initialized: true,
    pods: bound(pods, name)
  }
}

/** Each of the rival's commands in its turn, pods where its own scheduler puts them, until no method of its has one. */
const rivalEnd = async (rival: Rival, given: ConsolidationProblem, dir: string): Promise<Row["rival"]> => {
  const server = rival.serve(1)
  const may = new Set(given.candidates.map(({ node }) => node))
  const held = new Set(given.nodes.map(({ name }) => name).filter((name) => !may.has(name)))
  let state: Problem = given
  let [moved, rounds, firstMs, ms] = [0, 0, 0, 0]
  const end = performance.now() + mostMs
  let isCut = true
  while (performance.now() < end) {
    const peer = peerOf(state)
    const file = join(dir, "fleet.json")
    writeFileSync(file, JSON.stringify({
      ...peer,
      nodes: (peer.nodes ?? []).map((node) => held.has(node.metadata.name)
        ? { ...node, metadata: { ...node.metadata, annotations: { "karpenter.sh/do-not-disrupt": "true" } } }
        : node)
    }))
    let command: RivalMethod["commands"][number] | undefined
    for (const method of rivalMethods) {
      const { commands, elapsedNs, setupNs } = await rival.consolidate(file, method)
      ms += (setupNs + elapsedNs) / 1e6
      command = commands[0]
      if (command !== undefined) break
    }
    if (rounds === 0) firstMs = ms
    isCut = command !== undefined
    if (command === undefined) break
    rounds++
    const removed = new Set(command.removed)
    const free = state.nodes.filter(({ name }) => removed.has(name)).flatMap(({ pods }) =>
      pods.map((pod) => ({ ...pod, spec: { containers: pod.spec.containers } })))
    moved += free.length
    const left = state.nodes.filter(({ name }) => !removed.has(name))
    const byName = new Map(free.map((pod) => [pod.metadata.name, pod]))
    const podsOf = (names: ReadonlyArray<string>): ReadonlyArray<Pod> => names.map((name) => byName.get(name)!)
    const { runs: [run] } = await server.ask(peerOf({ ...state, nodes: left, pods: free }))
    const made = run!.newNodeClaims
    if (made.length !== command.replacements.length || Object.keys(run!.errors).length > 0) {
      throw new Error("the rival's scheduler does not do what its consolidation was told")
    }
    const placed = new Map(run!.existingNodes.map(({ name, podNames }) => [name, bound(podsOf(podNames), name)]))
    const bought = made.map((node, i) => launched(state, command.replacements[i]!, `r${rounds}-${i}`, podsOf(node.podNames)))
    const stayed = left.map((node) => ({ ...node, pods: [...node.pods, ...placed.get(node.name) ?? []] }))
    state = { ...state, nodes: [...stayed, ...bought] }
  }
  server.close()
  return { price: total(state), rounds, moved, saved: total(given) - total(state), firstMs, ms, isCut }
}

const podsIn = ({ nodes }: Problem): number => nodes.reduce((sum, { pods }) => sum + pods.length, 0)

/** Ours alone, on a cluster of the greatest size. */
const firstCommand = (maxPods: number): string => {
  const given = fleetOf(largest, 1, 0, cpuInLargest)
  const pods = podsIn(given)
  if (pods > maxPods) return ""
  const { answer: { command }, longestMs, ms } = decide(given)
  return `${largest.toLocaleString("en")} nodes with ${pods.toLocaleString("en")} pods: a command to remove ${command?.remove.length ?? 0} ` +
    `nodes, and why each of the others stays, after ${(ms / 1000).toFixed(1)} s; nobody else waited for more than ${longestMs.toFixed(0)} ms ` +
    "of work."
}

const per = (amount: number, { saved }: Reached): string => saved > 0 ? (amount / saved).toFixed(1) : "–"

const cells = ({ before, bound: least, immovable, nodes, ours, pods, rival, seed }: Row): ReadonlyArray<string> => [
  nodes.toLocaleString("en"), pods.toLocaleString("en"), immovable === 0 ? "" : `${immovable * 100} %`, String(seed),
  before.toFixed(2), least.toFixed(2), (rival.price / least).toFixed(3), (ours.price / least).toFixed(3),
  `${rival.rounds}${rival.isCut ? "+" : ""}`, String(ours.rounds), per(rival.moved, rival), per(ours.moved, ours),
  per(rival.ms, rival), per(ours.ms, ours), rival.firstMs.toFixed(0), ours.firstMs.toFixed(0), ours.restMs.toFixed(0), ours.longestMs.toFixed(0)
]

const mean = (values: ReadonlyArray<number>): string => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3)

/** Fleets larger than `maxPods` are left out; at most `seeds` of each size and kind are taken. */
export const consolidation = async (seeds: number, maxPods: number): Promise<Section> => {
  const provided = await provideRival()
  const dir = mkdtempSync(join(tmpdir(), "karpenter-consolidation-"))
  const rows: Array<Row> = []
  // A controller has done this before: what is measured is the code once it is warm.
  for (const seed of [101, 102]) untilStable(fleetOf(200, seed, 0))
  for (const [at, nodes] of sizes.entries()) {
    for (const immovable of [0, 0.2]) {
      for (let seed = 1; seed <= Math.min(mostSeeds[at]!, seeds); seed++) {
        const given = fleetOf(nodes, seed, immovable)
        const pods = podsIn(given)
        if (pods > maxPods) continue
        const { bound: least, ...ours } = ourEnd(given)
        const rival = await rivalEnd(provided, given, dir)
        const row = { nodes, pods, seed, immovable, before: total(given), bound: least, ours, rival }
        rows.push(row)
        process.stderr.write(`${cells(row).join(" ")}\n`)
      }
    }
  }
  rmSync(dir, { recursive: true })
  const free = rows.filter(({ immovable }) => immovable === 0)
  // The first commands save most for a move: who is stopped seems to move less.
  const rested = rows.filter(({ rival }) => !rival.isCut)
  const dearer = rows.filter(({ ours, rival }) => ours.price > rival.price + 1e-9).length
  const meanOf = (of: (row: Row) => number, among = rows): string => mean(among.map(of))
  return {
    title: "Consolidation",
    text: [
      `${machine()}, load ${loadavg()[0]!.toFixed(1)}. Fleets of Linodes that are 10 to 80 % full, at Linode's prices, until no ` +
      "command is found any more; in some, 20 % of the nodes may not go. Prices at that point are multiples of a bound below which " +
      "nothing can be. The rival is Karpenter's empty, multi and single node consolidation, whichever acts first, with pods where its " +
      `own scheduler puts them; with a + it was stopped after ${mostMs / 1000} s, before it came to rest, and its figures are of what it ` +
      "had done by then. Time is that of all decisions, the last one included, which finds nothing. Goal: never dearer than the rival, on " +
      "average at most 1.10 where every node may go; no more pods moved for a dollar; a twentieth of its time for a dollar; a decision " +
      "within 1 s, and nobody kept waiting for more than 50 ms of work.",
      "",
      table([
        "nodes", "pods", "may not go", "seed", "before, $/h", "bound, $/h", "rival", "ours", "rival: commands", "ours",
        "rival: pods moved per $/h", "ours", "rival: ms per $/h", "ours", "rival: first decision, ms", "ours", "ours at rest", "longest turn, ms"
      ], rows.map(cells)),
      "",
      `Mean where every node may go: rival ${meanOf(({ bound: least, rival }) => rival.price / least, free)}, ours ` +
      `${meanOf(({ bound: least, ours }) => ours.price / least, free)}. Dearer than the rival's: ${dearer} of ${rows.length}. ` +
      `Pods moved per dollar an hour on average, where the rival came to rest: rival ` +
      `${meanOf(({ rival }) => rival.moved / rival.saved, rested)}, ours ${meanOf(({ ours }) => ours.moved / ours.saved, rested)}. Median of how many times more time the rival takes for a dollar: ` +
      `${median(rows.map(({ ours, rival }) => rival.ms / rival.saved / (ours.ms / ours.saved))).toFixed(0)}.`,
      "",
      firstCommand(maxPods)
    ].join("\n").trim()
  }
}
