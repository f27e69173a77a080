/**
 * The pods that Deployments, ReplicaSets, StatefulSets and Jobs are still going to make: as many as are asked for, less those of
 * theirs that the input holds already. Pure.
 */
import { isActive } from "../../cluster/podPredicates.ts"
import type { Pod } from "../../kube/objects.ts"
import type { Selecting } from "../../scheduling/problem.ts"
import type { Inventory } from "./kinds.ts"
import type { PlannedPod } from "./podSchema.ts"

type Claim = Inventory["persistentVolumeClaims"][number]
type Template = Inventory["deployments"][number]["spec"]["template"]
type Meta = PlannedPod["metadata"]

export interface Coming {
  readonly pods: ReadonlyArray<PlannedPod>
  /** Those that StatefulSets make before their pods. */
  readonly claims: ReadonlyArray<Claim>
}

const hashLabel = "pod-template-hash"

/** For pods of a Deployment whose real hash nobody knows; constraints may select by the label. */
const unknownHash = "planned"

interface Owner {
  readonly kind: string
  readonly name: string
}

interface Owned {
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerReferences?: ReadonlyArray<{ readonly kind: string; readonly name?: string; readonly controller?: boolean }>
}

const controllerOf = ({ ownerReferences: owners = [] }: Owned): Owner | undefined => {
  const owner = owners.find((each) => each.controller === true) ?? owners[0]
  return owner === undefined ? undefined : { kind: owner.kind, name: owner.name ?? "" }
}

/** The workload that a pod belongs to: its Deployment where its ReplicaSet's name tells it, else whatever controls it. */
export const workloadOf = (metadata: Owned): Owner | undefined => {
  const owner = controllerOf(metadata)
  const hash = metadata.labels?.[hashLabel]
  return owner?.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)
    ? { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) }
    : owner
}

const key = (namespace: string | undefined, kind: string, name: string): string => `${namespace ?? "default"}/${kind}/${name}`

const podOf = (
  template: Template, name: string, namespace: string | undefined, owner: Owner & { readonly apiVersion: string }
): PlannedPod => ({
  metadata: {
    ...template.metadata,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ownerReferences: [{ controller: true, ...owner }]
  },
  spec: template.spec
})

/** Free numbers from `start` on, skipping the pods that are there. */
const numbers = (count: number, start: number, isTaken: (n: number) => boolean): ReadonlyArray<number> => {
  const free: Array<number> = []
  for (let n = start; free.length < count; n++) if (!isTaken(n)) free.push(n)
  return free
}

/** What the input holds already. */
interface Present {
  /** Active pods of a workload. */
  readonly own: (kind: string, of: Meta) => ReadonlyArray<PlannedPod>
  /** Whether `<name>-<n>` is taken. */
  readonly isTaken: (of: Meta) => (n: number) => boolean
  readonly hasClaim: (namespace: string | undefined, name: string) => boolean
}

const presentIn = (inventory: Inventory): Present => {
  const names = new Set(inventory.pods.map(({ metadata }) => key(metadata.namespace, "Pod", metadata.name)))
  const claims = new Set(inventory.persistentVolumeClaims.map(({ metadata }) => key(metadata.namespace, "Claim", metadata.name)))
  const own = new Map<string, Array<PlannedPod>>()
  for (const pod of inventory.pods) {
    if (!isActive(pod as Pod)) continue
    const owners = [workloadOf(pod.metadata), controllerOf(pod.metadata)].flatMap((owner) =>
      owner === undefined ? [] : [key(pod.metadata.namespace, owner.kind, owner.name)])
    for (const owner of new Set(owners)) {
      const pods = own.get(owner)
      if (pods === undefined) own.set(owner, [pod])
      else pods.push(pod)
    }
  }
  return {
    own: (kind, { name, namespace }) => own.get(key(namespace, kind, name)) ?? [],
    isTaken: ({ name, namespace }) => (n) => names.has(key(namespace, "Pod", `${name}-${n}`)),
    hasClaim: (namespace, name) => claims.has(key(namespace, "Claim", name))
  }
}

/** That of its pods, as far as it has any. */
const hashOf = (deployment: Inventory["deployments"][number], present: Present): string =>
  present.own("Deployment", deployment.metadata)[0]?.metadata.labels?.[hashLabel] ?? unknownHash

const ofDeployment = (deployment: Inventory["deployments"][number], present: Present): ReadonlyArray<PlannedPod> => {
  const { metadata, spec } = deployment
  const existing = present.own("Deployment", metadata)
  const hash = hashOf(deployment, present)
  const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash }
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } }
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: `${metadata.name}-${hash}` }
  return numbers((spec.replicas ?? 1) - existing.length, 1, present.isTaken(metadata))
    .map((n) => podOf(template, `${metadata.name}-${n}`, metadata.namespace, owner))
}

