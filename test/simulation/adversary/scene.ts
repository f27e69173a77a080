/** What is there when a life begins: the user's objects, nodes that are not ours, and another cluster of the account. */
import type { LinodeNodeClass } from "../../../src/apis/linodeNodeClass.ts"
import { LinodeNodeClasses } from "../../../src/apis/linodeNodeClass.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { Pod, PodDisruptionBudget, Workload } from "../../../src/kube/objects.ts"
import { Deployments, PodDisruptionBudgets, Pods } from "../../../src/kube/resources.ts"
import type { NodeLife } from "../kubernetes/nodes.ts"
import type { Stage } from "../stage.ts"
import { region } from "../stage.ts"
import type { Extras } from "./extras.ts"
import { fixedPool, livingShort, setExtras } from "./extras.ts"
import { setSelfManaged } from "./selfManaged.ts"
import type { Foreign } from "../world.ts"

/** Those that a life may buy: few, so that a catalogue is quickly read, with two ways to the same size. */
export const typesInUse: ReadonlyArray<string> = [
  "g6-nanode-1", "g6-standard-1", "g6-standard-2", "g6-standard-4", "g6-standard-6", "g6-dedicated-2", "g6-dedicated-4",
  "g7-premium-2", "g1-gpu-rtx6000-1"
]

export interface PodShape {
  readonly name: string
  readonly cpu: string
  readonly memory: string
  /** Seconds; none is 0. */
  readonly grace: number
  readonly budget: PodDisruptionBudget["spec"] | undefined
  readonly annotations: Readonly<Record<string, string>>
}

/** What the user wants to have in the end, and has unless somebody meddles. */
export interface Wanted {
  readonly nodeClass: LinodeNodeClass
  readonly nodePools: ReadonlyArray<NodePool>
  readonly deployments: ReadonlyArray<PodShape>
  readonly extras: Extras
}

const nodeClass: LinodeNodeClass = {
  apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name: "default" }, spec: { tags: ["team=a"] }
}

const nodePool = (name: string, types: ReadonlyArray<string>, spec: Partial<NodePool["spec"]>, more: object): NodePool => ({
  apiVersion: "karpenter.sh/v1", kind: "NodePool", metadata: { name },
  spec: {
    template: {
      spec: {
        requirements: [
          { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
          ...(types.length === 0 ? [] : [{ key: "node.kubernetes.io/instance-type", operator: "In" as const, values: types }])
        ],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
        expireAfter: "720h", ...more
      }
    },
    ...spec
  }
})

export const deploymentOf = ({ annotations, cpu, grace, memory, name }: PodShape, replicas: number): Workload => ({
  apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations },
      spec: {
        terminationGracePeriodSeconds: grace,
        containers: [{ name, image: "registry.k8s.io/pause:3.10", resources: { requests: { cpu, memory } } }]
      }
    }
  }
})

const draw = (stage: Stage, extras: Extras): Wanted => {
  const dice = stage.diceOf("scene")
  const disruption = (): NonNullable<NodePool["spec"]["disruption"]> => ({
    consolidateAfter: dice.pick(["0s", "0s", "15s", "1m"] as const),
    budgets: [{ nodes: dice.pick(["100%", "100%", "50%", "1"] as const) }]
  })
  const pools = [livingShort(nodePool("default", dice.pick<ReadonlyArray<string>>([[], ["g6-standard-2"], ["g6-standard-2", "g6-standard-4", "g6-dedicated-2"]]), {
    disruption: disruption(),
    ...(dice.happens(0.2) ? { limits: { cpu: String(dice.int(4, 24)) } } : {})
  }, dice.happens(0.2) ? { terminationGracePeriod: "2m" } : {}), extras)]
  if (dice.happens(0.3)) pools.push(nodePool("second", ["g6-standard-4", "g6-standard-6"], {
    disruption: disruption(), weight: dice.int(1, 50)
  }, { taints: dice.happens(0.3) ? [{ key: "example.com/special", value: "yes", effect: "NoSchedule" }] : [] }))
  const shape = (name: string, more: Partial<PodShape> = {}): PodShape => ({
    name, cpu: dice.pick(["500m", "1", "1", "1500m"] as const), memory: dice.pick(["128Mi", "512Mi", "1Gi"] as const),
    grace: dice.pick([0, 5, 30] as const), budget: undefined, annotations: {}, ...more
  })
  const deployments = [shape("web")]
  if (dice.happens(0.5)) deployments.push(shape("db", { budget: { maxUnavailable: 1, selector: { matchLabels: { app: "db" } } } }))
  if (dice.happens(0.2)) deployments.push(shape("job", { annotations: { "karpenter.sh/do-not-disrupt": "true" } }))
  if (extras.fixed !== undefined) pools.push(fixedPool(extras.fixed))
  return { nodeClass, nodePools: pools, deployments, extras }
}

