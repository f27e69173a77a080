/** A claim's node of a pool as the rest of the program sees it. */
import { nodeClassHash } from "../../apis/hash.ts"
import { label } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Machine } from "../cloudProvider.ts"
import { machineLabels } from "../instanceTypes.ts"
import { machineRoom, originOf } from "../machine.ts"
import { providerIDOf } from "../providerID.ts"
import type { Owned } from "./grower.ts"
import { nodeNameOf } from "./view.ts"

/** `type` is undefined for a plan that Linode's price list does not have any more: then only its name is known. */
export const machineOf = (
  cluster: number, { node, pool }: Owned, type: InstanceType | undefined, nodeClass: LinodeNodeClass | undefined
): Machine => ({
  nodeName: nodeNameOf(cluster, node.id),
  providerID: node.instance_id === null ? undefined : providerIDOf(node.instance_id),
  labels: type === undefined ? { [label.instanceType]: pool.type } : machineLabels(type),
  // Only what the machine was made from. What LKE mode remembers on a claim it writes itself: a copy written later could
  // bring an old node back.
  annotations: nodeClass === undefined ? {} : originOf(nodeClassHash(nodeClass.spec), nodeClass.spec.tags ?? []),
  ...machineRoom(type),
  imageID: undefined
})
