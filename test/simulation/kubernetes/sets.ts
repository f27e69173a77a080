/**
 * StatefulSets and DaemonSets. A StatefulSet makes and ends its pods one at a time and by number: a pod comes back under its name,
 * and only when the one before it is gone and all with lower numbers are ready. A DaemonSet has a pod on every node that it tolerates.
 */
import type { ApiServer } from "../../../src/kube/memory/server.ts"
import type { DaemonSet, KubeObject, Node, Pod, Workload } from "../../../src/kube/objects.ts"
import { Pods } from "../../../src/kube/resources.ts"
import { isReady, tolerates } from "../../../src/simulator/kubernetes/fit.ts"

const isLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined
const isRunning = ({ status }: Pod): boolean =>
  status?.phase === "Running" && status.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true

const ownerOf = (kind: string, { metadata }: KubeObject) =>
  [{ apiVersion: "apps/v1", kind, name: metadata.name, uid: metadata.uid ?? "", controller: true }]

export const ownedBy = (pods: ReadonlyArray<Pod>, { metadata }: KubeObject): ReadonlyArray<Pod> =>
  pods.filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === metadata.uid)

export const statefulSetTurn = (server: ApiServer, set: Workload, pods: ReadonlyArray<Pod>): void => {
  const { name, namespace = "default" } = set.metadata
  const byName = new Map(pods.filter((pod) => pod.metadata.namespace === namespace).map((pod) => [pod.metadata.name, pod]))
  const wanted = set.spec.replicas ?? 1
  for (let i = 0; i < wanted; i++) {
    const pod = byName.get(`${name}-${i}`)
    if (pod === undefined) {
      server.create(Pods, {
        metadata: { ...set.spec.template.metadata, name: `${name}-${i}`, namespace, ownerReferences: ownerOf("StatefulSet", set) },
        spec: set.spec.template.spec
      } as Pod)
      return
    }
    if (isLeaving(pod) || !isRunning(pod)) return
  }
  const numberOf = (pod: Pod): number => Number(pod.metadata.name.slice(name.length + 1))
  const last = ownedBy(pods, set).filter((pod) => numberOf(pod) >= wanted).toSorted((a, b) => numberOf(b) - numberOf(a))[0]
  if (last !== undefined && !isLeaving(last)) server.delete(Pods, last.metadata)
}

/** Kubernetes' own marks of a node's health keep no daemon away. */
const isHealth = (key: string): boolean => key.startsWith("node.kubernetes.io/")

export const belongsOn = ({ spec }: DaemonSet, node: Node): boolean => (node.spec?.taints ?? []).every((taint) =>
  isHealth(taint.key) || taint.effect === "PreferNoSchedule" || tolerates(spec.template.spec.tolerations ?? [], taint))

export const daemonSetTurn = (server: ApiServer, set: DaemonSet, nodes: Iterable<Node>, pods: ReadonlyArray<Pod>): void => {
  const there = new Set(ownedBy(pods, set).map(({ spec }) => spec.nodeName))
  for (const node of nodes) {
    const { name } = node.metadata
    if (there.has(name) || !isReady(node) || !belongsOn(set, node)) continue
    server.create(Pods, {
      metadata: {
        ...set.spec.template.metadata, name: "", generateName: `${set.metadata.name}-`, namespace: set.metadata.namespace ?? "default",
        ownerReferences: ownerOf("DaemonSet", set)
      },
      spec: { ...set.spec.template.spec, nodeName: name }
    } as Pod)
  }
}
