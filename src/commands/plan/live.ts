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
import type { KubeObject } from "../../kube/objects.ts"
import { DaemonSets, Namespaces, Nodes, PodDisruptionBudgets, Pods, resource } from "../../kube/resources.ts"
import type { Resource } from "../../kube/resources.ts"
import { badInput } from "./badInput.ts"
import type { BadInput } from "./badInput.ts"
import type { Document } from "./documents.ts"

const storage = [
  resource<KubeObject>("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "Namespaced"),
  resource<KubeObject>("v1", "PersistentVolume", "persistentvolumes", "Cluster"),
  resource<KubeObject>("storage.k8s.io/v1", "StorageClass", "storageclasses", "Cluster"),
  resource<KubeObject>("storage.k8s.io/v1", "CSINode", "csinodes", "Cluster")
]

const own: ReadonlyArray<Resource> = [NodePools as Resource, LinodeNodeClasses as Resource, NodeClaims as Resource]

/** What planning looks at. */
const wanted: ReadonlyArray<Resource> = [
  ...own, Nodes as Resource, Pods as Resource, DaemonSets as Resource, PodDisruptionBudgets as Resource, Namespaces, ...storage
]

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

const readAll = Effect.flatMap(Kube, (kube) => Effect.forEach(wanted, (resource) => listAll(kube, resource).pipe(
  // A server that does not serve a kind has none of it; without ours there is nothing to plan with.
  Effect.catchIf((error) => isNotFound(error) && !own.includes(resource), () => Effect.succeed<ReadonlyArray<KubeObject>>([])),
  Effect.mapError(unreadable(resource)),
  Effect.map((items): ReadonlyArray<Document> => items.map((value) => ({ where: "the cluster", value })))
), { concurrency: 4 }))

/** Every object of the cluster that planning looks at. Fails in one line when the cluster cannot be reached or read. */
export const readCluster = Effect.fnUntraced(function*(env: Readonly<Record<string, string | undefined>>) {
  const config = yield* loadKubeConfig({ env })
  return (yield* Effect.provide(readAll, liveKube.layerOf(config, { qps: 200, burst: 300 }))).flat()
})
