/** The kubelet part of a LinodeNodeClass, under the kubelet's own names. */
import { Schema } from "effect"
import { kubeletRules } from "./rules.ts"
import { optional, structural } from "./structural.ts"

const quantity = "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?"

const Reserved = Schema.Record(Schema.String, Schema.String.check(
  Schema.isMaxLength(63),
  Schema.isPattern(new RegExp(`^${quantity}$`, "u"), { expected: "a quantity such as 100m or 1Gi" })
)).check(Schema.isMaxProperties(20))

const Thresholds = Schema.Record(Schema.String, Schema.String.check(
  Schema.isMaxLength(63),
  Schema.isPattern(new RegExp(`^(${quantity}|[0-9]+(\\.[0-9]+)?%)$`, "u"), {
    expected: "a quantity such as 100Mi or a percentage such as 5%"
  })
)).check(Schema.isMaxProperties(20))

const Periods = Schema.Record(Schema.String, Schema.String.check(
  Schema.isMaxLength(63),
  Schema.isPattern(/^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$/u, { expected: "a duration such as 1m30s" })
)).check(Schema.isMaxProperties(20))

const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const KubeletConfiguration = Schema.Struct({
  clusterDNS: optional(Schema.Array(Schema.String), "Addresses of the DNS servers of the cluster.", { listType: "atomic" }),
  maxPods: optional(Natural, "How many pods a node takes at most.", { format: "int32" }),
  podsPerCore: optional(Natural, "How many pods a node takes at most per core; maxPods holds as well.", { format: "int32" }),
  systemReserved: optional(Reserved, "Resources kept for the system.", { rules: kubeletRules.systemReserved }),
  kubeReserved: optional(Reserved, "Resources kept for Kubernetes' own processes.", { rules: kubeletRules.kubeReserved }),
  evictionHard: optional(
    Thresholds,
    "Signals and thresholds at which pods are evicted at once.",
    { rules: kubeletRules.evictionHard }
  ),
  evictionSoft: optional(
    Thresholds,
    "Signals and thresholds at which pods are evicted after a grace period.",
    { rules: kubeletRules.evictionSoft }
  ),
  evictionSoftGracePeriod: optional(
    Periods,
    "Grace periods of evictionSoft, one for each of its signals.",
    { rules: kubeletRules.evictionSoftGracePeriod }
  ),
  evictionMaxPodGracePeriod: optional(
    Schema.Int,
    "Seconds that a pod has to end at most when it is evicted for a soft threshold.",
    { format: "int32" }
  ),
  cpuCFSQuota: optional(Schema.Boolean, "Whether CPU limits are enforced by quota.")
}).annotate(structural({ rules: [kubeletRules.softHasGrace, kubeletRules.graceHasSoft] }))
