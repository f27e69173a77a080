/**
 * Every setting of the controller: its flag, its environment variables, what it may be and what it does. `--help`,
 * `settings/load.ts` and docs/CONFIGURATION.md (checked by a test) all follow this table.
 */
import { Duration } from "effect"
import { defaultFeatureGates, featureGates } from "./featureGates.ts"
import * as Kind from "./kinds.ts"

export interface Setting<A> {
  /** Without the dashes; undefined where only the environment may give it. */
  readonly flag: string | undefined
  /** The first one set wins. */
  readonly env: ReadonlyArray<string>
  readonly kind: Kind.Kind<A>
  /** Undefined: must be given. */
  readonly fallback: { readonly value: A; readonly shown: string } | undefined
  readonly about: string
  readonly group: "Cluster" | "Linode" | "LKE" | "Instance mode" | "Scheduling" | "Features" | "Process" | "Accepted without effect"
}

const required = <A>(
  group: Setting<A>["group"], flag: string | undefined, env: ReadonlyArray<string>, kind: Kind.Kind<A>, about: string
): Setting<A> => ({ group, flag, env, kind, about, fallback: undefined })

const optional = <A>(
  group: Setting<A>["group"], flag: string | undefined, env: ReadonlyArray<string>, kind: Kind.Kind<A>,
  value: A, shown: string, about: string
): Setting<A> => ({ group, flag, env, kind, about, fallback: { value, shown } })

const noEffect = <A>(flag: string, env: string, kind: Kind.Kind<A>, value: A, shown: string, why: string): Setting<A> =>
  optional("Accepted without effect", flag, [env], kind, value, shown, why)

