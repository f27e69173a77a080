/**
 * What consolidation is asked and answers: plain, JSON-safe values. Which nodes may go, how many of them and whose pods would have to
 * move is for the caller to say; which of them are to go, and what to buy instead, is found out here.
 */
import type { NewNode, PodRef } from "../plan.ts"
import type { ExistingNode, Problem } from "../problem.ts"

/** A node that is there or on its way, with the pods bound to it. */
export interface ConsolidationNode extends ExistingNode {
  /**
   * False: it takes pending pods but none that consolidation moves, as it is not initialized or had pods come or go too recently.
   * Default: what `initialized` says.
   */
  readonly takesMoved?: boolean
}

/** A NodePool's policy: `Balanced` weighs what is saved against what is disturbed. */
export type ConsolidationPolicy = "WhenEmptyOrUnderutilized" | "Balanced"

/** A node that may be taken away. Every rule about that but budgets, price and room has been looked at. */
export interface Candidate {
  /** Name of one of the problem's nodes. */
  readonly node: string
  /** What it costs now, in US dollars an hour. */
  readonly hourlyPrice: number
  /** `namespace/name` of those of its bound pods that need another home: all but daemons, mirror pods and those that end. */
  readonly moving: ReadonlyArray<string>
  /** 1 and the sum of the positive eviction costs of its moving pods. */
  readonly disruptionCost: number
  readonly nodePool: string
  /** Default WhenEmptyOrUnderutilized. */
  readonly policy?: ConsolidationPolicy
}

/** What a NodePool with the policy Balanced is measured by. */
export interface PoolTotals {
  /** Of all of its nodes, in US dollars. */
  readonly hourlyPrice: number
  /** Sum over all of its nodes of 1 and the positive eviction costs of their pods, daemons apart. */
  readonly disruptionCost: number
}

/** How to consolidate, where there is a choice. */
export interface ConsolidationOptions {
  /** In US dollars an hour: what a command must save at least. Default 0: anything beyond rounding. */
  readonly minimumSavings?: number
  /**
   * In US dollars an hour: what each pod that a command moves must save. Default: six tenths of what the pod costs at least where there is
   * more than one replacement, else anything beyond rounding.
   */
  readonly podPrice?: number
  /** Whether spot nodes may be replaced by spot nodes. Default false. */
  readonly spotToSpot?: boolean
  /** False: where there is a command it is not said why other nodes stay, which takes as long as finding it. Default true. */
  readonly explain?: boolean
}

/**
 * `pods` are those that are pending and those of nodes being deleted, which need a home whatever happens. `nodes` are all that stay
 * or may go; nodes being deleted are not among them.
 */
export interface ConsolidationProblem extends Problem {
  readonly nodes: ReadonlyArray<ConsolidationNode>
  readonly candidates: ReadonlyArray<Candidate>
  /** By NodePool: how many more of its nodes may go. One that is not named has no limit. */
  readonly budgets?: { readonly [nodePool: string]: number }
  /** By NodePool, where its policy is Balanced. Default: the sums over its candidates. */
  readonly poolTotals?: { readonly [nodePool: string]: PoolTotals }
  /** Nodes that may not go and why, as the caller knows: they are passed on to `kept`. */
  readonly blocked?: ReadonlyArray<Kept>
  readonly consolidation?: ConsolidationOptions
}

/** Where a pod goes that has to move. */
export interface Move {
  readonly pod: PodRef
  /** The node it leaves. */
  readonly from: string
  /** Name of an existing node, or of one of the command's replacements. */
  readonly to: string
}

/** One command: these nodes go, once those that replace them are initialized. */
export interface Disruption {
  /** `Empty`: none of the nodes has a pod to move. */
  readonly reason: "Empty" | "Underutilized"
  /** Names of candidates, in alphabetical order. */
  readonly remove: ReadonlyArray<string>
  /** `pods` of each are the moved ones, and pending ones that would be there with them. */
  readonly replace: ReadonlyArray<NewNode>
  /** Every pod that moves, once. */
  readonly moves: ReadonlyArray<Move>
  /** In US dollars an hour, at what the replacements cost at worst. */
  readonly hourlySavings: number
  readonly podsMoved: number
}

/** Why a node stays; closed, shared by events, logs and JSON. The first nine are the caller's to say, in `blocked`. */
export type KeptReason =
  | "Unmanaged"
  | "Uninitialized"
  | "Deleting"
  | "Nominated"
  | "DoNotDisrupt"
  | "PodDisruptionBudget"
  | "Policy"
  | "ConsolidateAfter"
  /** Nobody knows what it costs. */
  | "Unpriced"
  /** Its NodePool's budget allows no more. */
  | "Budget"
  /** A pod of it has no other place. */
  | "PodHasNoOtherPlace"
  /** Its pods have other places, and none that cost less. */
  | "NoCheaperPlacement"
  /** Something would be saved, but less than is asked for the command or for each pod it moves. */
  | "SavingsTooSmall"
  /** As Balanced measures it. */
  | "NotWorthDisruption"
  /** What would replace it is spot as well. */
  | "SpotToSpot"
  /** The search ended before it was this node's turn. */
  | "NotLookedAt"

/** A node that stays. */
export interface Kept {
  readonly node: string
  readonly reason: KeptReason
  /** One sentence for a person; names the binding constraint: which pod, which budget, or the closest miss. */
  readonly message: string
}

/** What the nodes cost, in US dollars an hour. */
export interface ConsolidationTotals {
  /** Of the candidates, and of replacements; nodes that are no candidates have no known price and are not counted in it. */
  readonly before: { readonly nodes: number; readonly hourlyPrice: number }
  /** `lowerBound`: no set of new nodes for the candidates' pods, with nothing else to put them on, costs less. */
  readonly after: { readonly nodes: number; readonly hourlyPrice: number; readonly lowerBound: number }
}

/** One decision. */
export interface Consolidation {
  /** The best found; undefined where nothing is to be done. */
  readonly command: Disruption | undefined
  /** Every candidate that the command does not remove and everything `blocked`, by name; `explain` may leave out the former. */
  readonly kept: ReadonlyArray<Kept>
  readonly totals: ConsolidationTotals
}

/** What would be done in the end: each command applied, its replacements initialized, before the next is looked for. */
export interface StableConsolidation {
  readonly disruptions: ReadonlyArray<Disruption>
  readonly kept: ReadonlyArray<Kept>
  readonly totals: ConsolidationTotals
}
