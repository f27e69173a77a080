/** A claim's Linode as the rest of the program sees it. */
import { annotation, label } from "../../apis/labels.ts"
import type { Instance } from "../../linode/models.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Machine } from "../cloudProvider.ts"
import { machineRoom, originOf } from "../machine.ts"
import { providerIDOf } from "../providerID.ts"
import { launchLabels } from "./order.ts"
import type { InstanceRecord } from "./record.ts"
import { classHashOf, userTagsOf } from "./tags.ts"

/** It is on its way out: nothing is to be expected of it any more. */
export const isLeaving = ({ status }: Instance): boolean => status === "deleting"

/**
 * `type` is the one that the Linode is of, whatever was asked for last; undefined for a plan that Linode's price list does not
 * have any more. What it was made from is on the Linode itself: the class may have been edited since.
 */
export const machineOf = (
  nodeName: string, { claim }: InstanceRecord, instance: Instance, type: InstanceType | undefined
): Machine => {
  const classHash = classHashOf(instance)
  const isKnown = classHash === undefined || claim.metadata.annotations?.[annotation.nodeClassHash] !== undefined
  return {
    nodeName,
    providerID: providerIDOf(instance.id),
    labels: type === undefined ? { [label.instanceType]: instance.type ?? "" } : launchLabels(claim, type),
    annotations: isKnown ? {} : originOf(classHash, userTagsOf(instance)),
    ...machineRoom(type),
    imageID: instance.image ?? undefined
  }
}
