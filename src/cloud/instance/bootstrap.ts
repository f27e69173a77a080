/** What makes a new Linode join the cluster: the one thing in which kinds of self-managed clusters differ. */
import { Context } from "effect"
import type { Effect, Redacted } from "effect"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Taint } from "../../kube/objects.ts"
import type { CloudError } from "../cloudProvider.ts"

/** One attempt to get a machine for a claim. */
export interface Launch {
  readonly claim: NodeClaim
  readonly nodeClass: LinodeNodeClass
  /** Of the Node, the host and the Linode. */
  readonly nodeName: string
  /** What the Node is to carry from its first second; those that a kubelet may not set itself are left out on the way. */
  readonly labels: Readonly<Record<string, string>>
  /** With the unregistered taint. */
  readonly taints: ReadonlyArray<Taint>
}

export class Bootstrap extends Context.Service<Bootstrap, {
  /**
   * User data for a claim's machine, in plain text, with a token that was made for it and is owned by the claim. Fails with
   * CloudUnavailable where the cluster does not tell how to be joined yet, with CreateFailed where it cannot be.
   */
  readonly userData: (launch: Launch) => Effect.Effect<Redacted.Redacted, CloudError>
}>()("karpenter-linode/cloud/Bootstrap") {}
