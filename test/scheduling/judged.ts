/** Plans of small problems, judged before anything is said about them. */
import { assert } from "@effect/vitest"
import type {
  ExistingNode, InstanceType, Labels, Plan, Pod, PodAffinityTerm, PodSpec, SpreadConstraint
} from "../../src/scheduling/index.ts"
import { solve } from "../../src/scheduling/index.ts"
import { node, pod, problem } from "./build.ts"
import { violations } from "./checker.ts"
import { valueOf, worldOf } from "./checker/world.ts"

type Parts = Parameters<typeof problem>[0]

export const zone = "topology.kubernetes.io/zone"
export const hostname = "kubernetes.io/hostname"
export const capacityType = "karpenter.sh/capacity-type"
export const typeLabel = "node.kubernetes.io/instance-type"
export const inValues = (key: string, ...values: ReadonlyArray<string>) => ({ key, operator: "In", values })

/** Sizes of 2, 4, 8 and 16 CPUs in these zones. */
export const zoned = (...zones: ReadonlyArray<string>): ReadonlyArray<InstanceType> => [2, 4, 8, 16].map((cpu) => ({
  name: `c${cpu}`,
  capacity: { cpu, memory: `${cpu * 2}Gi`, pods: 110 },
  offerings: zones.map((name) => ({ zone: name, capacityType: "on-demand", price: cpu / 100 }))
}))

export const abc = zoned("a", "b", "c")

/** A node in a zone, of 8 CPUs, with these pods; full where it says so. */
export const at = (name: string, where: string, on: ReadonlyArray<Pod> = [], extra: Partial<ExistingNode> = {}): ExistingNode =>
  node(name, 8, 16, { labels: { [hostname]: name, [zone]: where }, pods: on, ...extra })

/** A node that takes nobody: what runs there counts, and that is all. */
export const closed = (name: string, where: string, on: ReadonlyArray<Pod>, labels: Labels = {}): ExistingNode =>
  node(name, 8, 16, {
    labels: { [hostname]: name, [zone]: where, ...labels }, pods: on, allocatable: { cpu: 8, memory: "16Gi", pods: on.length }
  })

export const running = (name: string, labels: Labels, spec: Partial<PodSpec> = {}): Pod =>
  pod(name, { cpu: "100m" }, { ...spec, labels })

export const web = { matchLabels: { app: "web" } }

type Kind = "podAffinity" | "podAntiAffinity"

export const requires = (kind: Kind, topologyKey: string, extra: Partial<PodAffinityTerm> = {}): Partial<PodSpec> => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: web, ...extra }] } }
})

export const spread = (topologyKey: string, extra: Partial<SpreadConstraint> = {}): Partial<PodSpec> => ({
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable: "DoNotSchedule", labelSelector: web, ...extra }]
})

/** The first plan; it and the searched one are legal. */
export const judged = (parts: Parts): Plan => {
  const given = problem(parts)
  const { first, improve } = solve(given)
  assert.deepStrictEqual(violations(given, first), [])
  assert.deepStrictEqual(violations(given, improve({ steps: 20 })), [])
  return first
}

/**
 * The pods of a judged plan by domain: under the value that their node has for certain, `open` where it may have several, and
 * `nowhere` for those left out.
 */
export const placesBy = (key: string, parts: Parts): Readonly<Record<string, string>> => {
  const given = problem(parts)
  const plan = judged(parts)
  const out = new Map<string, Array<string>>()
  const add = (where: string, name: string): void => void out.set(where, [...(out.get(where) ?? []), name])
  for (const spot of worldOf(given, plan).spots) {
    for (const { metadata } of spot.placed) add(valueOf(spot, key) ?? "open", metadata.name)
  }
  for (const { pod: { name } } of plan.unschedulable) add("nowhere", name)
  return Object.fromEntries([...out].map(([where, names]) => [where, names.sort().join(" ")]))
}

/** As `placesBy`, how many. */
export const countsBy = (key: string, parts: Parts): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(placesBy(key, parts)).map(([where, names]) => [where, names.split(" ").length]))

/** The reasons that the pods left out are told. */
export const reasonsOf = (parts: Parts): ReadonlyArray<string> =>
  judged(parts).unschedulable.flatMap(({ pod: { name }, reasons }) => reasons.map(({ reason }) => `${name}: ${reason}`))
