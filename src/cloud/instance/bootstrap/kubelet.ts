/** What a kubelet is told about its node: as labels and taints that it registers with, as settings, as flags. */
import { isIP } from "node:net"
import { isLabelValue, isQualifiedName } from "../../../apis/names.ts"
import type { KubeletConfiguration } from "../../../apis/kubelet.ts"
import type { Taint } from "../../../kube/objects.ts"

/** Of Kubernetes' own labels those that a kubelet may put on its node, by the admission plugin NodeRestriction and itself. */
const allowed: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
  "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
  "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"
])

const isIn = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`)

/** Whether a kubelet may put a label of this key on its own node. */
export const mayLabel = (key: string): boolean => {
  const domain = key.includes("/") ? key.slice(0, key.indexOf("/")) : ""
  if (!isIn(domain, "kubernetes.io") && !isIn(domain, "k8s.io")) return true
  return allowed.has(key) || isIn(domain, "kubelet.kubernetes.io") || isIn(domain, "node.kubernetes.io")
}

/** `key=value`, in order; what a kubelet may not put on is left out: it would refuse to start. */
export const labelTexts = (labels: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(labels).filter(([key]) => mayLabel(key)).map(([key, value]) => `${key}=${value}`).toSorted()

/** `key=value:effect`, or `key:effect`. */
export const taintTexts = (taints: ReadonlyArray<Taint>): ReadonlyArray<string> =>
  taints.map(({ key, value = "", effect }) => `${key}${value === "" ? "" : `=${value}`}:${effect}`)

const nodeName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const effects: ReadonlyArray<string> = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

/** Why a kubelet could not register so: names that go into flags, files and commands are checked here, once. */
export const registrationIssue = (
  name: string, labels: Readonly<Record<string, string>>, taints: ReadonlyArray<Taint>
): string | undefined => {
  if (name.length > 63 || !nodeName.test(name)) return `${JSON.stringify(name)} is no name of a node`
  const badLabel = Object.entries(labels).find(([key, value]) => !isQualifiedName(key) || !isLabelValue(value))
  if (badLabel !== undefined) return `${JSON.stringify(badLabel.join("="))} is no label`
  const badTaint = taints.find(({ key, value = "", effect }) =>
    !isQualifiedName(key) || !isLabelValue(value) || !effects.includes(effect))
  return badTaint === undefined ? undefined : `${JSON.stringify(taintTexts([badTaint])[0])} is no taint`
}

type Kubelet = typeof KubeletConfiguration.Type

/** The settings of a LinodeNodeClass, without those that it leaves open; undefined where it leaves all open. */
export const kubeletSettings = (kubelet: Kubelet | undefined): Kubelet | undefined => {
  const given = Object.entries(kubelet ?? {}).filter(([, value]) =>
    typeof value !== "object" || (value !== null && Object.keys(value).length > 0))
  return given.length === 0 ? undefined : Object.fromEntries(given) as Kubelet
}

/** What a kubelet would stumble over that the schema lets through. */
export const kubeletIssue = (kubelet: Kubelet | undefined): string | undefined => {
  const bad = kubelet?.clusterDNS?.find((address) => isIP(address) === 0)
  return bad === undefined ? undefined : `spec.kubelet.clusterDNS: found ${JSON.stringify(bad)}, expected IP addresses`
}

const pairs = (map: Readonly<Record<string, string>> | undefined, sign: string): string | undefined =>
  map === undefined ? undefined : Object.entries(map).map(([key, value]) => `${key}${sign}${value}`).toSorted().join(",")

/** The same as the kubelet's flags, without dashes: `max-pods=50`. */
export const kubeletFlags = (kubelet: Kubelet | undefined): ReadonlyArray<string> => {
  const given = kubeletSettings(kubelet)
  if (given === undefined) return []
  const flags: Readonly<Record<string, string | number | boolean | undefined>> = {
    "cluster-dns": given.clusterDNS?.join(","),
    "max-pods": given.maxPods,
    "pods-per-core": given.podsPerCore,
    "system-reserved": pairs(given.systemReserved, "="),
    "kube-reserved": pairs(given.kubeReserved, "="),
    "eviction-hard": pairs(given.evictionHard, "<"),
    "eviction-soft": pairs(given.evictionSoft, "<"),
    "eviction-soft-grace-period": pairs(given.evictionSoftGracePeriod, "="),
    "eviction-max-pod-grace-period": given.evictionMaxPodGracePeriod,
    "cpu-cfs-quota": given.cpuCFSQuota
  }
  return Object.entries(flags).flatMap(([flag, value]) => value === undefined ? [] : [`${flag}=${value}`])
}