const strangers = (stage: Stage): Foreign => {
  const { cloud, cluster } = stage
  const other = cloud.addCluster({ label: "other", region, tier: "standard", systemPool: { type: "g6-standard-1", count: 1 } })
  const theirs = cloud.createPool(other, {
    type: "g6-standard-2", count: 2,
    tags: [
      "kubernetes.io/cluster/other=owned", "lke-cluster-name=other", "karpenter.sh/nodepool=default",
      "karpenter.k8s.linode/lke-managed=true", "karpenter.k8s.linode/pool-hash=0123456789abcdef"
    ]
  })
  // The user's own, in our cluster: a system pool, and one whose tags look a little like ours.
  cloud.createPool(cluster, { type: "g6-standard-1", count: 1, tags: ["lke-cluster-name=prod", "team=a"] })
  const lonely = cloud.addInstance({ label: "bastion", type: "g6-nanode-1", region, tags: ["team=a"] })
  const pools = [...cloud.poolsOf(other), ...cloud.poolsOf(cluster)]
  const nodes = pools.flatMap((pool) => pool.nodes)
  return {
    cluster: other,
    pools: new Set(pools.map(({ id }) => id)),
    nodes: new Set(nodes.map(({ id }) => id)),
    instances: new Set([lonely.id, ...cloud.poolsOf(other).filter(({ id }) => id !== theirs.id).flatMap((pool) => pool.nodes)
      .flatMap(({ instanceId }) => instanceId ?? [])]),
    userPools: new Map(cloud.poolsOf(cluster).map(({ count, id, labels, tags, taints }) => [id, { count, tags, labels, taints }])),
    userNodes: new Set(cloud.poolsOf(cluster).flatMap((pool) => pool.nodes.map(({ name }) => name)))
  }
}

/** Sets the scene; everything is there before the first replica starts. */
export const setScene = (stage: Stage, nodes: NodeLife, extras: Extras): Wanted => {
  stage.foreign = strangers(stage)
  const wanted = draw(stage, extras)
  const { server } = stage
  stage.act({ by: "user" }, () => {
    for (const pool of stage.cloud.poolsOf(stage.cluster)) {
      for (const node of pool.nodes.filter(({ status }) => status === "ready")) nodes.addReady(node, { "example.com/role": "system" })
    }
    const [system] = stage.foreign.userNodes
    if (system !== undefined) server.create(Pods, {
      metadata: { name: "coredns", namespace: "kube-system" },
      spec: { nodeName: system, containers: [{ name: "coredns", resources: { requests: { cpu: "700m" } } }] }
    } as Pod)
    if (stage.mode === "instance") setSelfManaged(stage)
    server.create(LinodeNodeClasses, wanted.nodeClass)
    for (const pool of wanted.nodePools) server.create(NodePools, pool)
    for (const shape of wanted.deployments) {
      server.create(Deployments, deploymentOf(shape, 0))
      if (shape.budget !== undefined) server.create(PodDisruptionBudgets, {
        apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: shape.name, namespace: "default" }, spec: shape.budget
      } as PodDisruptionBudget)
    }
    setExtras(stage, extras)
  })
  return wanted
}
