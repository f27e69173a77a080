/** Small problems, written short. */
import { schedule } from "../../src/scheduling/index.ts"
import type {
  Container, DaemonSet, ExistingNode, InstanceType, NodePool, Plan, Pod, PodSpec, Problem, Requirement, Resources
} from "../../src/scheduling/index.ts"

export const pod = (
  name: string, requests: Resources, spec: Partial<PodSpec> & { readonly labels?: Record<string, string> } = {}
): Pod => {
  const { labels, ...rest } = spec
  return {
    metadata: { name, namespace: "default", ...(labels === undefined ? {} : { labels }) },
    spec: { containers: [{ resources: { requests } }], ...rest }
  }
}

export const pods = (
  count: number, requests: Resources, spec: Partial<PodSpec> & { readonly labels?: Record<string, string> } = {}
): ReadonlyArray<Pod> =>
  Array.from({ length: count }, (_, i) => pod(`p${i}`, requests, spec))

/** So many CPUs and GiB at a price; 110 pods. */
export const type = (name: string, cpu: number, gi: number, price: number, extra: Partial<InstanceType> = {}): InstanceType => ({
  name,
  capacity: { cpu, memory: `${gi}Gi`, pods: 110 },
  offerings: [{ zone: "us-ord", capacityType: "on-demand", price }],
  ...extra
})

/** Sizes of 2, 4, 8 and 16 CPUs at one price for the unit. */
export const ladder: ReadonlyArray<InstanceType> = [2, 4, 8, 16].map((cpu) => type(`c${cpu}`, cpu, cpu * 2, cpu / 100))

interface PoolParts {
  readonly weight?: number
  readonly limits?: Resources
  readonly requirements?: ReadonlyArray<Requirement>
  readonly labels?: Record<string, string>
  readonly taints?: NodePool["spec"]["template"]["spec"]["taints"]
  readonly startupTaints?: NodePool["spec"]["template"]["spec"]["taints"]
}

export const pool = (name: string, parts: PoolParts = {}): NodePool => ({
  metadata: { name },
  spec: {
    ...(parts.weight === undefined ? {} : { weight: parts.weight }),
    ...(parts.limits === undefined ? {} : { limits: parts.limits }),
    template: {
      ...(parts.labels === undefined ? {} : { metadata: { labels: parts.labels } }),
      spec: {
        requirements: parts.requirements ?? [],
        ...(parts.taints === undefined ? {} : { taints: parts.taints }),
        ...(parts.startupTaints === undefined ? {} : { startupTaints: parts.startupTaints })
      }
    }
  }
})

export const node = (name: string, cpu: number, gi: number, extra: Partial<ExistingNode> = {}): ExistingNode => ({
  name,
  labels: { "kubernetes.io/hostname": name },
  taints: [],
  capacity: { cpu, memory: `${gi}Gi`, pods: 110 },
  allocatable: { cpu, memory: `${gi}Gi`, pods: 110 },
  initialized: true,
  pods: [],
  ...extra
})

export const daemonSet = (name: string, requests: Resources, spec: Partial<PodSpec> = {}): DaemonSet => ({
  metadata: { name, namespace: "kube-system" },
  spec: { template: { spec: { containers: [{ resources: { requests } }], ...spec } } }
})

/** A problem of one NodePool `default` over the ladder, but for what is given. */
export const problem = (
  parts: Partial<Omit<Problem, "instanceTypes">> & { readonly types?: ReadonlyArray<InstanceType> }
): Problem => {
  const { types = ladder, ...rest } = parts
  const nodePools = parts.nodePools ?? [pool("default")]
  return {
    version: 1,
    pods: [],
    nodePools,
    instanceTypes: Object.fromEntries(nodePools.map((nodePool) => [nodePool.metadata.name, types])),
    nodes: [],
    daemonSets: [],
    ...rest,
    options: { assert: true, ...rest.options }
  }
}

/** The plan, searched only a little: how far the search comes is told elsewhere. */
export const solve = (parts: Parameters<typeof problem>[0]): Plan => schedule(problem(parts), { steps: 50 })

/** `type: pods` of each new node, in order. */
export const bought = (plan: Plan): ReadonlyArray<string> =>
  plan.newNodes.map((made) => `${made.instanceType}: ${made.pods.map((ref) => ref.name).sort().join(" ")}`).sort()

/** `node: pods` of each existing node that got some. */
export const filled = (plan: Plan): ReadonlyArray<string> =>
  plan.existingNodes.map((made) => `${made.name}: ${made.pods.map((ref) => ref.name).sort().join(" ")}`)

/** `pod: pool reason` of every refusal. */
export const refused = (plan: Plan): ReadonlyArray<string> =>
  plan.unschedulable.flatMap(({ pod, reasons }) => reasons.map(({ nodePool, reason }) => `${pod.name}: ${nodePool} ${reason}`))

export const messages = (plan: Plan): ReadonlyArray<string> =>
  plan.unschedulable.flatMap(({ reasons }) => reasons.map(({ message }) => message))

export const required = (...terms: ReadonlyArray<ReadonlyArray<Requirement>>): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms.map(
        (matchExpressions) => ({ matchExpressions })
      ) }
    }
  }
})

export const container = (requests: Resources, restartPolicy?: string): Container => ({
  resources: { requests },
  ...(restartPolicy === undefined ? {} : { restartPolicy })
})
