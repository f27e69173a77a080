/** Labels that mean something to a scheduler. */

export const ZoneLabel = "topology.kubernetes.io/zone"
export const RegionLabel = "topology.kubernetes.io/region"
export const HostnameLabel = "kubernetes.io/hostname"
export const InstanceTypeLabel = "node.kubernetes.io/instance-type"
export const ArchLabel = "kubernetes.io/arch"
export const OsLabel = "kubernetes.io/os"
export const WindowsBuildLabel = "node.kubernetes.io/windows-build"
export const NodePoolLabel = "karpenter.sh/nodepool"
export const CapacityTypeLabel = "karpenter.sh/capacity-type"
export const RegisteredLabel = "karpenter.sh/registered"
export const InitializedLabel = "karpenter.sh/initialized"

/** Labels that a node may have without its NodePool naming them; a cloud adds its own through `Problem.wellKnownLabels`. */
export const coreWellKnownLabels: ReadonlyArray<string> = [
  NodePoolLabel, CapacityTypeLabel, ZoneLabel, RegionLabel, InstanceTypeLabel, ArchLabel, OsLabel, WindowsBuildLabel
]

const stable: ReadonlyMap<string, string> = new Map([
  ["failure-domain.beta.kubernetes.io/zone", ZoneLabel],
  ["failure-domain.beta.kubernetes.io/region", RegionLabel],
  ["beta.kubernetes.io/arch", ArchLabel],
  ["beta.kubernetes.io/os", OsLabel],
  ["beta.kubernetes.io/instance-type", InstanceTypeLabel]
])

/** The stable form of a label key that Kubernetes has renamed; any other key as it is. */
export const normalizeLabelKey = (key: string): string => stable.get(key) ?? key

/** All keys that are normalized to this one. */
export const namesOf = (key: string): ReadonlyArray<string> =>
  [key, ...[...stable].flatMap(([old, now]) => now === key ? [old] : [])]

/** True for keys that neither users nor pods may put on a node: `karpenter.sh` with its subdomains, and the hostname. */
export const isRestrictedLabel = (key: string): boolean => {
  if (key === HostnameLabel) return true
  const slash = key.indexOf("/")
  const domain = slash < 0 ? "" : key.slice(0, slash)
  return domain === "karpenter.sh" || domain.endsWith(".karpenter.sh")
}
