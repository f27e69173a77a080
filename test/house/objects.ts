/** What a user applies. */
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import type { PodDisruptionBudget, Workload } from "../../src/kube/objects.ts"

export const nodeClass = (spec: LinodeNodeClass["spec"] = {}): LinodeNodeClass => ({
  apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name: "default" }, spec
})

export interface NodePoolOptions {
  readonly name?: string
  readonly types?: ReadonlyArray<string>
  readonly consolidateAfter?: string
  readonly disruption?: NodePool["spec"]["disruption"]
  readonly limits?: NodePool["spec"]["limits"]
}

/** Nodes go as soon as nothing needs them, all at once. */
export const nodePool = ({ consolidateAfter = "0s", disruption, limits, name = "default", types }: NodePoolOptions = {}): NodePool => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name },
  spec: {
    template: {
      spec: {
        requirements: [
          { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
          ...(types === undefined ? [] : [{ key: "node.kubernetes.io/instance-type", operator: "In" as const, values: types }])
        ],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
        expireAfter: "720h"
      }
    },
    disruption: { consolidateAfter, budgets: [{ nodes: "100%" }], ...disruption },
    ...(limits === undefined ? {} : { limits })
  }
})

/** Pods of one CPU each unless told. */
export const deployment = (replicas = 0, cpu = "1", name = "inflate"): Workload => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { name: "", labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name, image: "registry.k8s.io/pause:3.10", resources: { requests: { cpu } } }]
      }
    }
  }
})

/** Lets no pod of the deployment go. */
export const budget = (name = "inflate"): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace: "default" },
  spec: { selector: { matchLabels: { app: name } }, maxUnavailable: 0 }
})
