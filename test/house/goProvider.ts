/** A cluster and its account as the Go provider leaves them, written from what it is known to write. */
import { Effect } from "effect"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { Condition, Taint } from "../../src/kube/objects.ts"
import { Leases, Nodes } from "../../src/kube/resources.ts"
import { isoNow } from "../../src/runtime/isoNow.ts"
import type { SimulatedNode, SimulatedPool } from "../../src/simulator/linode/world.ts"
import type { House } from "./house.ts"

/** A house, or a real API server with a simulated Linode. */
export type Place = Pick<House, "cloud" | "cluster" | "kube">

/** Its hashes are those of a Go library: nothing here could work them out. */
const nodePoolHash = { "karpenter.sh/nodepool-hash": "8923457213482364872", "karpenter.sh/nodepool-hash-version": "v3" }
const nodeClassHash = {
  "karpenter.k8s.linode/linodenodeclass-hash": "12161962213042174405",
  "karpenter.k8s.linode/linodenodeclass-hash-version": "v1alpha1"
}

const poolTags = (clusterName: string, nodePool: string): ReadonlyArray<string> => [
  `kubernetes.io/cluster/${clusterName}=owned`,
  `karpenter.sh/nodepool=${nodePool}`,
  `lke-cluster-name=${clusterName}`,
  "karpenter.k8s.linode/linodenodeclass=default",
  "karpenter.k8s.linode/lke-managed=true"
]

export interface Made {
  readonly nodePool?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: ReadonlyArray<Taint>
  readonly startupTaints?: ReadonlyArray<Taint>
}

/** The labels of a claim before it is launched, all of which its pool gets too. */
const claimLabels = ({ labels = {}, nodePool = "default" }: Made) => ({
  ...labels, "karpenter.sh/nodepool": nodePool, "karpenter.k8s.linode/linodenodeclass": "default"
})

/** One LKE pool for each NodePool and type: labels and taints are those of its first claim, startup taints among them. */
export const poolOf = ({ cloud, cluster }: Pick<Place, "cloud" | "cluster">, type: string, count: number, made: Made = {}): SimulatedPool =>
  cloud.createPool(cluster, {
    type, count,
    tags: poolTags(cluster.label, made.nodePool ?? "default"),
    labels: claimLabels(made),
    taints: [...made.taints ?? [], ...made.startupTaints ?? []].map(({ effect, key, value = "" }) => ({ effect, key, value })),
    ...(cluster.tier === "enterprise" ? { update_strategy: "on_recycle" } : {})
  })

/** How far the Go provider came with a claim. */
export type Stage =
  /** It exists, and no machine is tied to it. */
  | "asked"
  /** Its Linode carries its name as a tag, and the claim does not say so. */
  | "tagged"
  /** The claim has its provider ID. The node is joining. */
  | "launched"
  /** The node runs pods. */
  | "initialized"

const reached = (stage: Stage): number => ["asked", "tagged", "launched", "initialized"].indexOf(stage)

const condition = (type: string, status: Condition["status"], at: string, reason: string = type): Condition =>
  ({ type, status, reason, message: "", lastTransitionTime: at, observedGeneration: 1 })

const conditionsAt = (stage: Stage, at: string): ReadonlyArray<Condition> => {
  const launched = reached(stage) >= 2
  const initialized = stage === "initialized"
  return [
    launched ? condition("Launched", "True", at) : condition("Launched", "Unknown", at, "NodePoolProvisioning"),
    condition("Registered", initialized ? "True" : "Unknown", at, initialized ? "Registered" : "NodeNotFound"),
    condition("Initialized", initialized ? "True" : "Unknown", at, initialized ? "Initialized" : "NodeNotFound"),
    condition("Ready", initialized ? "True" : "Unknown", at, initialized ? "Ready" : "ReconcilingDependents"),
    ...(initialized ? [condition("ConsistentStateFound", "True", at)] : [])
  ]
}

export interface ClaimOptions extends Made {
  readonly stage: Stage
  readonly types: ReadonlyArray<string>
  /** What it is drifted for already. */
  readonly drifted?: string
  /** Tags of the LinodeNodeClass: it puts them on Linodes, not on pools. Sorted. */
  readonly userTags?: ReadonlyArray<string>
}

