/** A claim's machine as the rest of the program sees it. */
import { nodeClassHash, nodeClassHashVersion } from "../../apis/hash.ts"
import { annotation, label } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { InstanceType, Resources } from "../../scheduling/problem.ts"
import { allocatableOf } from "../choose.ts"
import type { Machine } from "../cloudProvider.ts"
import { machineLabels } from "../instanceTypes.ts"
import { providerIDOf } from "../providerID.ts"
import { writtenTags } from "../userTags.ts"
import type { Owned } from "./grower.ts"
import { nodeNameOf } from "./view.ts"

const strings = (resources: Resources): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(resources).map(([name, amount]) => [name, String(amount)]))

/** `type` is undefined for a plan that Linode's price list does not have any more: then only its name is known. */
export const machineOf = (
  cluster: number, { node, pool }: Owned, type: InstanceType | undefined, nodeClass: LinodeNodeClass | undefined
): Machine => ({
  nodeName: nodeNameOf(cluster, node.id),
  providerID: node.instance_id === null ? undefined : providerIDOf(node.instance_id),
  labels: type === undefined ? { [label.instanceType]: pool.type } : machineLabels(type),
  // Only what the machine was made from. What LKE mode remembers on a claim it writes itself: a copy written later could
  // bring an old node back.
  annotations: nodeClass === undefined ? {} : {
    [annotation.nodeClassHash]: nodeClassHash(nodeClass.spec),
    ...((nodeClass.spec.tags ?? []).length === 0 ? {} : { [annotation.lastAppliedUserTags]: writtenTags(nodeClass.spec.tags ?? []) }),
    [annotation.nodeClassHashVersion]: nodeClassHashVersion
  },
  capacity: type === undefined ? {} : strings(type.capacity),
  allocatable: type === undefined ? {} : strings(allocatableOf(type)),
  imageID: undefined
})
