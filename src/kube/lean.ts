/**
 * What is dropped on the way into the caches: what nobody here reads, and what can be larger than all the rest. No object of a cache
 * is ever written back whole.
 */
import type { Container, KubeObject, Node, Pod } from "./objects.ts"

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

/** Of any kind: managedFields and kubectl's copy of the manifest. */
export const lean = <A extends KubeObject>(object: A): A => {
  const metadata = object.metadata
  const managed = "managedFields" in metadata
  const copied = metadata.annotations !== undefined && lastApplied in metadata.annotations
  if (!managed && !copied) return object
  const { managedFields: _, ...kept }: KubeObject["metadata"] & { readonly managedFields?: unknown } = metadata
  if (!copied) return { ...object, metadata: kept }
  const { [lastApplied]: __, ...annotations } = kept.annotations ?? {}
  return { ...object, metadata: { ...kept, annotations } }
}

/** The object with these fields alone; the same one where it has no others. */
const only = <A extends object>(object: A, fields: ReadonlyArray<keyof A & string>): A => {
  const known: ReadonlyArray<string> = fields
  return Object.keys(object).every((key) => known.includes(key))
    ? object
    : Object.fromEntries(Object.entries(object).filter(([key]) => known.includes(key))) as A
}

/** The same list where no item changes. */
const each = <A>(items: ReadonlyArray<A>, change: (item: A) => A): ReadonlyArray<A> => {
  const changed = items.map(change)
  return changed.every((item, i) => item === items[i]) ? items : changed
}

const leanContainer = (container: Container): Container => only(container, ["name", "image", "restartPolicy", "ports", "resources"])

/** Containers say what they need, not what they run; of the volumes stay those with claims. */
export const leanPod = (pod: Pod): Pod => {
  const { metadata, spec, status, ...rest } = lean(pod)
  const containers = each(spec.containers, leanContainer)
  const initContainers = spec.initContainers === undefined ? undefined : each(spec.initContainers, leanContainer)
  const claiming = spec.volumes?.filter((volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined)
  const volumes = claiming?.length === spec.volumes?.length ? spec.volumes : claiming
  const said = status === undefined ? undefined : only(status, ["phase", "nominatedNodeName", "startTime", "conditions"])
  const isLean = metadata === pod.metadata && containers === spec.containers && initContainers === spec.initContainers &&
    volumes === spec.volumes && said === status
  if (isLean) return pod
  const { volumes: _, ...kept } = spec
  return {
    ...rest,
    metadata,
    spec: {
      ...kept,
      containers,
      ...(initContainers === undefined ? {} : { initContainers }),
      ...(volumes === undefined || volumes.length === 0 ? {} : { volumes })
    },
    ...(said === undefined ? {} : { status: said })
  }
}

/** Without the list of images above all. */
export const leanNode = (node: Node): Node => {
  const kept = lean(node)
  const { status } = kept
  if (status === undefined) return kept
  const said = only(status, ["capacity", "allocatable", "conditions", "addresses", "nodeInfo"])
  return said === status ? kept : { ...kept, status: said }
}
