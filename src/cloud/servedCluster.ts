/** The cluster that this process serves, whatever the mode: for the log. */
import { Context } from "effect"

export class ServedCluster extends Context.Service<ServedCluster, {
  /** Its label at LKE, or the name that the settings give it. */
  readonly name: string
  readonly region: string
}>()("karpenter-linode/cloud/ServedCluster") {}
