/** A Linode by itself, and the machine that it is. */
import type { InstanceRequest } from "./instanceRules.ts"
import type { SimulatedInstance, SimulatedNode } from "./world.ts"

export interface Machine {
  readonly instance: SimulatedInstance
  readonly node: SimulatedNode
}

/** What a Linode of LKE, or one that was there before, does not have. */
export const plain = { userData: undefined, firewallId: undefined, placementGroupId: undefined } as const

export const newMachine = (id: number, createdAt: number, request: InstanceRequest): Machine => {
  const { label = `linode${id}`, region, type } = request
  return {
    instance: { ...request, id, label, createdAt, clusterId: undefined, status: "provisioning" },
    node: {
      id: label, name: label, poolId: undefined, clusterId: undefined, type, region, createdAt, instanceId: id, status: "not_ready",
      deletedAt: undefined
    }
  }
}
