/**
 * The controllers of workloads, kube-scheduler, kubelets and the pod garbage collector in one turn, which comes when something has changed
 * and not before: nothing here costs anything while nothing happens.
 */
import { timestamp } from "../../../src/kube/timestamp.ts"
import { isReady, freeOn, refusal, requestsOf } from "../../../src/simulator/kubernetes/fit.ts"
import type { Condition, Node, Pod, Workload } from "../../../src/kube/objects.ts"
import { DaemonSets, Deployments, Nodes, Pods, StatefulSets } from "../../../src/kube/resources.ts"
import type { Dice } from "../dice.ts"
import type { Stage, Who } from "../stage.ts"
import { second } from "../stage.ts"
import { daemonSetTurn, statefulSetTurn } from "./sets.ts"

const kubernetes: Who = { by: "kubernetes" }
/** What lets a turn come. */
const watched: ReadonlySet<string> = new Set(["pods", "nodes", "deployments", "statefulsets", "daemonsets"])
/** How long the pods of a vanished node stay. */
const orphaned = 40 * second
/** How long pods stay on a node that fell silent. */
const tolerated = 300 * second

const isOver = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed"
const isLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

/** Unassigned before pending before running, younger before older: the order in which a ReplicaSet gives pods up. */
const usefulness = (pod: Pod): string =>
  `${pod.spec.nodeName === undefined ? 0 : pod.status?.phase === "Running" ? 2 : 1}`
const leastUsefulFirst = (a: Pod, b: Pod): number => {
  const [rankA, rankB] = [usefulness(a), usefulness(b)]
  if (rankA !== rankB) return rankA < rankB ? -1 : 1
  const [ageA, ageB] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""]
  return ageA === ageB ? 0 : ageA < ageB ? 1 : -1
}

const without = (pod: Pod, type: string): ReadonlyArray<Condition> => (pod.status?.conditions ?? []).filter((c) => c.type !== type)

export class PodLife {
  private readonly stage: Stage
  private readonly dice: Dice
  private readonly silent: ReadonlySet<string>
  private turnAt: number | undefined
  private cancelTurn: () => void = () => {}
  private readonly orphanedSince = new Map<string, number>()
  private readonly goneAt = new Map<string, number>()

  constructor(stage: Stage, silent: ReadonlySet<string>) {
    this.stage = stage
    this.dice = stage.diceOf("pods")
    this.silent = silent
    stage.listeners.push(({ plural }) => {
      if (watched.has(plural)) this.turnWithin(this.dice.int(200, second))
    })
  }

  /** Lets the next turn come no later than this. */
  turnWithin(millis: number): void {
    const at = this.stage.now + millis
    if (this.turnAt !== undefined && this.turnAt <= at) return
    this.cancelTurn()
    this.turnAt = at
    this.cancelTurn = this.stage.after(millis, () => {
      this.turnAt = undefined
      this.stage.act(kubernetes, () => this.turn())
    })
  }

  private get at(): string {
    return timestamp(this.stage.now)
  }

  private turn(): void {
    const { stage } = this
    this.deploy(stage.list(Deployments), stage.list(Pods))
    const nodes = new Map(stage.list(Nodes).map((node) => [node.metadata.name, node]))
    for (const set of stage.list(StatefulSets)) stage.attempt(kubernetes, () => statefulSetTurn(stage.server, set, stage.list(Pods)))
    for (const set of stage.list(DaemonSets)) {
      const ours = [...nodes.values()].filter(({ metadata }) => !stage.foreign.userNodes.has(metadata.name))
      stage.attempt(kubernetes, () => daemonSetTurn(stage.server, set, ours, stage.list(Pods)))
    }
    this.bind(nodes, stage.list(Pods))
    for (const pod of stage.list(Pods)) this.run(pod, pod.spec.nodeName === undefined ? undefined : nodes.get(pod.spec.nodeName))
  }

  private deploy(deployments: ReadonlyArray<Workload>, pods: ReadonlyArray<Pod>): void {
    const { server } = this.stage
    for (const { metadata, spec } of deployments) {
      if (metadata.deletionTimestamp !== undefined) continue
      const own = pods.filter((pod) => !isLeaving(pod) && pod.metadata.ownerReferences?.[0]?.uid === metadata.uid)
      const wanted = spec.replicas ?? 1
      for (let i = own.length; i < wanted; i++) server.create(Pods, {
        metadata: {
          ...spec.template.metadata, name: "", generateName: `${metadata.name}-`, namespace: metadata.namespace ?? "default",
          ownerReferences: [{
            apiVersion: "apps/v1", kind: "Deployment", name: metadata.name, uid: metadata.uid ?? "", controller: true
          }]
        },
        spec: spec.template.spec
      } as Pod)
      for (const pod of own.toSorted(leastUsefulFirst).slice(0, Math.max(0, own.length - wanted))) {
        server.delete(Pods, pod.metadata)
      }
    }
  }

