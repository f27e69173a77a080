/** Pods and pod templates as the planner reads them. */
import { Schema } from "effect"
import {
  Conditions, LabelKey, Labels, LabelSelector, Metadata, Name, optional, Positive, ResourceList, TemplateMetadata
} from "./common.ts"

const NodeRequirement = Schema.Struct({
  key: LabelKey,
  operator: Schema.Literals(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]),
  values: optional(Schema.Array(Schema.String))
})
const NodeSelectorTerm = Schema.Struct({
  matchExpressions: optional(Schema.Array(NodeRequirement)),
  matchFields: optional(Schema.Array(NodeRequirement))
})
export const NodeSelector = Schema.Struct({ nodeSelectorTerms: Schema.Array(NodeSelectorTerm) })

const Weight = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }, { expected: "a whole number from 1 to 100" }))

const PodAffinityTerm = Schema.Struct({
  topologyKey: LabelKey,
  labelSelector: optional(LabelSelector),
  namespaces: optional(Schema.Array(Schema.String)),
  namespaceSelector: optional(LabelSelector),
  matchLabelKeys: optional(Schema.Array(Schema.String)),
  mismatchLabelKeys: optional(Schema.Array(Schema.String))
})
const PodAffinity = Schema.Struct({
  requiredDuringSchedulingIgnoredDuringExecution: optional(Schema.Array(PodAffinityTerm)),
  preferredDuringSchedulingIgnoredDuringExecution: optional(Schema.Array(Schema.Struct({
    weight: Weight,
    podAffinityTerm: PodAffinityTerm
  })))
})

const Affinity = Schema.Struct({
  nodeAffinity: optional(Schema.Struct({
    requiredDuringSchedulingIgnoredDuringExecution: optional(NodeSelector),
    preferredDuringSchedulingIgnoredDuringExecution: optional(Schema.Array(Schema.Struct({
      weight: Weight,
      preference: NodeSelectorTerm
    })))
  })),
  podAffinity: optional(PodAffinity),
  podAntiAffinity: optional(PodAffinity)
})

const Honour = Schema.Literals(["Honor", "Ignore"])

const SpreadConstraint = Schema.Struct({
  maxSkew: Positive,
  topologyKey: LabelKey,
  whenUnsatisfiable: Schema.Literals(["DoNotSchedule", "ScheduleAnyway"]),
  labelSelector: optional(LabelSelector),
  minDomains: optional(Positive),
  nodeAffinityPolicy: optional(Honour),
  nodeTaintsPolicy: optional(Honour),
  matchLabelKeys: optional(Schema.Array(Schema.String))
})

const Toleration = Schema.Struct({
  key: optional(Schema.String),
  operator: optional(Schema.Literals(["Exists", "Equal", "Lt", "Gt"])),
  value: optional(Schema.String),
  effect: optional(Schema.Literals(["NoSchedule", "PreferNoSchedule", "NoExecute", ""])),
  tolerationSeconds: optional(Schema.Int)
})

const Resources = Schema.Struct({ requests: optional(ResourceList), limits: optional(ResourceList) })

const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }, { expected: "a port from 1 to 65535" }))

const Container = Schema.Struct({
  name: optional(Schema.String),
  restartPolicy: optional(Schema.String),
  resources: optional(Resources),
  ports: optional(Schema.Array(Schema.Struct({
    containerPort: optional(Port),
    hostPort: optional(Port),
    hostIP: optional(Schema.String),
    protocol: optional(Schema.Literals(["TCP", "UDP", "SCTP"]))
  })))
})

export const ClaimSpec = Schema.Struct({ storageClassName: optional(Schema.String), volumeName: optional(Schema.String) })

const Volume = Schema.Struct({
  name: Name,
  persistentVolumeClaim: optional(Schema.Struct({ claimName: Name })),
  ephemeral: optional(Schema.Struct({ volumeClaimTemplate: optional(Schema.Struct({ spec: ClaimSpec })) }))
})

export const PodSpec = Schema.Struct({
  nodeName: optional(Schema.String),
  schedulerName: optional(Schema.String),
  schedulingGates: optional(Schema.Array(Schema.Struct({ name: Schema.String }))),
  hostNetwork: optional(Schema.Boolean),
  nodeSelector: optional(Labels),
  affinity: optional(Affinity),
  tolerations: optional(Schema.Array(Toleration)),
  topologySpreadConstraints: optional(Schema.Array(SpreadConstraint)),
  containers: Schema.Array(Container).check(Schema.isMinLength(1, { expected: "at least one container" })),
  initContainers: optional(Schema.Array(Container)),
  overhead: optional(ResourceList),
  resources: optional(Resources),
  priority: optional(Schema.Int),
  priorityClassName: optional(Schema.String),
  volumes: optional(Schema.Array(Volume))
})

export const PodTemplate = Schema.Struct({ metadata: optional(TemplateMetadata), spec: PodSpec })

export const Pod = Schema.Struct({
  metadata: Metadata,
  spec: PodSpec,
  status: optional(Schema.Struct({
    phase: optional(Schema.String),
    nominatedNodeName: optional(Schema.String),
    startTime: optional(Schema.String),
    conditions: optional(Conditions)
  }))
})
export type PlannedPod = typeof Pod.Type
