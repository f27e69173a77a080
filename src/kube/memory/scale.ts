/** The scale subresource: how many replicas an object asks for and has. */
import { at, put } from "./json.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"

type Scaled = NonNullable<Kind["scale"]>

const number = (value: unknown): number => typeof value === "number" ? value : 0

export const scaleOf = (scale: Scaled, object: Stored): Stored => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp })
    },
    spec: { replicas: number(at(object, ...scale.spec)) },
    status: { replicas: number(at(object, ...scale.status)) }
  }
}

/** The object with the replicas, and the version it must have, that a Scale says. */
export const withScale = (scale: Scaled, object: Stored, written: Stored): Stored => {
  const replicas = put(object, scale.spec, number(at(written, "spec", "replicas")))
  return put(replicas, ["metadata", "resourceVersion"], written.metadata.resourceVersion) as Stored
}
