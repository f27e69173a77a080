/** Small clusters, written short. */
import { assert } from "@effect/vitest"
import { consolidate } from "../../../src/scheduling/consolidation/consolidate.ts"
import type { Candidate, Consolidation, ConsolidationNode, ConsolidationProblem } from "../../../src/scheduling/consolidation/contract.ts"
import type { InstanceType, Pod } from "../../../src/scheduling/index.ts"
import { node, pod, problem, type } from "../build.ts"
import { objectionsTo } from "./judge.ts"

/** Each holds twice as much as the one before, for twice the price. */
export const [small, medium, large, huge] = [
  type("small", 2, 4, 0.02), type("medium", 4, 8, 0.04), type("large", 8, 16, 0.08), type("huge", 16, 32, 0.16)
]
export const types = [small, medium, large, huge]
export const cpu = (amount: number, name = "p"): Pod => pod(name, { cpu: amount, memory: `${amount}Gi` })
export const many = (prefix: string, count: number, amount: number): ReadonlyArray<Pod> =>
  Array.from({ length: count }, (_, i) => cpu(amount, `${prefix}${i}`))

/** A node of the type, in its first offering, that may go, with these pods. */
export const running = (
  name: string, of: InstanceType, pods: ReadonlyArray<Pod>, extra: Partial<ConsolidationNode> = {}
): ConsolidationNode => {
  const { capacityType, zone } = of.offerings[0]!
  const { labels, ...rest } = extra
  return {
    ...node(name, 0, 0, {
      nodePool: "default", capacity: of.capacity, allocatable: of.capacity, pods,
      labels: {
        ...of.labels, "kubernetes.io/hostname": name, "karpenter.sh/nodepool": "default", "node.kubernetes.io/instance-type": of.name,
        "topology.kubernetes.io/zone": zone, "karpenter.sh/capacity-type": capacityType, ...labels
      }
    }),
    ...rest
  }
}

type Parts = Partial<Omit<ConsolidationProblem, "nodes" | "instanceTypes">> & {
  readonly nodes: ReadonlyArray<ConsolidationNode>
  readonly types: ReadonlyArray<InstanceType>
  /** Names of nodes that may not go. */
  readonly stay?: ReadonlyArray<string>
  /** What is different about some candidates, by node. */
  readonly about?: Readonly<Record<string, Partial<Candidate>>>
}

export const cluster = ({ about = {}, stay = [], ...parts }: Parts): ConsolidationProblem => {
  const priceOf = ({ labels }: ConsolidationNode): number => {
    const type = parts.types.find(({ name }) => name === labels["node.kubernetes.io/instance-type"])!
    return type.offerings.find(({ capacityType, zone }) =>
      capacityType === labels["karpenter.sh/capacity-type"] && zone === labels["topology.kubernetes.io/zone"])!.price
  }
  const may = parts.nodes.filter(({ name, nodePool }) => nodePool !== undefined && !stay.includes(name))
  const candidates = parts.candidates ?? may.map((one): Candidate => ({
    node: one.name, hourlyPrice: priceOf(one), nodePool: one.nodePool!, disruptionCost: 1 + one.pods.length,
    moving: one.pods.map(({ metadata }) => `${metadata.namespace ?? "default"}/${metadata.name}`), ...about[one.name]
  }))
  const { options, ...given } = problem(parts)
  return { ...given, options: { ...options, assert: false }, nodes: parts.nodes, candidates, ...chosen(parts) }
}

const chosen = ({ blocked, budgets, consolidation, poolTotals }: Parts): Partial<ConsolidationProblem> => ({
  ...(blocked === undefined ? {} : { blocked }), ...(budgets === undefined ? {} : { budgets }),
  ...(consolidation === undefined ? {} : { consolidation }), ...(poolTotals === undefined ? {} : { poolTotals })
})

/** The answer; its command is judged. */
export const decided = (parts: Parts): Consolidation => {
  const given = cluster(parts)
  const answer = consolidate(given)
  if (answer.command !== undefined) assert.deepStrictEqual(objectionsTo(given, answer.command), [])
  return answer
}

/** `removed > bought` of the command, or nothing. */
export const commandIn = ({ command }: Consolidation): string => command === undefined ? "nothing"
  : `${command.remove.join(" ")} > ${command.replace.map(({ instanceType }) => instanceType).sort().join(" ")}`.trim()

/** `node: reason` of those that stay. */
export const reasonsIn = ({ kept }: Consolidation): ReadonlyArray<string> => kept.map(({ node: name, reason }) => `${name}: ${reason}`)
