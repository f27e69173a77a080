/** What must hold for every plan, whatever the rules. A violation is a defect of the scheduler. */
import type { Model } from "./model.ts"
import { podRef } from "./newNode.ts"
import { requestOf } from "./nodes.ts"
import type { Plan, PodRef } from "./plan.ts"

const key = (pod: PodRef): string => `${pod.namespace}/${pod.name}/${pod.uid ?? ""}`

export const assertPlan = (model: Model, plan: Plan): void => {
  const { problem, dimensions } = model
  const D = dimensions.size
  const fail = (message: string): never => {
    throw new Error(`scheduling invariant broken: ${message}`)
  }
  const pods = new Map(problem.pods.map((pod) => [key(podRef(pod)), pod]))
  const seen = new Set<string>()
  const once = (pod: PodRef): void => {
    const id = key(pod)
    if (!pods.has(id)) fail(`${id} is no pod of the problem`)
    if (seen.has(id)) fail(`${id} is in two places`)
    seen.add(id)
  }
  const sum = (refs: ReadonlyArray<PodRef>): Float64Array => {
    const total = new Float64Array(D)
    for (const ref of refs) {
      once(ref)
      requestOf(pods.get(key(ref))!, dimensions).forEach((amount, d) => {
        total[d]! += amount
      })
    }
    return total
  }

  for (const { name, pods } of plan.existingNodes) {
    const room = model.nodes.find((node) => node.name === name)!.room
    sum(pods).forEach((amount, d) => {
      if (amount > room[d]!) fail(`node ${name} has too little ${dimensions.names[d]}`)
    })
  }
  const bought = new Map(model.pools.map((pool) => [pool.name, { pool, nodes: 0, most: new Float64Array(D) }]))
  for (const node of plan.newNodes) {
    const own = bought.get(node.nodePool)!
    const { room, catalogue } = own.pool
    const total = sum(node.pods)
    const largest = new Float64Array(D)
    for (const option of node.instanceTypeOptions) {
      const t = catalogue.types.findIndex((type) => type.name === option)
      for (let d = 0; d < D; d++) {
        if (total[d]! > room[t * D + d]!) fail(`${option} has too little ${dimensions.names[d]} for ${node.name}`)
        largest[d] = Math.max(largest[d]!, catalogue.capacity[t * D + d]!)
      }
    }
    own.nodes++
    for (let d = 0; d < D; d++) own.most[d]! += largest[d]!
  }
  for (const { pool, nodes, most } of bought.values()) {
    if (nodes > Math.max(0, pool.nodeLimit)) fail(`NodePool ${pool.name} has more nodes than its limit`)
    most.forEach((amount, d) => {
      const limit = pool.limits?.[d] ?? Infinity
      if (amount > 0 && amount > limit) fail(`NodePool ${pool.name} exceeds its limit of ${dimensions.names[d]}`)
    })
  }
  for (const { pod } of plan.unschedulable) once(pod)
  if (seen.size !== pods.size) fail(`${pods.size - seen.size} pods are nowhere`)
}
