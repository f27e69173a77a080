// Which nodes should be bought for these pods, and which of them fit on the node that is there?
// Throws when the answer is not one that a cluster could carry out.
import assert from "node:assert/strict"
import { addResources, podRequests, schedule, toMillis, toUnits } from "karpenter-linode/scheduling"

/** @import { DaemonSet, ExistingNode, InstanceType, NodePool, Pod, Problem, Resources } from "karpenter-linode/scheduling" */

/**
 * Pods, NodePools, nodes' labels and quantities look as they do in Kubernetes.
 * @type {(name: string, requests: Resources) => Pod}
 */
const pod = (name, requests) => ({
  metadata: { name, namespace: "shop", labels: { app: name.replace(/-\d+$/, "") } },
  spec: { containers: [{ resources: { requests } }] }
})

/**
 * What a type has, what of it pods cannot have, and where it is sold for how many US dollars an hour.
 * @type {(name: string, cpu: number, gib: number, price: number) => InstanceType}
 */
const instanceType = (name, cpu, gib, price) => ({
  name,
  capacity: { cpu, memory: `${gib}Gi`, pods: 110 },
  overhead: { cpu: "80m", memory: "700Mi" },
  offerings: [{ zone: "us-ord", capacityType: "on-demand", price }]
})

const instanceTypes = [
  instanceType("g6-standard-1", 1, 2, 0.018),
  instanceType("g6-standard-2", 2, 4, 0.036),
  instanceType("g6-standard-4", 4, 8, 0.072),
  instanceType("g6-standard-6", 6, 16, 0.144),
  instanceType("g6-standard-8", 8, 32, 0.288)
]

/** @type {NodePool} */
const nodePool = {
  metadata: { name: "default" },
  spec: {
    limits: { cpu: 100 },
    template: {
      metadata: { labels: { team: "shop" } },
      spec: { requirements: [{ key: "topology.kubernetes.io/zone", operator: "In", values: ["us-ord"] }] }
    }
  }
}

/** @type {DaemonSet} */
const logs = {
  metadata: { name: "logs", namespace: "kube-system" },
  spec: { template: { spec: { containers: [{ resources: { requests: { cpu: "100m", memory: "128Mi" } } }] } } }
}

/** @type {ExistingNode} */
const node = {
  name: "lke-1",
  labels: { "kubernetes.io/hostname": "lke-1", "topology.kubernetes.io/zone": "us-ord" },
  taints: [],
  capacity: { cpu: 4, memory: "8Gi", pods: 110 },
  allocatable: { cpu: "3920m", memory: "7492Mi", pods: 110 },
  initialized: true,
  pods: [pod("web-0", { cpu: "1500m", memory: "2Gi" })]
}

/** @type {Problem} */
const problem = {
  version: 1,
  pods: [
    ...[1, 2, 3, 4, 5, 6].map((i) => pod(`web-${i}`, { cpu: "1500m", memory: "2Gi" })),
    pod("cache", { cpu: "500m", memory: "12Gi" }),
    pod("archive", { cpu: 1, memory: "96Gi" })
  ],
  nodePools: [nodePool],
  instanceTypes: { default: instanceTypes },
  nodes: [node],
  daemonSets: [logs]
}

const plan = schedule(problem)

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
const names = (/** @type {ReadonlyArray<{ readonly name: string }>} */ pods) => pods.map(({ name }) => name).join(", ")

for (const { name, pods } of plan.existingNodes) say(`fill ${name}: ${names(pods)}`)
for (const { name, instanceType, zone, hourlyPrice, pods } of plan.newNodes) {
  say(`buy ${name}, ${instanceType} in ${zone} at $${hourlyPrice}/h: ${names(pods)}`)
}
for (const { pod, reasons } of plan.unschedulable) say(`nowhere for ${pod.name}: ${reasons.map(({ message }) => message).join("; ")}`)
say(`${plan.totals.newNodes} new nodes, $${plan.totals.hourlyPrice.toFixed(3)}/h`)

// Every pod is in one place, and the only one without a place is the one that no type is large enough for.
const placed = [...plan.existingNodes, ...plan.newNodes].flatMap(({ pods }) => pods)
assert.deepEqual(plan.unschedulable.map(({ pod }) => pod.name), ["archive"])
assert.deepEqual([...placed.map(({ name }) => name), "archive"].sort(), problem.pods.map(({ metadata }) => metadata.name).sort())

// No node is asked for more than it has, the daemon counted.
const specOf = new Map(problem.pods.map(({ metadata, spec }) => [metadata.name, spec]))
for (const made of plan.newNodes) {
  const type = instanceTypes.find(({ name }) => name === made.instanceType)
  assert(type)
  const asked = addResources(
    type.overhead,
    podRequests(logs.spec.template.spec),
    ...made.pods.map(({ name }) => podRequests(specOf.get(name) ?? { containers: [] }))
  )
  assert(toMillis(asked.cpu ?? 0) <= toMillis(type.capacity.cpu ?? 0), `${made.name} is short of CPU`)
  assert(toUnits(asked.memory ?? 0) <= toUnits(type.capacity.memory ?? 0), `${made.name} is short of memory`)
}

// A node for each pod would be legal too, and dearer.
assert(plan.totals.hourlyPrice < 6 * 0.036 + 0.144)
