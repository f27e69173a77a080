/**
 * Every label, annotation, taint and finalizer name that the outside world sees (Karpenter's and the Linode provider's
 * labels.go).
 */
import type { Taint } from "../kube/objects.ts"

export const group = "karpenter.sh"
export const providerGroup = "karpenter.k8s.linode"

export const label = {
  nodePool: "karpenter.sh/nodepool",
  registered: "karpenter.sh/registered",
  initialized: "karpenter.sh/initialized",
  capacityType: "karpenter.sh/capacity-type",
  doNotSyncTaints: "karpenter.sh/do-not-sync-taints",
  nodeClass: "karpenter.k8s.linode/linodenodeclass",
  /** On what is made for one NodeClaim: its name. */
  nodeClaim: "karpenter.k8s.linode/nodeclaim",
  zone: "topology.kubernetes.io/zone",
  region: "topology.kubernetes.io/region",
  /** The topology of Linode's CSI driver, whose volumes are to be had in one region. */
  volumeRegion: "topology.linode.com/region",
  instanceType: "node.kubernetes.io/instance-type",
  arch: "kubernetes.io/arch",
  os: "kubernetes.io/os",
  hostname: "kubernetes.io/hostname",
  excludeFromLoadBalancers: "node.kubernetes.io/exclude-from-external-load-balancers",
  instanceCpu: "karpenter.k8s.linode/instance-cpu",
  instanceMemory: "karpenter.k8s.linode/instance-memory",
  instanceTransfer: "karpenter.k8s.linode/instance-transfer",
  instanceNetworkOut: "karpenter.k8s.linode/instance-network-out",
  instanceGpuCount: "karpenter.k8s.linode/instance-gpu-count",
  instanceGpuName: "karpenter.k8s.linode/instance-gpu-name",
  instanceAcceleratedDevices: "karpenter.k8s.linode/instance-accelerated-devices-count",
  instanceClass: "karpenter.k8s.linode/instance-class",
  instanceGeneration: "karpenter.k8s.linode/instance-generation",
  instanceDisk: "karpenter.k8s.linode/instance-disk"
} as const

/** The labels that the provider adds to Karpenter's well-known set. */
export const providerWellKnownLabels: ReadonlyArray<string> = [
  label.instanceCpu, label.instanceMemory, label.instanceTransfer, label.instanceNetworkOut, label.instanceGpuCount,
  label.instanceGpuName, label.instanceAcceleratedDevices, label.instanceClass, label.instanceGeneration, label.instanceDisk,
  label.volumeRegion
]

/** Karpenter's well-known set with the provider's labels: allowed in any requirement. */
export const wellKnownLabels: ReadonlyArray<string> = [
  label.nodePool, label.capacityType, label.zone, label.region, label.instanceType, label.arch, label.os,
  ...providerWellKnownLabels
]

export const annotation = {
  doNotDisrupt: "karpenter.sh/do-not-disrupt",
  nodePoolHash: "karpenter.sh/nodepool-hash",
  nodePoolHashVersion: "karpenter.sh/nodepool-hash-version",
  terminationTimestamp: "karpenter.sh/nodeclaim-termination-timestamp",
  minValuesRelaxed: "karpenter.sh/nodeclaim-min-values-relaxed",
  /** A NodeOverlay changed the price, or the capacity, of one of the types that the claim may be. */
  priceOverlayApplied: "karpenter.sh/price-overlay-applied",
  capacityOverlayApplied: "karpenter.sh/capacity-overlay-applied",
  /** On pods that stand for room that a CapacityBuffer keeps; no server ever sees them. */
  bufferFakePod: "karpenter.sh/capacity-buffer-fake-pod",
  bufferName: "karpenter.sh/capacity-buffer-name",
  bufferNamespace: "karpenter.sh/capacity-buffer-namespace",
  nodeClassHash: "karpenter.k8s.linode/linodenodeclass-hash",
  nodeClassHashVersion: "karpenter.k8s.linode/linodenodeclass-hash-version",
  /** The tags of its LinodeNodeClass that a claim's machine has, as a JSON list: the Go provider's name for it. */
  lastAppliedUserTags: "karpenter.k8s.linode/last-applied-user-tags",
  /** What Linode announced for the claim's machine, for which the claim is taken away. */
  interruption: "karpenter.k8s.linode/interruption",
  /** On a claim that replaces others: which, and in what disruption, as JSON; see cluster/replacements. */
  replaces: "karpenter.k8s.linode/replaces",
  /** On a claim of a static NodePool: it is too many, and its deletion has been or is about to be sent. */
  surplus: "karpenter.k8s.linode/surplus",
  /** Id of the LKE node that a claim owns: `<pool>-<hex>`. */
  lkeNode: "karpenter.k8s.linode/lke-node",
  /** Which pools may hold the claim's node: the key that the pools carry as a tag. */
  lkePoolKey: "karpenter.k8s.linode/lke-pool-key",
  /** The change that was sent to Linode on behalf of the claim, as JSON; see cloud/lke. */
  lkeIntent: "karpenter.k8s.linode/lke-intent",
  /** When tags were sent to Linode for the claim's pool, while it is not known that they were written. */
  lkeTagging: "karpenter.k8s.linode/lke-tagging",
  /** That Linode was asked for a machine for the claim, as JSON; see cloud/instance. */
  instanceIntent: "karpenter.k8s.linode/instance-intent"
} as const

export const finalizer = { termination: "karpenter.sh/termination", nodeClass: "karpenter.k8s.linode/termination" } as const

export const capacityType = { onDemand: "on-demand", spot: "spot", reserved: "reserved" } as const

export const disruptedTaint: Taint = { key: "karpenter.sh/disrupted", effect: "NoSchedule" }
export const unregisteredTaint: Taint = { key: "karpenter.sh/unregistered", effect: "NoExecute" }

/** Two taints are the same taint when key and effect are equal; the value does not matter. */
export const sameTaint = (a: Pick<Taint, "key" | "effect">, b: Pick<Taint, "key" | "effect">): boolean =>
  a.key === b.key && a.effect === b.effect

const ephemeral: ReadonlyArray<Pick<Taint, "key" | "effect">> = [
  { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
  { key: "node.kubernetes.io/not-ready", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
  { key: "node.cloudprovider.kubernetes.io/uninitialized", effect: "NoSchedule" },
  unregisteredTaint
]

/** Taints that a young node has for a while and that say nothing about who may run on it later. */
export const isEphemeralTaint = (taint: Taint): boolean =>
  taint.key.startsWith("readiness.k8s.io/") || ephemeral.some((known) => sameTaint(known, taint))

const betaKeys: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": label.zone,
  "failure-domain.beta.kubernetes.io/region": label.region,
  "beta.kubernetes.io/arch": label.arch,
  "beta.kubernetes.io/os": label.os,
  "beta.kubernetes.io/instance-type": label.instanceType
}

/** The stable spelling of a label key. */
export const normalizedLabelKey = (key: string): string => betaKeys[key] ?? key

/**
 * Whether users may not set the label or require it: the domains of Karpenter and of this provider with their
 * subdomains, and the hostname; well-known labels are exempt.
 */
export const isRestrictedLabel = (key: string): boolean => {
  if (wellKnownLabels.includes(key)) return false
  if (key === label.hostname) return true
  const slash = key.indexOf("/")
  const domain = slash < 0 ? "" : key.slice(0, slash)
  return [group, providerGroup].some((restricted) => domain === restricted || domain.endsWith(`.${restricted}`))
}