  private bind(nodes: ReadonlyMap<string, Node>, pods: ReadonlyArray<Pod>): void {
    const { server } = this.stage
    const pending = pods.filter((pod) => pod.spec.nodeName === undefined && !isLeaving(pod) && !isOver(pod))
    if (pending.length === 0) return
    const bound = new Map<string, Array<Pod>>()
    for (const pod of pods) {
      if (pod.spec.nodeName === undefined || isOver(pod)) continue
      const known = bound.get(pod.spec.nodeName)
      if (known === undefined) bound.set(pod.spec.nodeName, [pod])
      else known.push(pod)
    }
    const room = [...nodes.values()].filter((node) => isReady(node) && node.spec?.unschedulable !== true)
      .map((node) => ({ node, free: freeOn(node, bound.get(node.metadata.name) ?? []) }))
    for (const pod of pending) {
      let best: (typeof room)[number] | undefined
      for (const each of room) {
        if (refusal(pod, each.node, each.free) !== undefined) continue
        if (best === undefined || (each.free.get("cpu") ?? 0) > (best.free.get("cpu") ?? 0)) best = each
      }
      if (best !== undefined) {
        for (const [name, quantity] of requestsOf(pod)) best.free.set(name, (best.free.get(name) ?? 0) - quantity)
        server.patch(Pods, pod.metadata, { spec: { nodeName: best.node.metadata.name } }, { kind: "merge" })
        this.status(pod, { conditions: [...without(pod, "PodScheduled"), {
          type: "PodScheduled", status: "True", lastTransitionTime: this.at
        }] })
      } else if (pod.status?.conditions?.some(({ reason }) => reason === "Unschedulable") !== true) {
        this.status(pod, { conditions: [...without(pod, "PodScheduled"), {
          type: "PodScheduled", status: "False", reason: "Unschedulable", message: `0/${nodes.size} nodes are available.`,
          lastTransitionTime: this.at
        }] })
      }
    }
  }

  /** What the kubelet, or in its absence Kubernetes, does with a bound pod. */
  private run(pod: Pod, node: Node | undefined): void {
    const { stage } = this
    const { nodeName } = pod.spec
    if (nodeName === undefined) return
    if (node === undefined) return this.collect(pod)
    if (this.silent.has(nodeName)) return this.tolerate(pod, node)
    if (!isReady(node)) return
    if (isLeaving(pod)) return this.finish(pod)
    if (pod.status?.phase !== "Pending") return
    this.status(stage.get(Pods, pod.metadata) ?? pod, {
      phase: "Running", startTime: this.at,
      conditions: [...without(stage.get(Pods, pod.metadata) ?? pod, "Ready"), { type: "Ready", status: "True", lastTransitionTime: this.at }]
    })
  }

  private collect(pod: Pod): void {
    const { now } = this.stage
    const uid = pod.metadata.uid ?? ""
    const since = this.orphanedSince.get(uid) ?? now
    this.orphanedSince.set(uid, since)
    if (now - since >= orphaned) this.remove(pod)
    else this.turnWithin(since + orphaned - now)
  }

  private tolerate(pod: Pod, node: Node): void {
    if (isLeaving(pod)) return
    const added = node.spec?.taints?.find(({ effect, key }) => key === "node.kubernetes.io/unreachable" && effect === "NoExecute")?.timeAdded
    if (added === undefined) return
    const left = Date.parse(added) + tolerated - this.stage.now
    if (left <= 0) this.stage.server.delete(Pods, pod.metadata)
    else this.turnWithin(left)
  }

  /** It ends within its grace period. */
  private finish(pod: Pod): void {
    const { now } = this.stage
    const uid = pod.metadata.uid ?? ""
    const grace = (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * second
    const due = this.goneAt.get(uid) ?? now + this.dice.int(0, Math.min(grace, 20 * second))
    this.goneAt.set(uid, due)
    if (now >= due) this.remove(pod)
    else this.turnWithin(due - now)
  }

  private remove(pod: Pod): void {
    this.stage.attempt(kubernetes, () => this.stage.server.delete(Pods, pod.metadata, { gracePeriodSeconds: 0, uid: pod.metadata.uid ?? "" }))
  }

  private status(pod: Pod, status: object): void {
    this.stage.server.patch(Pods, pod.metadata, { status }, { kind: "merge", subresource: "status" })
  }
}