const ofReplicaSet = ({ metadata, spec }: Inventory["replicaSets"][number], present: Present): ReadonlyArray<PlannedPod> => {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: metadata.name }
  return numbers((spec.replicas ?? 1) - present.own("ReplicaSet", metadata).length, 1, present.isTaken(metadata))
    .map((n) => podOf(spec.template, `${metadata.name}-${n}`, metadata.namespace, owner))
}

/** Its pods have their numbers for good, and a claim each for every one of its claim templates. */
const ofStatefulSet = ({ metadata, spec }: Inventory["statefulSets"][number], present: Present): Coming => {
  const { name, namespace } = metadata
  const start = spec.ordinals?.start ?? 0
  const templates = spec.volumeClaimTemplates ?? []
  const templated = new Set(templates.map((template) => template.metadata.name))
  const others = (spec.template.spec.volumes ?? []).filter((volume) => !templated.has(volume.name))
  const missing = Array.from({ length: spec.replicas ?? 1 }, (_, i) => start + i)
    .filter((n) => !present.isTaken(metadata)(n)).map((n) => `${name}-${n}`)
  return {
    pods: missing.map((pod) => {
      const volumes = templates.map((template) =>
        ({ name: template.metadata.name, persistentVolumeClaim: { claimName: `${template.metadata.name}-${pod}` } }))
      const template = { ...spec.template, spec: { ...spec.template.spec, volumes: [...others, ...volumes] } }
      return podOf(template, pod, namespace, { apiVersion: "apps/v1", kind: "StatefulSet", name })
    }),
    claims: missing.flatMap((pod) => templates.map((template): Claim => ({
      metadata: { name: `${template.metadata.name}-${pod}`, ...(namespace === undefined ? {} : { namespace }) },
      spec: template.spec,
      status: { phase: "Pending" }
    }))).filter((claim) => !present.hasClaim(namespace, claim.metadata.name))
  }
}

const ofJob = ({ metadata, spec, status }: Inventory["jobs"][number], present: Present): ReadonlyArray<PlannedPod> => {
  const isOver = (status?.conditions ?? []).some((condition) =>
    condition.status === "True" && (condition.type === "Complete" || condition.type === "Failed"))
  const left = spec.completions === undefined ? Infinity : spec.completions - (status?.succeeded ?? 0)
  const wanted = spec.suspend === true || isOver ? 0 : Math.min(spec.parallelism ?? 1, left)
  const owner = { apiVersion: "batch/v1", kind: "Job", name: metadata.name }
  return numbers(wanted - present.own("Job", metadata).length, 1, present.isTaken(metadata))
    .map((n) => podOf(spec.template, `${metadata.name}-${n}`, metadata.namespace, owner))
}

/** What selects pods, for default spread constraints: also the ReplicaSets that Deployments will have. */
export const selectingOf = (inventory: Inventory): ReadonlyArray<Selecting> => {
  const present = presentIn(inventory)
  const known = new Set(inventory.replicaSets.map(({ metadata }) => key(metadata.namespace, "ReplicaSet", metadata.name)))
  return [
    ...inventory.services.map(({ metadata, spec }) => ({ kind: "Service", metadata, spec: spec ?? {} })),
    ...inventory.replicaSets.map(({ metadata, spec }) => ({ kind: "ReplicaSet", metadata, spec })),
    ...inventory.statefulSets.map(({ metadata, spec }) => ({ kind: "StatefulSet", metadata, spec })),
    ...inventory.deployments.map((deployment) => ({
      kind: "ReplicaSet",
      metadata: { ...deployment.metadata, name: `${deployment.metadata.name}-${hashOf(deployment, present)}` },
      spec: deployment.spec
    })).filter(({ metadata }) => !known.has(key(metadata.namespace, "ReplicaSet", metadata.name)))
  ].map(({ kind, metadata, spec: { selector } }) => ({ kind, metadata, spec: selector === undefined ? {} : { selector } }))
}

/** A ReplicaSet of a Deployment in the input is left to that one. */
export const comingPods = (inventory: Inventory): Coming => {
  const present = presentIn(inventory)
  const deployments = new Set(inventory.deployments.map(({ metadata }) => key(metadata.namespace, "Deployment", metadata.name)))
  const free = inventory.replicaSets.filter(({ metadata }) => {
    const owner = controllerOf(metadata)
    return owner === undefined || !deployments.has(key(metadata.namespace, owner.kind, owner.name))
  })
  const sets = inventory.statefulSets.map((set) => ofStatefulSet(set, present))
  return {
    pods: [
      ...inventory.deployments.flatMap((deployment) => ofDeployment(deployment, present)),
      ...free.flatMap((set) => ofReplicaSet(set, present)),
      ...sets.flatMap(({ pods }) => pods),
      ...inventory.jobs.flatMap((job) => ofJob(job, present))
    ],
    claims: sets.flatMap(({ claims }) => claims)
  }
}
