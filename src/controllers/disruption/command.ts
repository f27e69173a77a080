/** One disruption that was decided. Pure. */
import type { DisruptionReason } from "../../apis/nodePool.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import type { NewNode, PodRef } from "../../scheduling/plan.ts"

/** What replaces nodes: as planned for pods, or what a static NodePool's template says. */
export type Replacement =
  | { readonly kind: "planned"; readonly node: NewNode }
  | { readonly kind: "static"; readonly claim: NodeClaim }

export type ConsolidationType = "" | "empty" | "multi" | "single"

export interface Command {
  readonly reason: DisruptionReason
  /** As metrics call it; empty for drift. */
  readonly consolidationType: ConsolidationType
  readonly nodes: ReadonlyArray<StateNode>
  /** They have to be there before the nodes go. */
  readonly replacements: ReadonlyArray<Replacement>
  /** Pods that will need room on nodes that are there, by the node's name. */
  readonly moves: ReadonlyMap<string, ReadonlyArray<PodRef>>
  /** In US dollars an hour; undefined where it is not about money. */
  readonly savings?: number
}

export const decisionOf = ({ replacements }: Pick<Command, "replacements">): "delete" | "replace" =>
  replacements.length > 0 ? "replace" : "delete"

export const nodePoolsOf = ({ nodes }: Pick<Command, "nodes">): ReadonlyArray<string> =>
  [...new Set(nodes.map(({ nodePool }) => nodePool ?? ""))].toSorted()

/** For a person, as Karpenter words it. */
export const describe = (command: Command): string => {
  const { nodes, reason, replacements, savings } = command
  const made = replacements.length === 0 ? "" : ` -> [${replacements.length} replacement${replacements.length === 1 ? "" : "s"}]`
  const saved = savings === undefined ? "" : ` (savings: $${savings.toFixed(2)})`
  return `${reason}: ${decisionOf(command)}: nodepools=[${nodePoolsOf(command).join(", ")}]: ` +
    `[${nodes.map(({ name }) => name).join(", ")}]${made}${saved}`
}
