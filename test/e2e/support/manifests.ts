/** The objects that scenarios apply. */

export const nodeClass = (name = "default") => ({
  apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name }, spec: { image: "linode/ubuntu22.04" }
})

export interface PoolOptions {
  readonly weight?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: ReadonlyArray<{ readonly key: string; readonly value?: string; readonly effect: string }>
  readonly requirements?: ReadonlyArray<{ readonly key: string; readonly operator: string; readonly values?: ReadonlyArray<string> }>
  readonly disruption?: object
  readonly limits?: Readonly<Record<string, string | number>>
  readonly nodeClass?: string
  readonly expireAfter?: string
  readonly terminationGracePeriod?: string
  /** Makes a static NodePool. */
  readonly replicas?: number
}

export const nodePool = (name: string, options: PoolOptions = {}) => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name },
  spec: {
    ...(options.weight === undefined ? {} : { weight: options.weight }),
    // Several nodes at a time, so that a scenario does not wait for one after the other.
    disruption: options.disruption ?? { budgets: [{ nodes: "100%" }] },
    limits: options.limits ?? { cpu: 1000 },
    ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
    template: {
      metadata: { labels: options.labels ?? {} },
      spec: {
        expireAfter: options.expireAfter ?? "720h",
        ...(options.terminationGracePeriod === undefined ? {} : { terminationGracePeriod: options.terminationGracePeriod }),
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: options.nodeClass ?? "default" },
        taints: options.taints ?? [],
        requirements: [
          { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
          { key: "kubernetes.io/os", operator: "In", values: ["linux"] },
          ...(options.requirements ?? [])
        ]
      }
    }
  }
})

export interface DeploymentOptions {
  readonly replicas: number
  readonly cpu?: string
  readonly memory?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: ReadonlyArray<object>
}

/** Like the walk-through's `inflate`, under another name. */
export const deployment = (name: string, options: DeploymentOptions) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default" },
  spec: {
    replicas: options.replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations: options.annotations ?? {} },
      spec: {
        terminationGracePeriodSeconds: 0,
        ...(options.nodeSelector === undefined ? {} : { nodeSelector: options.nodeSelector }),
        ...(options.tolerations === undefined ? {} : { tolerations: options.tolerations }),
        containers: [{
          name: "pause", image: "registry.k8s.io/pause:3.9",
          resources: { requests: { cpu: options.cpu ?? "1", ...(options.memory === undefined ? {} : { memory: options.memory }) } }
        }]
      }
    }
  }
})

/** One pod a node, of which one at a time may be missing. */
export const statefulSet = (name: string, options: DeploymentOptions) => {
  const { spec, ...rest } = deployment(name, options)
  const { template } = spec
  const podAntiAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: spec.selector, topologyKey: "kubernetes.io/hostname" }]
  }
  return [
    {
      ...rest,
      kind: "StatefulSet",
      spec: {
        ...spec,
        serviceName: name,
        podManagementPolicy: "Parallel",
        template: { ...template, spec: { ...template.spec, affinity: { podAntiAffinity } } }
      }
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name, namespace: "default" },
      spec: { selector: spec.selector, maxUnavailable: 1 }
    }
  ]
}

/** What an LKE cluster's own nodes are busy with, so that a pod of one CPU finds no room on them. */
export const systemAgents = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "system-agents", namespace: "kube-system" },
  spec: {
    selector: { matchLabels: { app: "system-agents" } },
    template: {
      metadata: { labels: { app: "system-agents" } },
      spec: {
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [
          { matchExpressions: [{ key: "karpenter.sh/nodepool", operator: "DoesNotExist" }] }
        ] } } },
        containers: [{ name: "agent", image: "registry.k8s.io/pause:3.9", resources: { requests: { cpu: "600m" } } }]
      }
    }
  }
}

export const poolName = "karpenter.sh/nodepool"
