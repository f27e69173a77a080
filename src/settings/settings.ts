/** The settings of a controller process, decoded. `settings/load.ts` reads them from flags and environment. */
import { Context } from "effect"
import type { Duration, Redacted } from "effect"
import type { FeatureGates } from "./featureGates.ts"
import type { SchedulerConfig } from "./schedulerConfig.ts"

export interface SettingsShape {
  readonly clusterName: string
  /** Empty when it is to be found from the cluster: in LKE mode only. */
  readonly clusterRegion: string
  /** How Linodes are bought: through LKE's node pools, or each by itself for a cluster that Linode knows nothing of. */
  readonly mode: "lke" | "instance"
  /** `host:port` at which machines reach the API server, in instance mode; empty where the cluster tells. */
  readonly clusterEndpoint: string
  /** What makes a machine a node, in instance mode. */
  readonly bootstrap: "kubeadm" | "k3s"
  /** Empty: KUBECONFIG's default place, or the pod's own service account. */
  readonly kubeconfig: string
  readonly linodeToken: Redacted.Redacted
  readonly linodeUrl: string
  readonly linodeApiVersion: string
  readonly linodeTimeout: Duration.Duration
  readonly linodeCa: string
  /** How often Linode's lists of maintenance and events are read. */
  readonly maintenanceInterval: Duration.Duration
  /** How long before planned maintenance of its host a node begins to be emptied. */
  readonly maintenanceLead: Duration.Duration
  /** How long a claim may wait for the answer of one `create` call before it is asked again. */
  readonly lkeCreateDeadline: Duration.Duration
  /** Share of a plan's memory assumed lost on types no live node has been seen of; undefined: what LKE nodes really lose. */
  readonly vmMemoryOverheadPercent: number | undefined
  readonly metricsPort: number
  readonly healthProbePort: number
  readonly kubeClientQps: number
  readonly kubeClientBurst: number
  readonly disableLeaderElection: boolean
  readonly leaderElectionName: string
  readonly leaderElectionNamespace: string
  readonly logLevel: "debug" | "info" | "error"
  readonly batchMaxDuration: Duration.Duration
  readonly batchIdleDuration: Duration.Duration
  readonly preferencePolicy: "Respect" | "Ignore"
  readonly minValuesPolicy: "Strict" | "BestEffort"
  /** What kube-scheduler is configured to do with pods that say nothing themselves. */
  readonly schedulerConfig: SchedulerConfig
  /** How long a pass may look for a cheaper plan once it has one; zero: not at all. */
  readonly searchBudget: Duration.Duration
  /** What a node is taken to cost beyond its price, in US dollars an hour. */
  readonly nodePrice: number
  /** What a consolidation has to save at least, in US dollars an hour. */
  readonly consolidationMinimumSavings: number
  /** What it has to save for each pod that it moves; undefined: by what the pod costs. */
  readonly consolidationPodPrice: number | undefined
  readonly featureGates: FeatureGates
}

export class Settings extends Context.Service<Settings, SettingsShape>()("karpenter-linode/settings/Settings") {}
