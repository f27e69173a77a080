/** What a buffer is about: the pod template behind its reference, and how many pods the workload has. */
import { Effect } from "effect"
import type { CapacityBuffer } from "../../apis/capacityBuffer.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { PodTemplate, Workload } from "../../kube/objects.ts"
import { Deployments, PodTemplates, ReplicaSets, StatefulSets } from "../../kube/resources.ts"
import type { Resource } from "../../kube/resources.ts"

export type Resolution =
  | {
    readonly is: "resolved"
    readonly template: PodTemplate
    /** The workload's own pods; undefined where there is no workload. */
    readonly own: number | undefined
    readonly podTemplate: { readonly name: string; readonly generation: number | undefined } | undefined
  }
  | {
    readonly is: "failed"
    readonly reason: "ScalableRefNotFound" | "PodTemplateNotFound" | "ResolutionFailed"
    readonly message: string
    /** Set where the next try may succeed although nobody changes anything. */
    readonly error?: KubeError
  }

type Failed = Extract<Resolution, { readonly is: "failed" }>

const failed = (reason: Failed["reason"], message: string): Failed => ({ is: "failed", reason, message })

const workloads: Readonly<Record<string, Resource<Workload>>> = {
  Deployment: Deployments, StatefulSet: StatefulSets, ReplicaSet: ReplicaSets
}

/** The workload is read from the API server: nothing else here needs to know workloads. */
const ofWorkload = Effect.fnUntraced(function*(
  { apiGroup = "", kind, name }: NonNullable<CapacityBuffer["spec"]["scalableRef"]>,
  namespace: string
) {
  const resource = apiGroup === "" || apiGroup === "apps" ? workloads[kind] : undefined
  if (resource === undefined) {
    const found = apiGroup === "" ? kind : `${kind}.${apiGroup}`
    return failed("ResolutionFailed", `spec.scalableRef: found ${found}, expected one of ${Object.keys(workloads).join(", ")}`)
  }
  const kube = yield* Kube
  return yield* kube.get(resource, { name, namespace }).pipe(
    Effect.map(({ spec }): Resolution =>
      ({ is: "resolved", template: spec.template, own: spec.replicas ?? 1, podTemplate: undefined })),
    Effect.catch((error): Effect.Effect<Resolution> => Effect.succeed(isNotFound(error)
      ? failed("ScalableRefNotFound", `${kind} ${namespace}/${name} not found`)
      : { ...failed("ResolutionFailed", error.message), error }))
  )
})

/** Never fails: what went wrong is part of the answer. */
export const resolve = Effect.fnUntraced(function*({ metadata: { namespace = "default" }, spec }: CapacityBuffer) {
  if (spec.scalableRef !== undefined) return yield* ofWorkload(spec.scalableRef, namespace)
  if (spec.podTemplateRef === undefined) {
    return failed("ResolutionFailed", "spec: found neither podTemplateRef nor scalableRef, expected one of them")
  }
  const { name } = spec.podTemplateRef
  const found = (yield* Caches).store(PodTemplates).get({ name, namespace })
  if (found === undefined) return failed("PodTemplateNotFound", `PodTemplate ${namespace}/${name} not found`)
  const podTemplate = { name, generation: found.metadata.generation }
  const resolution: Resolution = { is: "resolved", template: found.template, own: undefined, podTemplate }
  return resolution
})
