/** Which volumes a drained node still has to let go of (Karpenter's node/termination). Pure. */
import { isDrainable } from "../../cluster/podPredicates.ts"
import type { PersistentVolumeClaim, Pod, Ref, VolumeAttachment } from "../../kube/objects.ts"

/** The claims that a pod uses; a generic ephemeral volume has one of its own. */
const claimsOf = ({ metadata, spec }: Pod): ReadonlyArray<Ref> => (spec.volumes ?? []).flatMap((volume) => {
  const name = volume.persistentVolumeClaim?.claimName ??
    (volume.ephemeral === undefined ? undefined : `${metadata.name}-${volume.name}`)
  return name === undefined ? [] : [{ name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) }]
})

/**
 * The attachments to wait for. Volumes of pods that a drain leaves on the node stay attached until the node is gone, so
 * nobody waits for those; nor for what is not a PersistentVolume.
 */
export const pendingAttachments = (
  attachments: ReadonlyArray<VolumeAttachment>,
  pods: ReadonlyArray<Pod>,
  claim: (ref: Ref) => PersistentVolumeClaim | undefined,
  nowMillis: number
): ReadonlyArray<VolumeAttachment> => {
  const staying = new Set(pods.filter((pod) => !isDrainable(pod, nowMillis))
    .flatMap((pod) => claimsOf(pod).flatMap((ref) => claim(ref)?.spec.volumeName ?? [])))
  return attachments.filter(({ spec: { source } }) =>
    source.persistentVolumeName !== undefined && !staying.has(source.persistentVolumeName))
}
