/** The world's things as the API writes them. */
import type { Row } from "./filter.ts"
import type { SimulatedCluster, SimulatedInstance, SimulatedNode, SimulatedPool } from "./world.ts"

/** UTC without a zone suffix. */
const time = (millis: number): string => new Date(millis).toISOString().slice(0, 19)

export const showCluster = (cluster: SimulatedCluster, beta: boolean): Row => ({
  id: cluster.id,
  label: cluster.label,
  region: cluster.region,
  k8s_version: cluster.k8sVersion,
  status: "ready",
  control_plane: { high_availability: cluster.tier === "enterprise" },
  tags: [],
  created: time(cluster.createdAt),
  updated: time(cluster.createdAt),
  locks: [],
  ...(beta ? { tier: cluster.tier, apl_enabled: false } : {})
})

export const showNode = (node: SimulatedNode): Row => ({ id: node.id, instance_id: node.instanceId ?? null, status: node.status })

export const showPool = (pool: SimulatedPool, cluster: SimulatedCluster, beta: boolean): Row => ({
  id: pool.id,
  type: pool.type,
  label: "",
  count: pool.count,
  nodes: pool.nodes.map(showNode),
  autoscaler: { enabled: false, min: 1, max: 1 },
  labels: pool.labels,
  taints: pool.taints,
  tags: pool.tags,
  disks: [],
  disk_encryption: "enabled",
  locks: [],
  ...(beta && cluster.tier === "enterprise"
    ? { k8s_version: pool.k8sVersion, update_strategy: pool.updateStrategy, firewall_id: pool.firewallId ?? 0 }
    : {})
})

export const showInstance = (instance: SimulatedInstance): Row => ({
  id: instance.id,
  label: instance.label,
  group: "",
  status: instance.status,
  created: time(instance.createdAt),
  updated: time(instance.createdAt),
  type: instance.type,
  region: instance.region,
  image: instance.image ?? null,
  ipv4: [`192.0.2.${instance.id % 254 + 1}`],
  tags: instance.tags,
  lke_cluster_id: instance.clusterId ?? null,
  has_user_data: instance.userData !== undefined,
  placement_group: instance.placementGroupId === undefined ? null : { id: instance.placementGroupId },
  watchdog_enabled: true,
  locks: []
})
