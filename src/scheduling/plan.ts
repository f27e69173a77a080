/** What the scheduler answers: one plain, JSON-safe value. Every pod of the problem is in exactly one place of it. */
import type { Labels, Requirement, Taint } from "./problem.ts"

/** Which pod: `namespace/name`, with its uid when it has one. */
export interface PodRef {
  readonly namespace: string
  readonly name: string
  readonly uid?: string
}

/** A node to buy. */
export interface NewNode {
  /** Unique within the plan, stable for equal input: `<nodePool>-<n>`. */
  readonly name: string
  /** The NodePool that it counts against. */
  readonly nodePool: string
  /** The cheapest of `instanceTypeOptions`, in the offering it is priced by. */
  readonly instanceType: string
  readonly zone: string
  readonly capacityType: string
  /** US dollars. */
  readonly hourlyPrice: number
  /** Every type that holds the node's pods and daemons, cheapest first. */
  readonly instanceTypeOptions: ReadonlyArray<string>
  /** What the NodeClaim must demand, instance type and capacity type included. */
  readonly requirements: ReadonlyArray<Requirement>
  /** Labels the node gets from its NodePool and from resolved custom requirements. */
  readonly labels: Labels
  /** The NodePool's; startup taints are not among them, as they go before pods come. */
  readonly taints: ReadonlyArray<Taint>
  /** Sum of the requests of its pods and daemons, in Kubernetes quantities. */
  readonly requests: { readonly [resource: string]: string }
  readonly pods: ReadonlyArray<PodRef>
  /** True when BestEffort had to lower a minValues. */
  readonly minValuesRelaxed: boolean
}

/** Pods that will fit on a node that is there or on its way. */
export interface Placement {
  /** Name of an existing node. */
  readonly name: string
  readonly pods: ReadonlyArray<PodRef>
}

/** Why a NodePool cannot take a pod; closed, shared by events, logs and JSON. */
export type UnschedulableReason =
  | "NoNodePools"
  | "NoInstanceTypes"
  | "TaintsNotTolerated"
  | "IncompatibleRequirements"
  | "InsufficientResources"
  | "NoOffering"
  | "LimitsExceeded"
  | "MinValuesNotMet"
  | "HostPortConflict"
  | "PodAffinityNotMet"
  | "PodAntiAffinityNotMet"
  | "TopologySpreadNotMet"
  | "VolumeNotUsable"
  | "VolumeLimitExceeded"
  | "ReservedCapacityInUse"
  | "UnsupportedConstraint"
  | "InvalidPod"

/** Why one NodePool cannot take a pod. */
export interface Refusal {
  /** `""` where no NodePool is to blame. */
  readonly nodePool: string
  readonly reason: UnschedulableReason
  /** One sentence for a person; names the closest miss. */
  readonly message: string
}

/** A pod without a place, and what each NodePool lacks: at least one reason. */
export interface Unschedulable {
  readonly pod: PodRef
  readonly reasons: ReadonlyArray<Refusal>
}

/** Where every pod goes, and what that costs. Equal problems have equal plans. */
export interface Plan {
  readonly version: 1
  readonly newNodes: ReadonlyArray<NewNode>
  /** Only nodes that get a pod. */
  readonly existingNodes: ReadonlyArray<Placement>
  readonly unschedulable: ReadonlyArray<Unschedulable>
  readonly totals: {
    readonly newNodes: number
    /** US dollars. */
    readonly hourlyPrice: number
    /**
     * No legal plan for the pods on new nodes costs less by the hour, in US dollars: what they would cost if they could be poured.
     * Absent in a plan that was not searched.
     */
    readonly lowerBound?: number
    readonly unschedulable: number
  }
}