export const table = {
  clusterName: required("Cluster", "cluster-name", ["CLUSTER_NAME"], { ...Kind.text, expected: "the label of your LKE cluster, or with --mode=instance any name" },
    "Label of the LKE cluster that this controller serves; in instance mode any name for the cluster, which goes into tags."),
  clusterRegion: optional("Cluster", "cluster-region", ["CLUSTER_REGION", "LINODE_REGION"], Kind.text, "", "found from the cluster",
    "Region of the cluster. In LKE mode it must be the cluster's own when it is given; in instance mode it is required."),
  mode: optional<"lke" | "instance">("Cluster", "mode", ["KARPENTER_MODE"], Kind.oneOf(["lke", "instance"]), "lke", "lke",
    "How Linodes are bought: lke, through the node pools of an LKE cluster; instance, one by one for a cluster of your own."),
  kubeconfig: optional("Cluster", "kubeconfig", ["KUBECONFIG"], Kind.text, "", "in-cluster, else ~/.kube/config", "Path of the kubeconfig file."),

  linodeToken: required("Linode", undefined, ["LINODE_TOKEN"], Kind.secret,
    "API token with the scopes lke:read_write and linodes:read_write, in instance mode linodes:read_write alone; with account:read_only, events:read_only, firewall:read_only and images:read_only more is told and checked. Only from the environment: flags can be read by other processes."),
  linodeUrl: optional("Linode", undefined, ["LINODE_URL"], Kind.url, "https://api.linode.com", "https://api.linode.com", "Address of the Linode API."),
  linodeApiVersion: optional("Linode", undefined, ["LINODE_API_VERSION"], Kind.oneOf(["v4beta", "v4"]), "v4beta", "v4beta",
    "Version of the Linode API. Only v4beta tells an enterprise cluster from a standard one."),
  linodeTimeout: optional("Linode", undefined, ["LINODE_CLIENT_TIMEOUT"], Kind.seconds, Duration.seconds(10), "10", "Longest wait for one reply of Linode, in seconds."),
  linodeCa: optional("Linode", undefined, ["LINODE_CA"], Kind.text, "", "none", "File with a further root certificate (PEM) for the Linode API."),
  maintenanceInterval: optional("Linode", "maintenance-interval", ["MAINTENANCE_INTERVAL"], Kind.duration(10_000), Duration.minutes(1), "1m",
    "How often Linode's lists of maintenance and events are read: two requests each time. Needs the scopes account:read_only and events:read_only."),
  maintenanceLead: optional("Linode", "maintenance-lead", ["MAINTENANCE_LEAD"], Kind.duration(), Duration.hours(1), "1h",
    "How long before planned maintenance of its host a node begins to be emptied, or the terminationGracePeriod of its NodeClaim where that is longer. 0s waits until it has begun."),

  lkeCreateDeadline: optional("LKE", "lke-create-deadline", ["LKE_CREATE_DEADLINE"], Kind.duration(), Duration.seconds(10), "10s",
    "How long one attempt to launch a NodeClaim waits for Linode's answer before it is taken up again later; 0 means 10s."),
  vmMemoryOverheadPercent: optional<number | undefined>("LKE", "vm-memory-overhead-percent", ["VM_MEMORY_OVERHEAD_PERCENT"], Kind.share, undefined, "measured",
    "Share of a plan's memory that is assumed lost on types of which no live node has been seen. Unset: what LKE nodes really lose."),

  bootstrap: optional<"kubeadm" | "k3s">("Instance mode", "bootstrap", ["BOOTSTRAP"], Kind.oneOf(["kubeadm", "k3s"]), "kubeadm", "kubeadm",
    "What makes a Linode a node of the cluster, unless its LinodeNodeClass has userData. Without effect in LKE mode."),
  clusterEndpoint: optional("Instance mode", "cluster-endpoint", ["CLUSTER_ENDPOINT"], Kind.endpoint, "", "what kubeadm's ConfigMap cluster-info says",
    "Where machines reach the API server. Required with k3s. Without effect in LKE mode, as LKE knows its own endpoint."),

  batchMaxDuration: optional("Scheduling", "batch-max-duration", ["BATCH_MAX_DURATION"], Kind.duration(1), Duration.seconds(10), "10s", "Longest time that pending pods are gathered before nodes are planned for them."),
  batchIdleDuration: optional("Scheduling", "batch-idle-duration", ["BATCH_IDLE_DURATION"], Kind.duration(1), Duration.seconds(1), "1s", "Planning starts when no new pending pod came for so long."),
  preferencePolicy: optional("Scheduling", "preference-policy", ["PREFERENCE_POLICY"], Kind.oneOf(["Respect", "Ignore"]), "Respect", "Respect", "Whether preferred affinities of pods are tried to be met."),
  minValuesPolicy: optional("Scheduling", "min-values-policy", ["MIN_VALUES_POLICY"], Kind.oneOf(["Strict", "BestEffort"]), "Strict", "Strict", "Whether minValues of a NodePool may be lowered when they can't be met."),
  schedulerConfig: optional("Scheduling", "scheduler-config", ["SCHEDULER_CONFIG"], {
    ...Kind.text, expected: "YAML or JSON such as {podTopologySpread: {defaultConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}]}}"
  }, "", "none", "What kube-scheduler is configured to do, where nodes have to be planned by it: the topology spread of pods that have none of their own."),
  searchBudget: optional<Duration.Duration | undefined>("Scheduling", "search-budget", ["SEARCH_BUDGET"], Kind.duration(), undefined, "200ms, or a tenth of batch-max-duration if that is less",
    "How long a pass may look for a cheaper plan once it has one. The process does nothing else meanwhile. 0s takes the first plan."),
  nodePrice: optional("Scheduling", "node-price", ["NODE_PRICE"], Kind.dollars, 0.001, "0.001",
    "What every node is taken to cost beyond its price, in US dollars an hour, for addresses, API calls and upkeep. Of plans of nearly equal price the one with fewer nodes is taken; 0 counts prices alone."),
  consolidationMinimumSavings: optional("Scheduling", "consolidation-minimum-savings", ["CONSOLIDATION_MINIMUM_SAVINGS"], Kind.dollars, 0, "0",
    "What a consolidation has to save at least, in US dollars an hour. 0: anything, as Karpenter."),
  consolidationPodPrice: optional<number | undefined>("Scheduling", "consolidation-pod-price", ["CONSOLIDATION_POD_PRICE"], Kind.dollars, undefined, "by what a pod costs",
    "What a consolidation has to save for each pod that it moves, in US dollars an hour. Unset: with one node bought or none it may save any amount, as in Karpenter; with several it must save 60 % of what each pod that it moves costs."),

  featureGates: optional("Features", "feature-gates", ["FEATURE_GATES"], featureGates, defaultFeatureGates, "NodeRepair=false,NodeOverlay=false,StaticCapacity=false,CapacityBuffer=false,ReservedCapacity=true,SpotToSpotConsolidation=false",
    "Turns features on and off. What is not named keeps its default."),

  metricsPort: optional("Process", "metrics-port", ["METRICS_PORT"], Kind.integer(0, 65535), 8080, "8080", "Port of /metrics; 0 takes any free one."),
  healthProbePort: optional("Process", "health-probe-port", ["HEALTH_PROBE_PORT"], Kind.integer(0, 65535), 8081, "8081", "Port of /healthz and /readyz; 0 takes any free one."),
  kubeClientQps: optional("Process", "kube-client-qps", ["KUBE_CLIENT_QPS"], Kind.integer(1, 100_000), 200, "200", "Requests a second to the API server, on average."),
  kubeClientBurst: optional("Process", "kube-client-burst", ["KUBE_CLIENT_BURST"], Kind.integer(1, 100_000), 300, "300", "Requests to the API server that may come at once."),
  disableLeaderElection: optional("Process", "disable-leader-election", ["DISABLE_LEADER_ELECTION"], Kind.boolean, false, "false", "Act without holding the Lease. Only for a single replica."),
  leaderElectionName: optional("Process", "leader-election-name", ["LEADER_ELECTION_NAME"], Kind.text, "karpenter-leader-election", "karpenter-leader-election", "Name of the Lease."),
  leaderElectionNamespace: optional("Process", "leader-election-namespace", ["LEADER_ELECTION_NAMESPACE", "SYSTEM_NAMESPACE"], Kind.text, "", "the pod's own, else kube-system", "Namespace of the Lease."),
  logLevel: optional<"debug" | "info" | "error">("Process", "log-level", ["LOG_LEVEL"], Kind.oneOf(["debug", "info", "error"]), "info", "info", "Lowest level that is logged."),

  disableDryRun: noEffect("disable-dry-run", "DISABLE_DRY_RUN", Kind.boolean, false, "false", "There is no dry run to disable."),
  lkeTagVerificationTimeout: noEffect("lke-tag-verification-timeout", "LKE_TAG_VERIFICATION_TIMEOUT", Kind.duration(), Duration.seconds(4), "4s", "Nodes are bound by their id, not by a tag that must be read back."),
  lkeRetryDelay: noEffect("lke-retry-delay", "LKE_RETRY_DELAY", Kind.duration(), Duration.seconds(2), "2s", "A launch is taken up again when something changed, not on a timer."),
  karpenterService: noEffect("karpenter-service", "KARPENTER_SERVICE", Kind.text, "", "none", "Left over from Karpenter's webhook."),
  enableProfiling: noEffect("enable-profiling", "ENABLE_PROFILING", Kind.boolean, false, "false", "Go's profiler. Here: node --cpu-prof."),
  disableControllerWarmup: noEffect("disable-controller-warmup", "DISABLE_CONTROLLER_WARMUP", Kind.boolean, true, "true", "Caches are always warm before a replica leads."),
  disableClusterStateObservability: noEffect("disable-cluster-state-observability", "DISABLE_CLUSTER_STATE_OBSERVABILITY", Kind.boolean, false, "false", "The metrics that it turns off are not made."),
  memoryLimit: noEffect("memory-limit", "MEMORY_LIMIT", Kind.integer(-1, Number.MAX_SAFE_INTEGER), -1, "-1", "Node sizes its heap by the container's limit."),
  cpuRequests: noEffect("cpu-requests", "CPU_REQUESTS", Kind.integer(-1, 1_000_000), 1000, "1000", "Concurrency does not depend on it."),
  logOutputPaths: noEffect("log-output-paths", "LOG_OUTPUT_PATHS", Kind.text, "stdout", "stdout", "Logs go to stdout."),
  logErrorOutputPaths: noEffect("log-error-output-paths", "LOG_ERROR_OUTPUT_PATHS", Kind.text, "stderr", "stderr", "Logs go to stdout."),
  ignoreDraRequests: noEffect("ignore-dra-requests", "IGNORE_DRA_REQUESTS", Kind.oneOf(["true"]), "true", "true", "Dynamic resource allocation is not served; only true is accepted.")
} as const

export type Table = typeof table
export type Values = { readonly [K in keyof Table]: Table[K] extends Setting<infer A> ? A : never }
