/** LinodeNodeClass: what a Linode is made of. Served as v1 and v1alpha1 with one schema; stored as v1. */
import { Schema } from "effect"
import type { Condition, KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"

const StringMap = Schema.Record(Schema.String, Schema.String)

export const KubeletConfiguration = Schema.Struct({
  clusterDNS: Schema.optionalKey(Schema.Array(Schema.String)),
  maxPods: Schema.optionalKey(Schema.Int),
  podsPerCore: Schema.optionalKey(Schema.Int),
  systemReserved: Schema.optionalKey(StringMap),
  kubeReserved: Schema.optionalKey(StringMap),
  evictionHard: Schema.optionalKey(StringMap),
  evictionSoft: Schema.optionalKey(StringMap),
  evictionSoftGracePeriod: Schema.optionalKey(StringMap),
  evictionMaxPodGracePeriod: Schema.optionalKey(Schema.Int),
  cpuCFSQuota: Schema.optionalKey(Schema.Boolean)
})

export const LinodeNodeClassSpec = Schema.Struct({
  image: Schema.optionalKey(Schema.String),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  firewallID: Schema.optionalKey(Schema.Int),
  lkeK8sVersion: Schema.optionalKey(Schema.String),
  kubelet: Schema.optionalKey(KubeletConfiguration)
})

export interface LinodeNodeClass extends KubeObject {
  readonly spec: typeof LinodeNodeClassSpec.Type
  readonly status?: { readonly conditions?: ReadonlyArray<Condition> }
}

export const LinodeNodeClasses = resource<LinodeNodeClass>("karpenter.k8s.linode/v1", "LinodeNodeClass", "linodenodeclasses", "Cluster")
