/** Objects that the API server must take or refuse, one for each rule of the CRDs: read by tests of every API server. */

type Json = Readonly<Record<string, unknown>>

export const nodePool = (spec: Json = {}, template: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name: "case" },
  spec: {
    template: {
      metadata,
      spec: {
        requirements: [],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
        ...template
      }
    },
    ...spec
  }
})

export const nodeClaim = (spec: Json = {}): Json => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: { name: "case" },
  spec: {
    requirements: [],
    nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
    ...spec
  }
})

export const nodeOverlay = (spec: Json = {}): Json => ({
  apiVersion: "karpenter.sh/v1alpha1",
  kind: "NodeOverlay",
  metadata: { name: "case" },
  spec: { requirements: [], ...spec }
})

export const capacityBuffer = (spec: Json): Json => ({
  apiVersion: "autoscaling.x-k8s.io/v1beta1",
  kind: "CapacityBuffer",
  metadata: { name: "case", namespace: "default" },
  spec
})

export const nodeClass = (spec: Json = {}): Json => ({
  apiVersion: "karpenter.k8s.linode/v1",
  kind: "LinodeNodeClass",
  metadata: { name: "case" },
  spec
})

const requirement = (key: string, operator: string, values?: ReadonlyArray<string>, minValues?: number): Json =>
  nodePool({}, { requirements: [{ key, operator, ...(values && { values }), ...(minValues !== undefined && { minValues }) }] })

const budget = (fields: Json): Json => nodePool({ disruption: { budgets: [{ nodes: "1", ...fields }] } })
const many = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, position) => position)
const manyLabels = (length: number): Json => Object.fromEntries(many(length).map((n) => [`l${n}`, "x"]))
const taint = (fields: Json): Json => nodePool({}, { taints: [{ key: "a", effect: "NoSchedule", ...fields }] })

export interface Refused {
  readonly name: string
  readonly object: Json
  /** Where the server says the mistake is. */
  readonly field: string
  /** Said by a CEL rule rather than the OpenAPI schema: what the message contains. */
  readonly rule?: string
}

const values = "spec.template.spec.requirements"

