/** A NodePool and the pods that only its nodes take: scenarios of one world run side by side. */
import { label } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { Node, Pod } from "../../../src/kube/objects.ts"
import { until } from "./cli.ts"
import { nodePool } from "./manifests.ts"
import type { DeploymentOptions, PoolOptions } from "./manifests.ts"
import type { World } from "./world.ts"

export const scenarioTaint = { key: "e2e.linode.dev/test", value: "true", effect: "NoSchedule" }

export interface Scenario {
  readonly name: string
  readonly selector: string
  readonly pool: (options?: PoolOptions) => object
  /** What makes a pod go to the pool's nodes. */
  readonly at: Pick<DeploymentOptions, "nodeSelector" | "tolerations">
  readonly claims: () => Promise<ReadonlyArray<NodeClaim>>
  readonly nodes: () => Promise<ReadonlyArray<Node>>
  readonly pods: () => Promise<ReadonlyArray<Pod>>
  readonly running: (replicas: number) => Promise<ReadonlyArray<Pod>>
  /** All NodeClaims that there are then have the condition. */
  readonly wait: (condition: string) => Promise<unknown>
  readonly patchPool: (spec: object) => Promise<string>
  /** Nodes without pods go; how many may be left. */
  readonly atMost: (nodes: number) => Promise<unknown>
}

export const scenario = (world: World, name: string): Scenario => {
  const selector = `e2e.linode.dev/${name}`
  const ofPool = `${label.nodePool}=${name}`
  const claims = () => world.get<NodeClaim>("nodeclaims", "-l", ofPool)
  return {
    name, selector, claims,
    pool: (options = {}) => nodePool(name, {
      ...options,
      labels: { [selector]: "true" },
      taints: [scenarioTaint],
      requirements: [{ key: selector, operator: "Exists" }, ...options.requirements ?? []]
    }),
    at: {
      nodeSelector: { [selector]: "true" },
      tolerations: [{ key: scenarioTaint.key, operator: "Equal", value: scenarioTaint.value, effect: scenarioTaint.effect }]
    },
    nodes: () => world.get<Node>("nodes", "-l", ofPool),
    pods: () => world.pods(name),
    running: (replicas) => world.running(name, replicas),
    // Not by kubectl wait, which fails when one of those that it has listed goes meanwhile.
    wait: (condition) => until(`NodeClaims of ${name} to be ${condition}`, async () => {
      const all = await claims()
      return all.length > 0 && all.every(({ status }) =>
        status?.conditions?.some((one) => one.type === condition && one.status === "True") === true)
    }, 90),
    patchPool: (spec) => world.kubectl("patch", "nodepool", name, "--type=merge", "-p", JSON.stringify({ spec })),
    atMost: (nodes) => until(`at most ${nodes} NodeClaims of ${name}`, async () => (await claims()).length <= nodes, 150)
  }
}
