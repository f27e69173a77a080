/** What the scheduler has to know beside pods and nodes: storage, namespaces, and what selects pods. */
import { Effect } from "effect"
import { Caches } from "../kube/caches.ts"
import type { Store } from "../kube/caches.ts"
import type { CSINode, KubeObject } from "../kube/objects.ts"
import {
  CSINodes, Namespaces, PersistentVolumeClaims, PersistentVolumes, ReplicaSets, ReplicationControllers, Services, StatefulSets,
  StorageClasses
} from "../kube/resources.ts"
import type { ExistingNode, Problem, Selecting, SpreadConstraint } from "../scheduling/problem.ts"

export type VolumeLimits = NonNullable<ExistingNode["volumeLimits"]>

export interface Surroundings extends Pick<
  Problem, "persistentVolumeClaims" | "persistentVolumes" | "storageClasses" | "namespaces" | "defaultSpread"
> {
  /** By node: what its CSINode says. A node that is not here has none yet. */
  readonly volumeLimits: ReadonlyMap<string, VolumeLimits>
}

export const noSurroundings: Surroundings = { volumeLimits: new Map() }

/** How many volumes of each driver a node can have attached. A driver that does not say has no limit. */
export const volumeLimitsOf = (nodes: ReadonlyArray<CSINode>): ReadonlyMap<string, VolumeLimits> =>
  new Map(nodes.map(({ metadata: { name }, spec: { drivers = [] } }) => [
    name,
    Object.fromEntries(drivers.flatMap(({ allocatable, name: driver }) =>
      allocatable?.count === undefined ? [] : [[driver, allocatable.count]]))
  ]))

type Selector = Selecting["spec"]["selector"]

/** Objects of a list do not say their kind. */
const selecting = <A extends KubeObject & { readonly spec?: { readonly selector?: NonNullable<Selector> } }>(
  store: Store<A>
): ReadonlyArray<Selecting> =>
  store.list().map(({ metadata, spec }) => ({
    kind: store.resource.kind,
    metadata,
    spec: spec?.selector === undefined ? {} : { selector: spec.selector }
  }))

/** Read anew at each call. Services and controllers of pods are read for default constraints only, and must be cached then. */
export const surroundings = Effect.fnUntraced(function*(defaultConstraints: ReadonlyArray<SpreadConstraint>) {
  const caches = yield* Caches
  const result: Surroundings = {
    persistentVolumeClaims: caches.store(PersistentVolumeClaims).list(),
    persistentVolumes: caches.store(PersistentVolumes).list(),
    storageClasses: caches.store(StorageClasses).list(),
    namespaces: caches.store(Namespaces).list(),
    volumeLimits: volumeLimitsOf(caches.store(CSINodes).list()),
    ...(defaultConstraints.length === 0 ? {} : {
      defaultSpread: {
        constraints: defaultConstraints,
        selecting: [
          ...selecting(caches.store(Services)),
          ...selecting(caches.store(ReplicationControllers)),
          ...selecting(caches.store(ReplicaSets)),
          ...selecting(caches.store(StatefulSets))
        ]
      }
    })
  }
  return result
})
