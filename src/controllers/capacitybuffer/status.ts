/** What a buffer says of itself. Pure. */
import { activeCapacity, withCondition } from "../../apis/capacityBuffer.ts"
import type { CapacityBuffer } from "../../apis/capacityBuffer.ts"
import type { Fit } from "./bufferRoom.ts"
import type { Resolution } from "./resolve.ts"

type Said = Parameters<typeof withCondition>[1]

const readiness = (resolution: Resolution): Said => {
  const type = "ReadyForProvisioning"
  return resolution.is === "resolved"
    ? { type, status: "True", reason: "Resolved", message: "" }
    : { type, status: "False", reason: resolution.reason, message: resolution.message }
}

const countOf = (fit: Fit): number => fit.ready + fit.coming + fit.left

const shortage = (fit: Fit): string => [
  `${fit.ready} of ${countOf(fit)} pods have room`,
  ...(fit.coming === 0 ? [] : [`${fit.coming} will have it on nodes that are on their way`]),
  ...(fit.left === 0 ? [] : [`${fit.left} find none: ${fit.why}`])
].join(", ")

/** Undefined while no pass has looked at the buffer as it is: then the condition stays as it was. */
const provisioning = (resolution: Resolution, count: number, fit: Fit | undefined): Said | undefined => {
  const type = "Provisioning"
  const not = (reason: string, message: string): Said => ({ type, status: "False", reason, message })
  if (resolution.is === "failed") return not("NotReadyForProvisioning", "what the buffer is for is not known")
  if (count === 0) return not("BufferEmpty", "the buffer is for no pods")
  if (fit === undefined || countOf(fit) !== count) return undefined
  if (fit.ready < count) return not("RequiresNewCapacity", shortage(fit))
  return { type, status: "True", reason: "FitsExistingCapacity", message: "" }
}

/** The buffer with its status as it should be; the same object when it is so already. `now` is an ISO timestamp. */
export const judged = (
  buffer: CapacityBuffer, resolution: Resolution, count: number, fit: Fit | undefined, now: string
): CapacityBuffer => {
  const said = provisioning(resolution, count, fit)
  const ready = withCondition(buffer, readiness(resolution), now)
  const told = said === undefined ? ready : withCondition(ready, said, now)
  if (resolution.is === "failed") return told
  const { podTemplateGeneration: _, podTemplateRef: __, ...status } = told.status ?? {}
  const { podTemplate } = resolution
  const next = {
    ...status,
    replicas: count,
    provisioningStrategy: buffer.spec.provisioningStrategy ?? activeCapacity,
    ...(podTemplate === undefined ? {} : { podTemplateRef: { name: podTemplate.name } }),
    ...(podTemplate?.generation === undefined ? {} : { podTemplateGeneration: podTemplate.generation })
  }
  const known = told.status
  const isSame = known?.replicas === next.replicas && known.provisioningStrategy === next.provisioningStrategy &&
    known.podTemplateRef?.name === next.podTemplateRef?.name && known.podTemplateGeneration === next.podTemplateGeneration
  return isSame ? told : { ...told, status: next }
}
