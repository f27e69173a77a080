// A plan by a deadline: the first one is there at once, and the time that is left goes into a cheaper one.
import assert from "node:assert/strict"
import { solve } from "karpenter-linode/scheduling"
import type { InstanceType, Plan, Pod, Problem } from "karpenter-linode/scheduling"

const sizes: ReadonlyArray<readonly [name: string, cpu: number, gib: number, price: number]> = [
  ["g6-dedicated-2", 2, 4, 0.054],
  ["g6-dedicated-4", 4, 8, 0.108],
  ["g6-dedicated-8", 8, 16, 0.216],
  ["g6-dedicated-16", 16, 32, 0.432]
]

// Two zones, the second a tenth dearer.
const instanceTypes: ReadonlyArray<InstanceType> = sizes.map(([name, cpu, gib, price]) => ({
  name,
  capacity: { cpu, memory: `${gib}Gi`, pods: 110 },
  overhead: { cpu: "80m", memory: "700Mi" },
  offerings: [
    { zone: "us-ord", capacityType: "on-demand", price },
    { zone: "us-sea", capacityType: "on-demand", price: price * 1.1 }
  ]
}))

const workers: ReadonlyArray<Pod> = Array.from({ length: 300 }, (_, i) => ({
  metadata: { name: `worker-${i}`, namespace: "batch" },
  spec: {
    containers: [{ resources: { requests: { cpu: `${300 + (i % 7) * 150}m`, memory: `${512 + (i % 5) * 256}Mi` } } }],
    ...(i % 10 === 0 ? { nodeSelector: { "topology.kubernetes.io/zone": "us-sea" } } : {})
  }
}))

const problem: Problem = {
  version: 1,
  pods: workers,
  nodePools: [{ metadata: { name: "batch" }, spec: { template: { spec: { requirements: [] } } } }],
  instanceTypes: { batch: instanceTypes },
  nodes: [],
  daemonSets: []
}

const deadline = performance.now() + 100
const solution = solve(problem)
const plan = solution.improve({ steps: 100_000, isSpent: () => performance.now() >= deadline })

const describe = ({ totals }: Plan): string => `${totals.newNodes} nodes, $${totals.hourlyPrice.toFixed(3)}/h`
process.stdout.write(`at once: ${describe(solution.first)}\nby the deadline: ${describe(plan)}\n`)

assert.equal(plan.totals.unschedulable, 0)
assert(plan.totals.hourlyPrice <= solution.first.totals.hourlyPrice)
assert((plan.totals.lowerBound ?? 0) <= plan.totals.hourlyPrice)
