/** What the demo shows at one moment, as plain data: taken from the API server and the simulated Linode, drawn by `picture.ts`. */
import { Clock, Effect } from "effect"
import { label } from "../../apis/labels.ts"
import { nodeClaimConditions } from "../../apis/conditions.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { Event, Pod } from "../../kube/objects.ts"
import { Events, Nodes, Pods } from "../../kube/resources.ts"
import type { LinodeCloud } from "../../simulator/linode/linodeCloud.ts"
import { requestsOf } from "../../simulator/kubernetes/fit.ts"

export type NodeState = "ordered" | "joining" | "ready" | "draining" | "leaving"

export interface NodeBar {
  readonly name: string
  readonly type: string
  readonly hourlyPrice: number
  readonly state: NodeState
  /** Cores. */
  readonly requested: number
  readonly cores: number
  readonly pods: number
}

export interface Happening {
  /** Milliseconds since the demo began. */
  readonly at: number
  readonly source: "you" | "karpenter" | "linode" | "kubernetes"
  readonly text: string
}

export interface Scene {
  readonly elapsedMillis: number
  readonly running: number
  readonly pending: number
  readonly hourlyPrice: number
  readonly peakHourlyPrice: number
  readonly nodes: ReadonlyArray<NodeBar>
}

export const isRunning = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && pod.status?.phase === "Running"

/** Looks at everything once. `began` is when the demo began, in milliseconds of the clock. */
export const look = (cloud: LinodeCloud, began: number): Effect.Effect<Scene, KubeError, Kube> => Effect.gen(function*() {
  const kube = yield* Kube
  const pods = (yield* kube.list(Pods, { namespace: "default" })).items
  const joined = new Map((yield* kube.list(Nodes)).items.map((node) => [node.metadata.name, node]))
  const claims = new Map((yield* kube.list(NodeClaims)).items.flatMap((claim) =>
    claim.status?.nodeName === undefined ? [] : [[claim.status.nodeName, claim] as const]))
  const nodes = cloud.purchases.flatMap((purchase): ReadonlyArray<NodeBar> => {
    const { name } = purchase
    const node = joined.get(name)
    if (purchase.seeded || (purchase.deletedAt !== undefined && node === undefined)) return []
    const claim = claims.get(name)
    const own = pods.filter((pod) => pod.spec.nodeName === name)
    const ready = claim !== undefined && nodeClaimConditions.isTrue(claim, "Initialized")
    const leaving = node?.metadata.deletionTimestamp !== undefined || claim?.metadata.deletionTimestamp !== undefined
    return [{
      name,
      type: purchase.type,
      hourlyPrice: purchase.hourlyPrice,
      state: purchase.deletedAt !== undefined ? "leaving" : leaving ? "draining" : ready ? "ready" : node === undefined ? "ordered" : "joining",
      requested: own.reduce((sum, pod) => sum + (requestsOf(pod).get("cpu") ?? 0), 0),
      cores: cloud.types.get(purchase.type)?.vcpus ?? 0,
      pods: own.length
    }]
  })
  return {
    elapsedMillis: (yield* Clock.currentTimeMillis) - began,
    running: pods.filter(isRunning).length,
    pending: pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isRunning(pod)).length,
    hourlyPrice: cloud.hourlyPrice,
    peakHourlyPrice: cloud.peakHourlyPrice,
    nodes
  }
})

/** Events that repeat for each pod, or tell a step that another event tells too. */
const quiet = new Set(["Nominated", "FailedScheduling", "DisruptionBlocked", "ValidationSucceeded", "NodeClassReady", "Initialized"])

/** A transition to True needs no more words than its condition. */
const words = (event: Event): string =>
  event.type === "Normal" && event.message.startsWith("Status condition transitioned") ? event.reason : event.message

/** Karpenter's events since the last look, oldest first, without the quiet ones. */
export const newEvents = (seen: Set<string>, began: number): Effect.Effect<ReadonlyArray<Happening>, KubeError, Kube> =>
  Effect.gen(function*() {
    const kube = yield* Kube
    const fresh = (yield* kube.list(Events)).items.filter((event) => !seen.has(event.metadata.uid ?? ""))
    for (const event of fresh) seen.add(event.metadata.uid ?? "")
    return fresh.filter((event) => !quiet.has(event.reason)).map((event): Happening => ({
      at: Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp ?? "") - began,
      source: "karpenter",
      text: `${event.involvedObject.kind ?? ""} ${event.involvedObject.name ?? ""}: ${words(event)}`
    }))
  })

/** The label that makes a Node ours. */
export const isOurs = (labels: Readonly<Record<string, string>> | undefined): boolean => labels?.[label.nodePool] !== undefined
