/** The kinds that `plan` reads, each with the Schema that its objects are checked with. */
import { Schema } from "effect"
import { LinodeNodeClassSpec } from "../../apis/linodeNodeClass.ts"
import { NodeClaimSpec } from "../../apis/nodeClaim.ts"
import { NodePoolSpec } from "../../apis/nodePool.ts"
import { Conditions, Labels, LabelSelector, Metadata, Name, Natural, optional, ResourceList, Taint } from "./common.ts"
import { ClaimSpec, NodeSelector, Pod, PodTemplate } from "./podSchema.ts"

const Status = optional(Schema.Struct({ conditions: optional(Conditions) }))

const Node = Schema.Struct({
  metadata: Metadata,
  spec: optional(Schema.Struct({
    providerID: optional(Schema.String),
    taints: optional(Schema.Array(Taint)),
    unschedulable: optional(Schema.Boolean)
  })),
  status: optional(Schema.Struct({
    capacity: optional(ResourceList),
    allocatable: optional(ResourceList),
    conditions: optional(Conditions)
  }))
})

const NodePool = Schema.Struct({ apiVersion: Schema.String, metadata: Metadata, spec: NodePoolSpec, status: Status })
const LinodeNodeClass = Schema.Struct({ metadata: Metadata, spec: LinodeNodeClassSpec, status: Status })
const NodeClaim = Schema.Struct({
  metadata: Metadata,
  spec: NodeClaimSpec,
  status: optional(Schema.Struct({
    nodeName: optional(Schema.String),
    lastPodEventTime: optional(Schema.String),
    providerID: optional(Schema.String),
    capacity: optional(ResourceList),
    allocatable: optional(ResourceList),
    conditions: optional(Conditions)
  }))
})

const DaemonSet = Schema.Struct({ metadata: Metadata, spec: Schema.Struct({ template: PodTemplate }) })

const IntOrPercent = Schema.Union([
  Schema.Int,
  Schema.String.check(Schema.isPattern(/^\d+%?$/, { expected: "a number or a percentage" }))
])

const PodDisruptionBudget = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    selector: optional(LabelSelector),
    minAvailable: optional(IntOrPercent),
    maxUnavailable: optional(IntOrPercent),
    unhealthyPodEvictionPolicy: optional(Schema.String)
  }),
  status: optional(Schema.Struct({
    disruptionsAllowed: optional(Schema.Int),
    currentHealthy: optional(Schema.Int),
    desiredHealthy: optional(Schema.Int),
    expectedPods: optional(Schema.Int)
  }))
})

const PersistentVolumeClaim = Schema.Struct({
  metadata: Metadata,
  spec: ClaimSpec,
  status: optional(Schema.Struct({ phase: optional(Schema.String) }))
})

const PersistentVolume = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    storageClassName: optional(Schema.String),
    nodeAffinity: optional(Schema.Struct({ required: optional(NodeSelector) })),
    csi: optional(Schema.Struct({ driver: Schema.String })),
    local: optional(Schema.Struct({})),
    hostPath: optional(Schema.Struct({}))
  })
})

const StorageClass = Schema.Struct({
  metadata: Metadata,
  provisioner: Schema.String,
  volumeBindingMode: optional(Schema.Literals(["Immediate", "WaitForFirstConsumer"])),
  allowedTopologies: optional(Schema.Array(Schema.Struct({
    matchLabelExpressions: optional(Schema.Array(Schema.Struct({ key: Schema.String, values: Schema.Array(Schema.String) })))
  })))
})

const CSINode = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    drivers: optional(Schema.Array(Schema.Struct({
      name: Schema.String,
      allocatable: optional(Schema.Struct({ count: optional(Natural) }))
    })))
  })
})

const Namespace = Schema.Struct({ metadata: Metadata })

const Deployment = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({ replicas: optional(Natural), selector: optional(LabelSelector), template: PodTemplate })
})

const StatefulSet = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    ...Deployment.fields.spec.fields,
    ordinals: optional(Schema.Struct({ start: optional(Natural) })),
    volumeClaimTemplates: optional(Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Name }), spec: ClaimSpec })))
  })
})

const Job = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    parallelism: optional(Natural),
    completions: optional(Natural),
    suspend: optional(Schema.Boolean),
    template: PodTemplate
  }),
  status: optional(Schema.Struct({ succeeded: optional(Natural), conditions: optional(Conditions) }))
})

const Service = Schema.Struct({ metadata: Metadata, spec: optional(Schema.Struct({ selector: optional(Labels) })) })

/** By API group and kind. */
export const kinds = {
  "/Pod": { list: "pods", schema: Pod, namespaced: true },
  "/Node": { list: "nodes", schema: Node, namespaced: false },
  "/PersistentVolumeClaim": { list: "persistentVolumeClaims", schema: PersistentVolumeClaim, namespaced: true },
  "/PersistentVolume": { list: "persistentVolumes", schema: PersistentVolume, namespaced: false },
  "/Namespace": { list: "namespaces", schema: Namespace, namespaced: false },
  "/Service": { list: "services", schema: Service, namespaced: true },
  "apps/DaemonSet": { list: "daemonSets", schema: DaemonSet, namespaced: true },
  "apps/Deployment": { list: "deployments", schema: Deployment, namespaced: true },
  "apps/ReplicaSet": { list: "replicaSets", schema: Deployment, namespaced: true },
  "apps/StatefulSet": { list: "statefulSets", schema: StatefulSet, namespaced: true },
  "batch/Job": { list: "jobs", schema: Job, namespaced: true },
  "policy/PodDisruptionBudget": { list: "budgets", schema: PodDisruptionBudget, namespaced: true },
  "storage.k8s.io/StorageClass": { list: "storageClasses", schema: StorageClass, namespaced: false },
  "storage.k8s.io/CSINode": { list: "csiNodes", schema: CSINode, namespaced: false },
  "karpenter.sh/NodePool": { list: "nodePools", schema: NodePool, namespaced: false },
  "karpenter.sh/NodeClaim": { list: "nodeClaims", schema: NodeClaim, namespaced: false },
  "karpenter.k8s.linode/LinodeNodeClass": { list: "nodeClasses", schema: LinodeNodeClass, namespaced: false }
} as const

type Kinds = typeof kinds

/** Every object of the input, by kind. Objects of namespaced kinds have a namespace. */
export type Inventory = { readonly [K in keyof Kinds as Kinds[K]["list"]]: ReadonlyArray<Kinds[K]["schema"]["Type"]> }
