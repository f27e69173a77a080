/** Which cluster machines are bought for: its name and region from the settings, its identity from the cluster itself. */
import { Context, Effect, Layer } from "effect"
import { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { Namespaces } from "../../kube/resources.ts"
import { Linode } from "../../linode/linode.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import { Settings } from "../../settings/settings.ts"
import { ClusterUnknown } from "../clusterUnknown.ts"
import { digest } from "../digest.ts"

export interface InstanceClusterShape {
  readonly name: string
  readonly region: string
  /** 16 hex digits that no other cluster has, whatever it is called: a hash of the uid of its namespace `kube-system`. */
  readonly identity: string
}

export class InstanceCluster extends Context.Service<InstanceCluster, InstanceClusterShape>()(
  "karpenter-linode/cloud/InstanceCluster"
) {}

const discover = Effect.gen(function*() {
  const { clusterName, clusterRegion } = yield* Settings
  const kube = yield* Kube
  const linode = yield* Linode
  const regions = yield* linode.regions
  if (!regions.some(({ id }) => id === clusterRegion)) {
    const known = regions.map(({ id }) => id).toSorted().join(", ")
    const setting = "--cluster-region (CLUSTER_REGION or LINODE_REGION)"
    return yield* new ClusterUnknown({ detail: `${setting}: Linode has no region "${clusterRegion}", expected one of ${known}` })
  }
  const { metadata: { uid } } = yield* kube.get(Namespaces, { name: "kube-system" })
  if (uid === undefined) {
    return yield* new ClusterUnknown({ detail: "the namespace kube-system has no uid to tell this cluster by" })
  }
  return InstanceCluster.of({ name: clusterName, region: clusterRegion, identity: digest(uid) })
})

/** Fails with one clear line when the region is none of Linode's. */
export const layer: Layer.Layer<InstanceCluster, ClusterUnknown | LinodeError | KubeError, Settings | Linode | Kube> =
  Layer.effect(InstanceCluster, discover)
