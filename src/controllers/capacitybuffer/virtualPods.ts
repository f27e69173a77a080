/** The pods that a buffer keeps room for, as the scheduler is told of them. They never reach the API server. Pure. */
import type { CapacityBuffer } from "../../apis/capacityBuffer.ts"
import { annotation } from "../../apis/labels.ts"
import type { Pod, PodSpec, PodTemplate } from "../../kube/objects.ts"

/** Below every pod there is. */
const lowest = -2_147_483_648

/** Without what a pod gets later, or what binds it to one place: its claims for volumes are not there yet. */
const freed = (template: PodSpec): PodSpec => {
  const { nodeName: _, priorityClassName: __, volumes = [], ...spec } = template
  const left = volumes.filter((volume) => volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined)
  return { ...spec, priority: lowest, ...(left.length === 0 ? {} : { volumes: left }) }
}

/** Numbered from 1, and the same for the same buffer. */
export const virtualPods = ({ metadata }: CapacityBuffer, template: PodTemplate, count: number): ReadonlyArray<Pod> => {
  const { name, namespace = "default", uid = "" } = metadata
  const spec = freed(template.spec)
  return Array.from({ length: count }, (_, i): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `capacity-buffer-${name}-${i + 1}`,
      namespace,
      uid: `${uid}-${i + 1}`,
      ...(metadata.creationTimestamp === undefined ? {} : { creationTimestamp: metadata.creationTimestamp }),
      labels: { ...template.metadata?.labels },
      annotations: {
        [annotation.bufferFakePod]: "true",
        [annotation.bufferName]: name,
        [annotation.bufferNamespace]: namespace
      }
    },
    spec,
    status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] }
  }))
}

/** `namespace/name` of the buffer that the pod belongs to; undefined for a real pod. */
export const bufferOf = ({ metadata: { annotations } }: Pod): string | undefined =>
  annotations?.[annotation.bufferFakePod] === "true"
    ? `${annotations[annotation.bufferNamespace]}/${annotations[annotation.bufferName]}`
    : undefined
