/** The one service that every mode implements. No controller knows which mode runs. */
import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { LinodeNodeClass } from "../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { NodePool } from "../apis/nodePool.ts"
import type { InstanceType } from "../scheduling/problem.ts"

/** No type that the claim allows is to be had now: delete the claim, its pods are planned anew. */
export class InsufficientCapacity extends Schema.TaggedError<InsufficientCapacity>()("InsufficientCapacity", {}) {}
/** The claim's LinodeNodeClass is not ready or gone: delete the claim. */
export class NodeClassNotReady extends Schema.TaggedError<NodeClassNotReady>()("NodeClassNotReady", {}) {}
/** Linode refused the request itself; `condition` becomes the reason of Launched=Unknown. Retried with back-off. */
export class CreateFailed extends Schema.TaggedError<CreateFailed>()("CreateFailed", { condition: Schema.String }) {}
/** Not possible now; the same call later may do. */
export class CloudUnavailable extends Schema.TaggedError<CloudUnavailable>()("CloudUnavailable", {
  retryAfterSeconds: Schema.optional(Schema.Finite)
}) {}

export class CloudError extends Schema.TaggedError<CloudError>()("CloudError", {
  operation: Schema.String,
  /** What happened, for a person; safe to show. */
  detail: Schema.String,
  reason: Schema.Union([InsufficientCapacity, NodeClassNotReady, CreateFailed, CloudUnavailable])
}) {
  override get message(): string {
    return `${this.operation}: ${this.detail}`
  }
}

/** The machine behind a claim, as far as it is known. */
export interface Machine {
  /** Name that its Node has or will have. */
  readonly nodeName: string
  /** `linode://<id>`; absent while Linode has not said which instance it is. */
  readonly providerID: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly capacity: Readonly<Record<string, string>>
  readonly allocatable: Readonly<Record<string, string>>
  readonly imageID: string | undefined
}

/** `waiting`: nothing was asked of Linode yet, so the machine may still join and take pods. */
export type Deletion = "waiting" | "terminating" | "gone"

/** "stopped": it is shut down, for longer than a boot or a move takes. Like "gone" it is said only on proof. */
export type MachineState = "present" | "stopped" | "gone"

/** What Linode will do, or is doing, to a machine or its host that takes the machine down. */
export interface Interruption {
  /** The same whenever it is told of, and no other's. */
  readonly id: string
  /** Of the machine. */
  readonly providerID: string
  /** When it begins, in milliseconds; undefined once it has begun. */
  readonly at: number | undefined
  /** For a person. */
  readonly message: string
}

/** Why the account gets nothing, or not all that it asks for, whatever is asked. */
export interface AccountTrouble {
  readonly reason: "AccountLimitReached" | "LinodeAuthFailed"
  /** With Linode's own words. */
  readonly message: string
}

/** A condition of a Node that will not get well by itself, and how long it is watched before the node is replaced. */
export interface RepairPolicy {
  readonly type: string
  readonly status: "True" | "False" | "Unknown"
  readonly tolerationMillis: number
}

export class CloudProvider extends Context.Service<CloudProvider, {
  /** Label of the cloud provider metrics: `linode`. */
  readonly name: string
  /**
   * Makes sure that the claim has a machine, and only one, however often it is called and whatever came of earlier calls.
   * Succeeds as soon as the machine's node name is known; calling again completes a missing providerID. Claims that ask
   * at about the same time share Linode calls. Fails with CloudUnavailable while the answer is not known yet. `types` are
   * those to choose from where they are not as `instanceTypes` has them.
   */
  readonly create: (claim: NodeClaim, types?: ReadonlyArray<InstanceType>) => Effect.Effect<Machine, CloudError>
  /**
   * Starts or continues giving the claim's machine back. "gone" is said only on proof: a 404 or a complete list without
   * it, and no request under way that could still bring it. Call until then.
   */
  readonly delete: (claim: NodeClaim) => Effect.Effect<Deletion, CloudError>
  /** Whether the claim's machine still exists. */
  readonly exists: (claim: NodeClaim) => Effect.Effect<MachineState, CloudError>
  /** The name that the claim's Node has or will have, as far as the claim or its status tells. Cheap: no request. */
  readonly nodeName: (claim: NodeClaim) => string | undefined
  /** Why the machine is not what its LinodeNodeClass would make now: the reason of `Drifted`. Cheap: no request. */
  readonly drifted: (claim: NodeClaim) => Effect.Effect<"NodeClassDrift" | undefined>
  /** Which nodes are beyond repair. Empty: none are ever replaced for their conditions. */
  readonly repairPolicies: ReadonlyArray<RepairPolicy>
  /** Every type, those without an available offering included. Cached: call it freely; equal content is the same array. */
  readonly instanceTypes: (nodePool: NodePool) => Effect.Effect<ReadonlyArray<InstanceType>, CloudError>
  /** What this mode cannot do with a LinodeNodeClass, and what the class resolves to. */
  readonly validate: (nodeClass: LinodeNodeClass) => Effect.Effect<NodeClassVerdict, CloudError>
  /** Writes the class's tags onto what was made of it, and takes former ones of the class off. Only what differs is written. */
  readonly retag: (nodeClass: LinodeNodeClass) => Effect.Effect<void, CloudError>
  /** What is announced for machines of the account, this cluster's or not. What the token may not read is left out. */
  readonly interruptions: Effect.Effect<ReadonlyArray<Interruption>, CloudError>
  /** What is wrong with the account as far as the last refusals tell. Cheap: no request. */
  readonly accountTrouble: Effect.Effect<AccountTrouble | undefined>
  /** One pass over what Linode has of this cluster: gives back what no claim owns, after its grace. Run on a schedule. */
  readonly collectGarbage: Effect.Effect<void, CloudError>
  /**
   * For the end of the program or of its leadership: ends what goes on behind these calls, after what must not be cut short (at most
   * a minute). Nothing is asked of Linode afterwards.
   */
  readonly finish: Effect.Effect<void>
}>()("karpenter-linode/cloud/CloudProvider") {}

/** An image that a LinodeNodeClass names, as Linode has it. */
export interface NodeClassImage {
  readonly id: string
  readonly label?: string
  readonly deprecated?: boolean
}

export interface NodeClassVerdict {
  /** Empty when all is well. One entry per field. */
  readonly issues: ReadonlyArray<NodeClassIssue>
  readonly images: ReadonlyArray<NodeClassImage>
}

export interface NodeClassIssue {
  /** Path in the object: `spec.lkeK8sVersion`. */
  readonly field: string
  /** Reason of ValidationSucceeded=False. */
  readonly reason:
    | "TagValidationFailed" | "LKEK8sVersionUnsupported" | "LKEK8sVersionControlPlaneMismatch"
    | "FirewallNotFound" | "ImageNotFound" | "ImageNotAvailable" | "PlacementGroupNotFound" | "PlacementGroupInAnotherRegion"
    | "FieldNotSupported" | "UserDataInvalid"
  readonly message: string
}
