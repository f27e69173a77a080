/** A Deployment controller in miniature: as many pods as `spec.replicas`, the least useful ones deleted first. */
import { Effect } from "effect"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Pod, Workload } from "../../kube/objects.ts"
import { Deployments, Pods } from "../../kube/resources.ts"
import { everySoOften } from "./loop.ts"

/** Unassigned before pending before running, younger before older: the order in which a ReplicaSet gives pods up. */
const usefulness = (pod: Pod): string =>
  `${pod.spec.nodeName === undefined ? 0 : pod.status?.phase === "Running" ? 2 : 1} ${pod.metadata.creationTimestamp ?? ""}`

const leastUsefulFirst = (a: Pod, b: Pod): number => {
  const [rankA, ageA] = usefulness(a).split(" ") as [string, string]
  const [rankB, ageB] = usefulness(b).split(" ") as [string, string]
  return rankA === rankB ? ageB.localeCompare(ageA) : rankA.localeCompare(rankB)
}

const podOf = (deployment: Workload): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    ...deployment.spec.template.metadata,
    name: "",
    generateName: `${deployment.metadata.name}-`,
    namespace: deployment.metadata.namespace ?? "default",
    ownerReferences: [{
      apiVersion: "apps/v1", kind: "Deployment", name: deployment.metadata.name, uid: deployment.metadata.uid ?? "", controller: true
    }]
  },
  spec: deployment.spec.template.spec,
  status: { phase: "Pending" }
})

const pass = Effect.gen(function*() {
  const kube = yield* Kube
  const deployments = yield* kube.list(Deployments)
  const pods = (yield* kube.list(Pods)).items
  for (const deployment of deployments.items) {
    if (deployment.metadata.deletionTimestamp !== undefined) continue
    const own = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined &&
      pod.metadata.ownerReferences?.some((owner) => owner.uid === deployment.metadata.uid) === true)
    const wanted = deployment.spec.replicas ?? 1
    for (let i = own.length; i < wanted; i++) yield* kube.create(Pods, podOf(deployment))
    for (const pod of own.toSorted(leastUsefulFirst).slice(0, Math.max(0, own.length - wanted))) {
      yield* kube.delete(Pods, pod.metadata).pipe(Effect.catchIf(isNotFound, () => Effect.void))
    }
  }
})

/** Runs until interrupted. */
export const workloads: Effect.Effect<never, never, Kube> = everySoOften("1 second", pass)
