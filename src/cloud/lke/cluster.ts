/** Which LKE cluster this is: found by its name when the process starts. */
import { Context, Effect, Layer } from "effect"
import { Linode } from "../../linode/linode.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import { Settings } from "../../settings/settings.ts"
import { ClusterUnknown } from "../clusterUnknown.ts"

export interface ClusterShape {
  readonly id: number
  /** Its label at Linode. */
  readonly name: string
  readonly region: string
  readonly tier: "standard" | "enterprise"
  /** When the process started; an upgrade may have come since. */
  readonly k8sVersion: string
}

export class LkeCluster extends Context.Service<LkeCluster, ClusterShape>()("karpenter-linode/cloud/LkeCluster") {}

const discover = Effect.gen(function*() {
  const { clusterName, clusterRegion } = yield* Settings
  const linode = yield* Linode
  // The filter is Linode's; exactness is checked here.
  const found = (yield* linode.clustersByLabel(clusterName)).filter((cluster) => cluster.label === clusterName)
  const [cluster, ...more] = found
  if (cluster === undefined) {
    return yield* new ClusterUnknown({ detail: `no LKE cluster of this account is called "${clusterName}"` })
  }
  if (more.length > 0) {
    const ids = found.map(({ id, region }) => `${id} in ${region}`).join(", ")
    return yield* new ClusterUnknown({ detail: `${found.length} LKE clusters are called "${clusterName}": ${ids}` })
  }
  if (clusterRegion !== "" && clusterRegion !== cluster.region) {
    return yield* new ClusterUnknown({
      detail: `LKE cluster "${clusterName}" is in region ${cluster.region}, not in ${clusterRegion} as the settings say`
    })
  }
  const tier = cluster.tier === "enterprise" ? "enterprise" : "standard"
  return LkeCluster.of({ id: cluster.id, name: cluster.label, region: cluster.region, tier, k8sVersion: cluster.k8s_version })
})

/** Fails with one clear line when the name (and the region, where one is set) does not fit exactly one cluster. */
export const layer: Layer.Layer<LkeCluster, ClusterUnknown | LinodeError, Settings | Linode> = Layer.effect(LkeCluster, discover)
