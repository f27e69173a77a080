/** Which nodes a topology spread counts, by its nodeAffinityPolicy and nodeTaintsPolicy. */
import type { NodeModel } from "./nodes.ts"
import { requiredTerms } from "./podClass.ts"
import type { Pool } from "./pools.ts"
import type { PodSpec, SpreadConstraint, Taint, Toleration } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, compatible, identityOfRequirements, matchesLabels, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import type { State } from "./states.ts"
import { untolerated } from "./taints.ts"

const nothingUndefined: ReadonlySet<string> = new Set()

export class NodeFilter {
  readonly id: number
  /** A node satisfies one of them. Undefined: affinity does not matter. */
  private readonly alternatives: ReadonlyArray<Requirements> | undefined
  /** Undefined: taints do not matter. */
  private readonly tolerations: ReadonlyArray<Toleration> | undefined
  /** By state. */
  private readonly answers: Map<number, boolean> = new Map()

  constructor(
    id: number, alternatives: ReadonlyArray<Requirements> | undefined, tolerations: ReadonlyArray<Toleration> | undefined
  ) {
    this.id = id
    this.alternatives = alternatives
    this.tolerations = tolerations
  }

  acceptsNode({ labels, taints }: NodeModel): boolean {
    return this.tolerates(taints) &&
      (this.alternatives === undefined || this.alternatives.some((want) => matchesLabels(want, labels)))
  }

  /** Whether nodes of the pool may have taints that do not matter or are tolerated. */
  toleratesPool(pool: Pool): boolean {
    return this.tolerates(pool.taints)
  }

  /** A taint that only asks to stay away excludes no node. */
  private tolerates(taints: ReadonlyArray<Taint>): boolean {
    return this.tolerations === undefined ||
      untolerated(taints.filter(({ effect }) => effect !== "PreferNoSchedule"), this.tolerations).length === 0
  }

  /** A node to come counts only if its requirements name every label asked for, as Karpenter has it. */
  accepts({ id, pool, requirements }: State): boolean {
    let answer = this.answers.get(id)
    if (answer === undefined) {
      answer = this.toleratesPool(pool) &&
        (this.alternatives === undefined || this.alternatives.some((want) => compatible(requirements, want, nothingUndefined)))
      this.answers.set(id, answer)
    }
    return answer
  }
}

/** Equal filters are one. */
export class NodeFilters {
  private readonly known: Map<string, NodeFilter> = new Map()

  /** By the required terms of node affinity from this position on: those before it are given up. */
  of(spec: PodSpec, { nodeAffinityPolicy, nodeTaintsPolicy }: SpreadConstraint, from = 0): NodeFilter | undefined {
    const selective = spec.nodeSelector !== undefined || requiredTerms(spec) !== undefined
    const alternatives = nodeAffinityPolicy === "Ignore" || !selective ? undefined : ownAlternatives(spec).slice(from)
    const tolerations = nodeTaintsPolicy === "Honor" ? spec.tolerations ?? [] : undefined
    if (alternatives === undefined && tolerations === undefined) return undefined
    const identity = JSON.stringify([alternatives?.map(identityOfRequirements) ?? null, tolerations ?? null])
    let filter = this.known.get(identity)
    if (filter === undefined) {
      filter = new NodeFilter(this.known.size, alternatives, tolerations)
      this.known.set(identity, filter)
    }
    return filter
  }
}

const ownAlternatives = (spec: PodSpec): ReadonlyArray<Requirements> => {
  const selector = requirementsOfLabels(spec.nodeSelector)
  return (requiredTerms(spec) ?? [undefined]).map((term) => both(selector, requirementsOf(term?.matchExpressions)))
}