export const refused: ReadonlyArray<Refused> = [
  {
    name: "a pool without a template",
    object: { apiVersion: "karpenter.sh/v1", kind: "NodePool", metadata: { name: "case" }, spec: {} },
    field: "spec.template"
  },
  {
    name: "a pool without requirements",
    object: nodePool({}, { requirements: undefined }),
    field: "spec.template.spec.requirements"
  },
  {
    name: "more than 100 requirements",
    object: nodePool({}, { requirements: many(101).map((n) => ({ key: `k${n}`, operator: "Exists" })) }),
    field: values
  },
  { name: "more than 100 labels", object: nodePool({}, {}, { labels: manyLabels(101) }), field: "spec.template.metadata.labels" },
  {
    name: "a label value that is none",
    object: nodePool({}, {}, { labels: { a: "b c" } }),
    field: "spec.template.metadata.labels.a"
  },
  {
    name: "a label of Karpenter's domain",
    object: nodePool({}, {}, { labels: { "x.karpenter.sh/a": "b" } }),
    field: "spec.template.metadata.labels", rule: "is restricted"
  },
  {
    name: "the nodepool label",
    object: nodePool({}, {}, { labels: { "karpenter.sh/nodepool": "b" } }),
    field: "spec.template.metadata.labels", rule: "nodepool"
  },
  {
    name: "the hostname label",
    object: nodePool({}, {}, { labels: { "kubernetes.io/hostname": "b" } }),
    field: "spec.template.metadata.labels", rule: "hostname"
  },
  { name: "In without values", object: requirement("a", "In"), field: values, rule: "operator 'In'" },
  { name: "In with no value", object: requirement("a", "In", []), field: values, rule: "operator 'In'" },
  { name: "Gt with a word", object: requirement("a", "Gt", ["x"]), field: values, rule: "non-negative integer" },
  { name: "Lte with two numbers", object: requirement("a", "Lte", ["1", "2"]), field: values, rule: "non-negative integer" },
  { name: "Gte without a number", object: requirement("a", "Gte"), field: values, rule: "non-negative integer" },
  { name: "fewer values than minValues", object: requirement("a", "In", ["x"], 2), field: values, rule: "minValues" },
  { name: "minValues over 50", object: requirement("a", "Exists", undefined, 51), field: `${values}[0].minValues` },
  { name: "an operator that is none", object: requirement("a", "Im", ["x"]), field: `${values}[0].operator` },
  { name: "a key that is none", object: requirement("a b", "Exists"), field: `${values}[0].key` },
  { name: "a value that is none", object: requirement("a", "In", ["x y"]), field: `${values}[0].values[0]` },
  {
    name: "a key of Karpenter's domain",
    object: requirement("karpenter.sh/x", "Exists"),
    field: `${values}[0].key`, rule: "is restricted"
  },
  {
    name: "the nodepool key in a pool",
    object: requirement("karpenter.sh/nodepool", "Exists"),
    field: `${values}[0].key`, rule: "nodepool"
  },
  {
    name: "the hostname key",
    object: requirement("kubernetes.io/hostname", "Exists"),
    field: `${values}[0].key`, rule: "hostname"
  },
  { name: "a taint without effect", object: taint({ effect: undefined }), field: "spec.template.spec.taints[0].effect" },
  { name: "a taint effect that is none", object: taint({ effect: "Never" }), field: "spec.template.spec.taints[0].effect" },
  { name: "a taint key that is none", object: taint({ key: "" }), field: "spec.template.spec.taints[0].key" },
  {
    name: "a node class group with a version",
    object: nodePool({}, { nodeClassRef: { group: "a/v1", kind: "K", name: "n" } }),
    field: "spec.template.spec.nodeClassRef.group"
  },
  {
    name: "an empty node class group",
    object: nodePool({}, { nodeClassRef: { group: "", kind: "K", name: "n" } }),
    field: "spec.template.spec.nodeClassRef.group", rule: "may not be empty"
  },
  {
    name: "an empty node class kind",
    object: nodePool({}, { nodeClassRef: { group: "a", kind: "", name: "n" } }),
    field: "spec.template.spec.nodeClassRef.kind", rule: "may not be empty"
  },
  {
    name: "an empty node class name",
    object: nodePool({}, { nodeClassRef: { group: "a", kind: "K", name: "" } }),
    field: "spec.template.spec.nodeClassRef.name", rule: "may not be empty"
  },
  {
    name: "a grace period of Never",
    object: nodePool({}, { terminationGracePeriod: "Never" }),
    field: "spec.template.spec.terminationGracePeriod"
  },
  { name: "an age with a fraction", object: nodePool({}, { expireAfter: "1.5h" }), field: "spec.template.spec.expireAfter" },
  {
    name: "a consolidateAfter below zero",
    object: nodePool({ disruption: { consolidateAfter: "-1s" } }),
    field: "spec.disruption.consolidateAfter"
  },
  {
    name: "the v1beta1 consolidation policy",
    object: nodePool({ disruption: { consolidationPolicy: "WhenUnderutilized" } }),
    field: "spec.disruption.consolidationPolicy"
  },
  { name: "a budget of 101%", object: budget({ nodes: "101%" }), field: "spec.disruption.budgets[0].nodes" },
  { name: "a reason that is none", object: budget({ reasons: ["Expired"] }), field: "spec.disruption.budgets[0].reasons[0]" },
  { name: "a reason twice", object: budget({ reasons: ["Empty", "Empty"] }), field: "spec.disruption.budgets[0].reasons[1]" },
  {
    name: "a schedule of four fields",
    object: budget({ schedule: "0 0 * *", duration: "1h" }),
    field: "spec.disruption.budgets[0].schedule"
  },
  {
    name: "a window of seconds",
    object: budget({ schedule: "@daily", duration: "90s" }),
    field: "spec.disruption.budgets[0].duration"
  },
  {
    name: "a schedule without duration",
    object: budget({ schedule: "@daily" }),
    field: "spec.disruption.budgets", rule: "'schedule' must be set with 'duration'"
  },
  {
    name: "a duration without schedule",
    object: budget({ duration: "1h" }),
    field: "spec.disruption.budgets", rule: "'schedule' must be set with 'duration'"
  },
  {
    name: "more than 50 budgets",
    object: nodePool({ disruption: { budgets: many(51).map(() => ({ nodes: "1" })) } }),
    field: "spec.disruption.budgets"
  },
  { name: "a limit that is no quantity", object: nodePool({ limits: { cpu: "12 cores" } }), field: "spec.limits.cpu" },
  { name: "a weight of 0", object: nodePool({ weight: 0 }), field: "spec.weight" },
  { name: "a weight of 101", object: nodePool({ weight: 101 }), field: "spec.weight" },
  { name: "replicas below zero", object: nodePool({ replicas: -1 }), field: "spec.replicas" },
  { name: "a weight on a static pool", object: nodePool({ replicas: 1, weight: 1 }), field: "spec", rule: "'weight'" },
  {
    name: "a limit besides nodes on a static pool",
    object: nodePool({ replicas: 1, limits: { nodes: 1, cpu: 1 } }),
    field: "spec", rule: "limits.nodes"
  },

  { name: "a claim without node class", object: nodeClaim({ nodeClassRef: undefined }), field: "spec.nodeClassRef" },
  {
    name: "a claim with a hostname",
    object: nodeClaim({ requirements: [{ key: "kubernetes.io/hostname", operator: "Exists" }] }),
    field: "spec.requirements[0].key", rule: "hostname"
  },
  {
    name: "a claim with a request that is none",
    object: nodeClaim({ resources: { requests: { cpu: "x" } } }),
    field: "spec.resources.requests.cpu"
  },

  {
    name: "an overlay with NotIn and no value",
    object: nodeOverlay({ requirements: [{ key: "a", operator: "NotIn" }] }),
    field: "spec.requirements", rule: "'NotIn'"
  },
  {
    name: "an overlay with both prices",
    object: nodeOverlay({ price: "1", priceAdjustment: "+1" }),
    field: "spec", rule: "priceAdjustment"
  },
  { name: "a price below zero", object: nodeOverlay({ price: "-1" }), field: "spec.price" },
  { name: "an adjustment without sign", object: nodeOverlay({ priceAdjustment: "1" }), field: "spec.priceAdjustment" },
  { name: "an adjustment below -100%", object: nodeOverlay({ priceAdjustment: "-101%" }), field: "spec.priceAdjustment" },
  { name: "an overlay of cpu", object: nodeOverlay({ capacity: { cpu: 1 } }), field: "spec.capacity", rule: "restricted" },
  {
    name: "a buffer of a PodTemplate without a number",
    object: capacityBuffer({ podTemplateRef: { name: "t" } }),
    field: "spec",
    rule: "needs 'replicas' or 'limits'"
  },
  {
    name: "a buffer of two things",
    object: capacityBuffer({ podTemplateRef: { name: "t" }, scalableRef: { kind: "Deployment", name: "d" }, replicas: 1 }),
    field: "spec",
    rule: "cannot set both"
  },
  {
    name: "a buffer of nothing in particular",
    object: capacityBuffer({ scalableRef: { kind: "Deployment", name: "" } }),
    field: "spec.scalableRef.name"
  },
  {
    name: "a buffer below zero",
    object: capacityBuffer({ podTemplateRef: { name: "t" }, replicas: -1 }),
    field: "spec.replicas"
  },
  { name: "an overlay weight over 10000", object: nodeOverlay({ weight: 10001 }), field: "spec.weight" },

  { name: "a tag twice", object: nodeClass({ tags: ["team", "team"] }), field: "spec.tags[1]" },
  { name: "a tag of 51 characters", object: nodeClass({ tags: ["x".repeat(51)] }), field: "spec.tags[0]" },
  { name: "a disk without size", object: nodeClass({ osDisk: {} }), field: "spec.osDisk.size" },
  {
    name: "a file system that is none",
    object: nodeClass({ dataDisks: { sdb: { size: "1Gi", filesystem: "xfs" } } }),
    field: "spec.dataDisks.sdb.filesystem"
  },
  { name: "an encryption that is none", object: nodeClass({ diskEncryption: "on" }), field: "spec.diskEncryption" },
  { name: "a placement group without id", object: nodeClass({ placementGroup: {} }), field: "spec.placementGroup.id" },
  { name: "a VPC id below one", object: nodeClass({ vpcID: 0 }), field: "spec.vpcID" },
  { name: "fewer pods than none", object: nodeClass({ kubelet: { maxPods: -1 } }), field: "spec.kubelet.maxPods" },
  {
    name: "a reserve of something else",
    object: nodeClass({ kubelet: { systemReserved: { gpu: "1" } } }),
    field: "spec.kubelet.systemReserved", rule: "valid keys for systemReserved"
  },
  {
    name: "a reserve below zero",
    object: nodeClass({ kubelet: { kubeReserved: { cpu: "-1" } } }),
    field: "spec.kubelet.kubeReserved", rule: "negative"
  },
  {
    name: "a reserve that is no quantity",
    object: nodeClass({ kubelet: { kubeReserved: { cpu: "lots" } } }),
    field: "spec.kubelet.kubeReserved.cpu"
  },
  {
    name: "an eviction signal that is none",
    object: nodeClass({ kubelet: { evictionHard: { memory: "5%" } } }),
    field: "spec.kubelet.evictionHard", rule: "valid keys for evictionHard"
  },
  {
    name: "a soft threshold without grace",
    object: nodeClass({ kubelet: { evictionSoft: { "memory.available": "5%" } } }),
    field: "spec.kubelet", rule: "evictionSoft OwnerKey"
  },
  {
    name: "a grace without soft threshold",
    object: nodeClass({ kubelet: { evictionSoftGracePeriod: { "memory.available": "1m" } } }),
    field: "spec.kubelet", rule: "evictionSoftGracePeriod OwnerKey"
  }
]