/** A NodeClaim, and at its later stages what the Go provider wrote about it on its Linode and its Node. */
export const claimFor = Effect.fnUntraced(function*(place: Place, name: string, node: SimulatedNode | undefined, options: ClaimOptions) {
  const { cloud, cluster, kube } = place
  const { stage, types, userTags = [] } = options
  const nodePool = options.nodePool ?? "default"
  const at = (yield* isoNow).replace(/\.\d+/, "")
  const pool = yield* kube.get(NodePools, { name: nodePool })
  const launched = reached(stage) >= 2
  const labels: Readonly<Record<string, string>> = {
    ...claimLabels(options),
    ...(launched && node !== undefined ? {
      "node.kubernetes.io/instance-type": node.type, "topology.kubernetes.io/region": node.region, "topology.kubernetes.io/zone": node.region,
      "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "karpenter.sh/capacity-type": "on-demand",
      "karpenter.k8s.linode/instance-cpu": String(cloud.types.get(node.type)?.vcpus),
      "karpenter.k8s.linode/instance-memory": String(cloud.types.get(node.type)?.memory),
      "karpenter.k8s.linode/instance-class": "standard", "karpenter.k8s.linode/instance-generation": "6"
    } : {})
  }
  const annotations = {
    ...nodePoolHash,
    ...(launched ? { ...nodeClassHash, "karpenter.k8s.linode/last-applied-user-tags": JSON.stringify(userTags) } : {}),
    ...(stage === "initialized" ? { "karpenter.k8s.linode/tagged": "true" } : {})
  }
  const owner = { apiVersion: "karpenter.sh/v1", kind: "NodePool", name: nodePool, uid: pool.metadata.uid ?? "", blockOwnerDeletion: true }
  const { startupTaints, taints } = options
  const created = yield* kube.create(NodeClaims, {
    apiVersion: "karpenter.sh/v1", kind: "NodeClaim",
    metadata: { name, labels, annotations, finalizers: ["karpenter.sh/termination"], ownerReferences: [owner] },
    spec: {
      nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
      expireAfter: "720h",
      ...(taints === undefined ? {} : { taints }),
      ...(startupTaints === undefined ? {} : { startupTaints }),
      requirements: [
        { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
        { key: "node.kubernetes.io/instance-type", operator: "In", values: types },
        { key: "karpenter.sh/nodepool", operator: "In", values: [nodePool] },
        // Its offerings have no capacity type: core writes a random number.
        { key: "karpenter.sh/capacity-type", operator: "In", values: ["5577006791947779410"] }
      ],
      resources: { requests: { cpu: "2", pods: "2" } }
    }
  })
  if (node !== undefined && reached(stage) >= 1) {
    const instance = cloud.instances.get(node.instanceId!)!
    const tags = [
      ...new Set([...instance.tags, ...poolTags(cluster.label, nodePool), ...userTags, `karpenter.sh/nodeclaim=${name}`, ...(launched ? [`Name=${node.name}`] : [])])
    ]
    cloud.tagInstance(instance, { tags })
  }
  const providerID = `linode://${node?.instanceId}`
  const type = node === undefined ? undefined : cloud.types.get(node.type)
  yield* kube.updateStatus(NodeClaims, {
    ...created,
    status: {
      ...(launched ? {
        providerID,
        capacity: { cpu: String(type?.vcpus), memory: `${Math.floor((type?.memory ?? 0) * 0.925)}Mi`, pods: "110" },
        allocatable: { cpu: `${(type?.vcpus ?? 0) * 1000 - 70}m`, memory: "2223Mi", pods: "110" }
      } : {}),
      ...(stage === "initialized" && node !== undefined ? { nodeName: node.name } : {}),
      conditions: [...conditionsAt(stage, at), ...(options.drifted === undefined ? [] : [condition("Drifted", "True", at, options.drifted)])]
    }
  })
  if (stage !== "initialized" || node === undefined) return
  const joined = yield* kube.get(Nodes, { name: node.name })
  yield* kube.patch(Nodes, { name: node.name }, {
    metadata: {
      labels: { ...labels, "karpenter.sh/registered": "true", "karpenter.sh/initialized": "true" },
      annotations: { ...joined.metadata.annotations, ...annotations },
      finalizers: ["karpenter.sh/termination"],
      ownerReferences: [{
        apiVersion: "karpenter.sh/v1", kind: "NodeClaim", name, uid: created.metadata.uid ?? "", blockOwnerDeletion: true
      }]
    }
  }, { kind: "merge" })
})

/** What it wrote on the NodePools and the LinodeNodeClass, and its lease, which its last process did not give back. */
export const wasHere = Effect.fnUntraced(function*({ kube }: Place) {
  const at = yield* isoNow
  for (const { metadata: { name } } of (yield* kube.list(NodePools)).items) {
    yield* kube.patch(NodePools, { name }, { metadata: { annotations: nodePoolHash } }, { kind: "merge" })
    const conditions = ["ValidationSucceeded", "NodeClassReady", "NodeRegistrationHealthy", "Ready"].map((type) => condition(type, "True", at))
    yield* kube.patch(NodePools, { name }, { status: { conditions } }, { kind: "merge", subresource: "status" })
  }
  yield* kube.patch(LinodeNodeClasses, { name: "default" }, {
    metadata: { annotations: nodeClassHash, finalizers: ["karpenter.k8s.linode/termination"] }
  }, { kind: "merge" })
  const conditions = ["ValidationSucceeded", "Ready"].map((type) => condition(type, "True", at))
  yield* kube.patch(LinodeNodeClasses, { name: "default" }, { status: { conditions } }, { kind: "merge", subresource: "status" })
  const micro = at.replace("Z", "000Z")
  const metadata = { name: "karpenter-leader-election", namespace: "kube-system" }
  const spec = { holderIdentity: "karpenter-6d5f-go_1f2e", leaseDurationSeconds: 15, acquireTime: micro, renewTime: micro, leaseTransitions: 3 }
  yield* kube.create(Leases, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec }).pipe(
    Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => kube.patch(Leases, metadata, { spec }, { kind: "merge" }))
  )
})

/** What must be left alone: names, deletion and drift of the claims. */
export const fates = (claims: ReadonlyArray<NodeClaim>) => claims.map(({ metadata, status }) => ({
  name: metadata.name,
  deleted: metadata.deletionTimestamp !== undefined,
  drifted: status?.conditions?.find(({ type }) => type === "Drifted")?.reason
})).toSorted((a, b) => a.name < b.name ? -1 : 1)
