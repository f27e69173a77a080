/**
 * The pods that Deployments, ReplicaSets, StatefulSets and Jobs are still going to make: as many as are asked for, less those of
 * theirs that the input holds already. Pure.
 */
import { isActive } from "../../cluster/podPredicates.ts"
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
  template: Template, name: string, namespace: string | undefined, owner: Owner, apiVersion: string
): PlannedPod => ({
  metadata: {
    ...template.metadata,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ownerReferences: [{ apiVersion, controller: true, ...owner }]
  },
  spec: template.spec
})

/** Free numbers from `start` on, skipping the pods that are there. */
const numbers = (count: number, start: number, isTaken: (n: number) => boolean): ReadonlyArray<number> => {
  const free: Array<number> = []
  for (let n = start; free.length < count; n++) if (!isTaken(n)) free.push(n)
  return free
}

export const comingPods = (inventory: Inventory): Coming => {
  const pods: Array<PlannedPod> = []
  const claims: Array<Claim> = []
  const there = new Set(inventory.pods.map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`))
  const knownClaims = new Set(inventory.persistentVolumeClaims.map((claim) => `${claim.metadata.namespace}/${claim.metadata.name}`))
  const deployments = new Set(inventory.deployments.map(({ metadata }) => key(metadata.namespace, "Deployment", metadata.name)))
  const own = new Map<string, Array<PlannedPod>>()
  for (const pod of inventory.pods) {
    if (!isActive(pod as never)) continue
    const workload = workloadOf(pod.metadata)
    const owner = controllerOf(pod.metadata)
    for (const each of new Set([workload, owner])) {
      if (each === undefined) continue
      const at = key(pod.metadata.namespace, each.kind, each.name)
      own.set(at, [...own.get(at) ?? [], pod])
    }
  }
  const ownOf = (kind: string, { name, namespace }: Meta): ReadonlyArray<PlannedPod> => own.get(key(namespace, kind, name)) ?? []
  const isThere = ({ name, namespace }: Meta) => (n: number): boolean => there.has(`${namespace}/${name}-${n}`)

  for (const { metadata, spec } of inventory.deployments) {
    const existing = ownOf("Deployment", metadata)
    const hash = existing[0]?.metadata.labels?.[hashLabel] ?? unknownHash
    const template = { ...spec.template, metadata: { ...spec.template.metadata, labels: { ...spec.template.metadata?.labels, [hashLabel]: hash } } }
    for (const n of numbers((spec.replicas ?? 1) - existing.length, 1, isThere(metadata))) {
      pods.push(podOf(template, `${metadata.name}-${n}`, metadata.namespace, { kind: "ReplicaSet", name: `${metadata.name}-${hash}` }, "apps/v1"))
    }
  }
  for (const { metadata, spec } of inventory.replicaSets) {
    const owner = controllerOf(metadata)
    if (owner !== undefined && deployments.has(key(metadata.namespace, owner.kind, owner.name))) continue
    for (const n of numbers((spec.replicas ?? 1) - ownOf("ReplicaSet", metadata).length, 1, isThere(metadata))) {
      pods.push(podOf(spec.template, `${metadata.name}-${n}`, metadata.namespace, { kind: "ReplicaSet", name: metadata.name }, "apps/v1"))
    }
  }
  for (const { metadata, spec } of inventory.statefulSets) {
    const start = spec.ordinals?.start ?? 0
    for (let n = start; n < start + (spec.replicas ?? 1); n++) {
      if (isThere(metadata)(n)) continue
      const name = `${metadata.name}-${n}`
      const templates = spec.volumeClaimTemplates ?? []
      const named = new Set(templates.map((template) => template.metadata.name))
      const volumes = [
        ...(spec.template.spec.volumes ?? []).filter((volume) => !named.has(volume.name)),
        ...templates.map((template) => ({
          name: template.metadata.name, persistentVolumeClaim: { claimName: `${template.metadata.name}-${name}` }
        }))
      ]
      const template = { ...spec.template, spec: { ...spec.template.spec, ...(volumes.length === 0 ? {} : { volumes }) } }
      pods.push(podOf(template, name, metadata.namespace, { kind: "StatefulSet", name: metadata.name }, "apps/v1"))
      for (const { metadata: { name: volume }, spec: claim } of templates) {
        if (knownClaims.has(`${metadata.namespace}/${volume}-${name}`)) continue
        claims.push({
          metadata: { name: `${volume}-${name}`, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) },
          spec: claim,
          status: { phase: "Pending" }
        })
      }
    }
  }
  for (const { metadata, spec, status } of inventory.jobs) {
    const isOver = (status?.conditions ?? []).some(({ status: is, type }) => is === "True" && (type === "Complete" || type === "Failed"))
    if (spec.suspend === true || isOver) continue
    const left = spec.completions === undefined ? Infinity : spec.completions - (status?.succeeded ?? 0)
    for (const n of numbers(Math.min(spec.parallelism ?? 1, left) - ownOf("Job", metadata).length, 1, isThere(metadata))) {
      pods.push(podOf(spec.template, `${metadata.name}-${n}`, metadata.namespace, { kind: "Job", name: metadata.name }, "batch/v1"))
    }
  }
  return { pods, claims }
}
