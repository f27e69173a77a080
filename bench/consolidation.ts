/** What fleets cost once nothing more can be consolidated, ours and the rival's; pods moved for it, and time. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { consolidate, consolidating } from "../src/scheduling/consolidation/consolidate.ts"
import type { ConsolidationProblem } from "../src/scheduling/consolidation/contract.ts"
import { untilStable } from "../src/scheduling/consolidation/untilStable.ts"
import type { ExistingNode, Pod, Problem } from "../src/scheduling/index.ts"
import { subtractResources } from "../src/scheduling/index.ts"
import { fleet, linodeTypes } from "../test/scheduling/consolidation/fleet.ts"
import { peerOf } from "./peer.ts"
import type { Section } from "./results.ts"
import { machine, median, table } from "./results.ts"
import type { Rival, RivalNode } from "./rival.ts"
import { provideRival, rivalMethods } from "./rival.ts"

/** What the nodes there are of; about 20 pods fit on one that is half full. */
const among = ["g6-standard-8", "g6-standard-6", "g6-standard-4", "g6-dedicated-8", "g6-dedicated-4", "g6-standard-2"]
const cpu = [50, 100, 150, 250]
const memory = [64, 128, 256, 512]

/** The largest is asked for its first command alone. */
const sizes = [50, 200, 1000]
const largest = 5000

const capacityType = "karpenter.sh/capacity-type"

/** The rival gives replacements spot as their capacity type where their NodePool leaves it open, though there is none to be had. */
const nodePools = [{
  metadata: { name: "default" },
  spec: { template: { spec: { requirements: [{ key: capacityType, operator: "In" as const, values: ["on-demand"] }] } } }
}]

const fleetOf = (nodes: number, seed: number, immovable: number): ConsolidationProblem => {
  const all = linodeTypes()
  const types = among.flatMap((name) => all.find((type) => type.name === name) ?? [])
  return { ...fleet({ nodes, seed, immovable, among, nodePools, types, cpu, memory }), instanceTypes: { default: all } }
}

/** What was reached, and what it took. */
interface Reached {
  readonly price: number
  readonly rounds: number
  readonly moved: number
  readonly saved: number
  readonly firstMs: number
}

interface Row {
  readonly nodes: number
  readonly pods: number
  readonly seed: number
  readonly immovable: number
  readonly before: number
  /** Nothing that may be done costs less: nodes that stay are paid for, and each pod costs what it costs at least. */
  readonly bound: number
  readonly ours: Reached
  readonly rival: Reached
}

const priceOf = ({ instanceTypes }: Problem, { labels }: ExistingNode): number => instanceTypes["default"]!
  .find(({ name }) => name === labels["node.kubernetes.io/instance-type"])!.offerings[0]!.price

const total = (problem: Problem): number => problem.nodes.reduce((sum, node) => sum + priceOf(problem, node), 0)

