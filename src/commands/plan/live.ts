/** The objects of a real cluster, read as they are. Nothing is written. */
import { Effect } from "effect"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { loadKubeConfig } from "../../kube/kubeconfig.ts"
import * as liveKube from "../../kube/live.ts"
import type { KubeObject, Workload } from "../../kube/objects.ts"
import {
  CSINodes, DaemonSets, Namespaces, Nodes, PersistentVolumeClaims, PersistentVolumes, PodDisruptionBudgets, Pods, ReplicaSets,
  Services, StatefulSets, StorageClasses
} from "../../kube/resources.ts"
import type { Resource } from "../../kube/resources.ts"
import { badInput } from "./badInput.ts"
import type { BadInput } from "./badInput.ts"
import type { Document } from "./documents.ts"

const own: ReadonlyArray<Resource> = [NodePools as Resource, LinodeNodeClasses as Resource, NodeClaims as Resource]

/** What planning looks at. */
const always: ReadonlyArray<Resource> = [
  ...own, Nodes as Resource, Pods as Resource, DaemonSets as Resource, PodDisruptionBudgets as Resource, Namespaces,
  PersistentVolumeClaims as Resource, PersistentVolumes as Resource, StorageClasses as Resource, CSINodes as Resource
]

/** What default spread constraints are deduced from. */
const selecting: ReadonlyArray<Resource> = [Services as Resource, ReplicaSets as Resource, StatefulSets as Resource]

/** A workload of a live cluster has made its pods already, as many as it could. */
const asMade = (object: KubeObject): KubeObject => object.kind !== "ReplicaSet" && object.kind !== "StatefulSet"
  ? object
  : { ...object, spec: { ...(object as Workload).spec, replicas: 0 } } as Workload

const pageSize = 500

const unreadable = (resource: Resource) => (error: KubeError): BadInput => badInput(
  isNotFound(error)
    ? `the cluster does not know ${resource.kind}: install charts/karpenter-crd, or plan from files with -f`
    : `cannot read ${resource.plural} from the cluster: ${error.message}`
)

const listAll = Effect.fnUntraced(function*(kube: Kube["Service"], resource: Resource) {
  const items: Array<KubeObject> = []
  let next: string | undefined
  do {
    const page = yield* kube.list(resource, { limit: pageSize, ...(next === undefined ? {} : { continue: next }) })
    items.push(...page.items)
    next = page.continue
  } while (next !== undefined)
  return items
})

const readAll = Effect.fnUntraced(function*(wanted: ReadonlyArray<Resource>) {
  const kube = yield* Kube
  const lists = yield* Effect.forEach(wanted, (resource) => listAll(kube, resource).pipe(
    // A server that does not serve a kind has none of it; without ours there is nothing to plan with.
    Effect.catchIf((error) => isNotFound(error) && !own.includes(resource), () => Effect.succeed<ReadonlyArray<KubeObject>>([])),
    Effect.mapError(unreadable(resource))
  ), { concurrency: 4 })
  return lists.flat().map((object): Document => ({ where: "the cluster", value: asMade(object) }))
})

/**
 * Every object of the cluster that planning looks at; `withSelecting`: also what selects pods. Fails in one line when the cluster
 * cannot be reached or read.
 */
export const readCluster = Effect.fnUntraced(function*(
  env: Readonly<Record<string, string | undefined>>, withSelecting: boolean
) {
  const config = yield* loadKubeConfig({ env })
  return yield* Effect.provide(
    readAll(withSelecting ? [...always, ...selecting] : always), liveKube.layerOf(config, { qps: 200, burst: 300 })
  )
})