export const accepted: ReadonlyArray<{ readonly name: string; readonly object: Json }> = [
  { name: "a small pool", object: nodePool() },
  {
    name: "a buffer of a PodTemplate",
    object: capacityBuffer({ podTemplateRef: { name: "t" }, limits: { cpu: 4, memory: "8Gi" } })
  },
  {
    name: "a buffer of a share of a Deployment",
    object: capacityBuffer({ scalableRef: { apiGroup: "apps", kind: "Deployment", name: "d" }, percentage: 20, replicas: 2 })
  },
  {
    name: "a pool with everything",
    object: nodePool({
      disruption: {
        consolidateAfter: "Never",
        consolidationPolicy: "Balanced",
        budgets: [
          { nodes: "100%", reasons: ["Empty", "Drifted", "Underutilized"] },
          { nodes: "0", schedule: "0 9 * * mon-fri", duration: "8h" },
          { nodes: "5", schedule: "@weekly", duration: "1h30m0s" }
        ]
      },
      limits: { cpu: 1000, memory: "1000Gi", nodes: 10, "nvidia.com/gpu": "4" },
      weight: 100
    }, {
      taints: [{ key: "example.com/a", value: "b", effect: "NoExecute" }],
      startupTaints: [{ key: "b", effect: "PreferNoSchedule" }],
      requirements: [
        { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
        { key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand"], minValues: 1 },
        { key: "karpenter.k8s.linode/instance-cpu", operator: "Gte", values: ["4"] },
        { key: "example.com/x", operator: "Exists" }
      ],
      terminationGracePeriod: "1h30m",
      expireAfter: "Never"
    }, { labels: { team: "a", empty: "" }, annotations: { note: "b c" } })
  },
  { name: "a static pool", object: nodePool({ replicas: 3, limits: { nodes: 5 } }) },
  {
    name: "a claim of a pool",
    object: nodeClaim({ requirements: [{ key: "karpenter.sh/nodepool", operator: "In", values: ["default"] }] }),
    
  },
  {
    name: "an overlay",
    object: nodeOverlay({ priceAdjustment: "-99.5%", capacity: { "example.com/device": 2 }, weight: 10000 }),
    
  },
  { name: "an empty node class", object: nodeClass() },
  { name: "a node class of the older version", object: { ...nodeClass(), apiVersion: "karpenter.k8s.linode/v1alpha1" } },
  {
    name: "a node class with everything",
    object: nodeClass({
      authorizedKeys: ["ssh-ed25519 AAAA"],
      authorizedUsers: ["user"],
      image: "linode/ubuntu22.04",
      backupsEnabled: true,
      tags: ["team=a", "opaque"],
      firewallID: 123,
      osDisk: { diskID: 1, size: "25Gi", label: "os", filesystem: "ext4" },
      dataDisks: { sdb: { size: 1000 }, sdh: { size: "1Gi", filesystem: "raw" } },
      diskEncryption: "enabled",
      configuration: { kernel: "linode/latest-64bit" },
      placementGroup: { id: 7, compliant_only: true },
      vpcID: 9,
      ipv6Options: { enableSLAAC: true, enableRanges: false, isPublicIPv6: true },
      swap_size: 512,
      kubelet: {
        clusterDNS: ["10.96.0.10"],
        maxPods: 110,
        podsPerCore: 10,
        systemReserved: { cpu: "100m", "ephemeral-storage": "1Gi" },
        kubeReserved: { memory: "500Mi", pid: "100" },
        evictionHard: { "memory.available": "5%" },
        evictionSoft: { "nodefs.available": "1Gi" },
        evictionSoftGracePeriod: { "nodefs.available": "1m30s" },
        evictionMaxPodGracePeriod: 30,
        cpuCFSQuota: true
      },
      lkeK8sVersion: "v1.31.8+lke5"
    })
  }
]

export interface RefusedUpdate {
  readonly name: string
  readonly before: Json
  readonly after: Json
  readonly rule: string
}

export const refusedUpdates: ReadonlyArray<RefusedUpdate> = [
  { name: "making a pool static", before: nodePool(), after: nodePool({ replicas: 1 }), rule: "Cannot transition NodePool" },
  { name: "making a pool dynamic", before: nodePool({ replicas: 1 }), after: nodePool(), rule: "Cannot transition NodePool" },
  {
    name: "another group of node class",
    before: nodePool(),
    after: nodePool({}, { nodeClassRef: { group: "other", kind: "LinodeNodeClass", name: "default" } }),
    rule: "nodeClassRef.group is immutable"
  },
  {
    name: "another kind of node class",
    before: nodePool(),
    after: nodePool({}, { nodeClassRef: { group: "karpenter.k8s.linode", kind: "Other", name: "default" } }),
    rule: "nodeClassRef.kind is immutable"
  },
  { name: "a claim that changes", before: nodeClaim(), after: nodeClaim({ expireAfter: "1h" }), rule: "spec is immutable" },
  {
    name: "IPv6 options that change",
    before: nodeClass({ ipv6Options: { enableSLAAC: true } }),
    after: nodeClass({ ipv6Options: { enableSLAAC: false } }),
    rule: "Value is immutable"
  }
]