const ourEnd = (given: ConsolidationProblem): Reached & { readonly bound: number } => {
  const begin = performance.now()
  consolidate(given)
  const firstMs = performance.now() - begin
  const { disruptions, totals } = untilStable(given)
  const fixed = total(given) - totals.before.hourlyPrice
  return {
    price: totals.after.hourlyPrice + fixed,
    rounds: disruptions.length,
    moved: disruptions.reduce((sum, { podsMoved }) => sum + podsMoved, 0),
    saved: totals.before.hourlyPrice - totals.after.hourlyPrice,
    firstMs,
    bound: Math.max(fixed, totals.after.lowerBound)
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
const rivalEnd = async (rival: Rival, given: ConsolidationProblem, dir: string): Promise<Reached> => {
  const server = rival.serve(1)
  const may = new Set(given.candidates.map(({ node }) => node))
  const held = new Set(given.nodes.map(({ name }) => name).filter((name) => !may.has(name)))
  let state: Problem = given
  let [moved, rounds, firstMs] = [0, 0, 0]
  for (;;) {
    const peer = peerOf(state)
    const file = join(dir, "fleet.json")
    writeFileSync(file, JSON.stringify({
      ...peer,
      nodes: (peer.nodes ?? []).map((node) => held.has(node.metadata.name)
        ? { ...node, metadata: { ...node.metadata, annotations: { "karpenter.sh/do-not-disrupt": "true" } } }
        : node)
    }))
    const answer = await rival.consolidate(file)
    if (rounds === 0) {
      firstMs = rivalMethods.reduce((sum, method) => sum + (answer[method].setupNs + answer[method].elapsedNs) / 1e6, 0)
    }
    const command = rivalMethods.flatMap((method) => answer[method].commands)[0]
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
  return { price: total(state), rounds, moved, saved: total(given) - total(state), firstMs }
}

const podsIn = ({ nodes }: Problem): number => nodes.reduce((sum, { pods }) => sum + pods.length, 0)

/** Ours alone, on a cluster of the greatest size. */
const firstCommand = (maxPods: number): string => {
  const given = fleetOf(largest, 1, 0)
  const pods = podsIn(given)
  if (pods > maxPods) return ""
  const begin = performance.now()
  const search = consolidating(given)
  let longest = 0
  for (;;) {
    const from = performance.now()
    const { done } = search.next()
    longest = Math.max(longest, performance.now() - from)
    if (done === true) break
  }
  return `${largest.toLocaleString("en")} nodes with ${pods.toLocaleString("en")} pods: a decision after ` +
    `${((performance.now() - begin) / 1000).toFixed(1)} s, and nobody else waited longer than ${longest.toFixed(0)} ms for a turn.`
}

const per = ({ moved, saved }: Reached): string => saved > 0 ? (moved / saved).toFixed(1) : "–"

const cells = ({ before, bound: least, immovable, nodes, ours, pods, rival, seed }: Row): ReadonlyArray<string> => [
  nodes.toLocaleString("en"), pods.toLocaleString("en"), immovable === 0 ? "" : `${immovable * 100} %`, String(seed),
  before.toFixed(2), least.toFixed(2), (rival.price / least).toFixed(3), (ours.price / least).toFixed(3),
  String(rival.rounds), String(ours.rounds), per(rival), per(ours), rival.firstMs.toFixed(0), ours.firstMs.toFixed(0)
]

const mean = (values: ReadonlyArray<number>): string => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3)

/** So many seeds are taken for each size and kind, at most three; of 1,000 nodes, one. Larger fleets than `maxPods` are left out. */
export const consolidation = async (seeds: number, maxPods: number): Promise<Section> => {
  const provided = await provideRival()
  const dir = mkdtempSync(join(tmpdir(), "karpenter-consolidation-"))
  const rows: Array<Row> = []
  for (const nodes of sizes) {
    for (const immovable of [0, 0.2]) {
      for (let seed = 1; seed <= (nodes < 1000 ? Math.min(3, seeds) : 1); seed++) {
        const given = fleetOf(nodes, seed, immovable)
        const pods = podsIn(given)
        if (pods > maxPods) continue
        const rival = await rivalEnd(provided, given, dir)
        const { bound: least, ...ours } = ourEnd(given)
        const row = { nodes, pods, seed, immovable, before: total(given), bound: least, ours, rival }
        rows.push(row)
        process.stderr.write(`${cells(row).join(" ")}\n`)
      }
    }
  }
  rmSync(dir, { recursive: true })
  const free = rows.filter(({ immovable }) => immovable === 0)
  const dearer = rows.filter(({ ours, rival }) => ours.price > rival.price + 1e-9).length
  const greatest = rows.at(-1)?.nodes ?? 0
  return {
    title: "Consolidation",
    text: [
      `${machine()}, load ${loadavg()[0]!.toFixed(1)}. Fleets of Linodes that are 10 to 80 % full, at Linode's prices, until no ` +
      "command is found any more; in some, 20 % of the nodes may not go. Prices at that point are multiples of a bound below which " +
      "nothing can be. The rival is Karpenter's empty, multi and single node consolidation, whichever acts first, with pods where its " +
      "own scheduler puts them. Goal: never above the rival's, on average at most 1.10 where every node may go.",
      "",
      table([
        "nodes", "pods", "may not go", "seed", "before, $/h", "bound, $/h", "rival", "ours", "rival: commands", "ours",
        "rival: pods moved per $/h", "ours", "rival: first decision, ms", "ours"
      ], rows.map(cells)),
      "",
      `Mean where every node may go: rival ${mean(free.map(({ bound: least, rival }) => rival.price / least))}, ours ` +
      `${mean(free.map(({ bound: least, ours }) => ours.price / least))}. Dearer than the rival's: ${dearer} of ${rows.length}. ` +
      `Median first decision at ${greatest.toLocaleString("en")} nodes: ours ` +
      `${median(rows.filter(({ nodes }) => nodes === greatest).map(({ ours }) => ours.firstMs)).toFixed(0)} ms.`,
      "",
      firstCommand(maxPods)
    ].join("\n").trim()
  }
}
