/** Where the pods of nodes would go if these were taken away (Karpenter's disruption/helpers.go). */
import { Duration, Effect } from "effect"
import type { StateNode } from "../../cluster/cluster.ts"
import { isCurrentlyReschedulable } from "../../cluster/pdb.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import { Caches, index, unbound } from "../../kube/caches.ts"
import type { Pod } from "../../kube/objects.ts"
import { PodDisruptionBudgets, Pods } from "../../kube/resources.ts"
import type { NewNode, PodRef } from "../../scheduling/plan.ts"
import { Settings } from "../../settings/settings.ts"
import { BufferRoom } from "../capacitybuffer/bufferRoom.ts"
import type { Participants } from "../provisioning/nodePools.ts"
import { pendingPods } from "../provisioning/pendingPods.ts"
import { questionOf, solveWithin } from "../provisioning/solve.ts"
import { pdbsFor } from "./candidate.ts"
import type { View } from "./look.ts"

/** How long a cheaper plan may be looked for: nobody else gets a turn meanwhile. */
const searchFor = Duration.millis(20)

export interface Simulation {
  /** New nodes that have one of the pods. */
  readonly replacements: ReadonlyArray<NewNode>
  /** Where the others of them go, by the node's name. */
  readonly moves: ReadonlyMap<string, ReadonlyArray<PodRef>>
  /** Why it cannot be done: of pods that run, which have no place, and what they are told. Empty where it can. */
  readonly stuck: ReadonlyArray<string>
}

/** Those of the node's pods that have to go elsewhere, and may be made to. */
export const movingPods = (node: StateNode, { nowMillis, pdbs }: View): ReadonlyArray<Pod> =>
  node.pods.filter((pod) => isCurrentlyReschedulable(pod, pdbsFor(pod, pdbs), nowMillis))

/** Pods that need a place whatever happens. */
export const homeless = Effect.fnUntraced(function*({ nodes, nowMillis }: View) {
  const caches = yield* Caches
  const room = yield* BufferRoom
  const pending = [
    ...pendingPods(caches.store(Pods).by(index.podUnbound, unbound)).accepted,
    ...pendingPods(room.pods()).accepted
  ]
  return { pending, leaving: leavingPods(nodes, caches.store(PodDisruptionBudgets).list(), nowMillis) }
})

const nameOf = ({ name, namespace }: PodRef): string => `${namespace}/${name}`
const keyOf = (ref: PodRef): string => ref.uid ?? nameOf(ref)
const keyOfPod = ({ metadata: { name, namespace = "default", uid } }: Pod): string => uid ?? `${namespace}/${name}`

/** `refuses`: whether a node that is there takes none of these pods, though it may take those that wait. */
export const simulate = Effect.fnUntraced(function*(
  view: View, nodes: ReadonlyArray<StateNode>, participants: Participants, refuses: (node: StateNode) => boolean
) {
  const { searchBudget } = yield* Settings
  const gone = new Set(nodes)
  const { leaving, pending } = yield* homeless(view)
  const own = nodes.flatMap((node) => movingPods(node, view))
  const question = {
    pods: [...pending, ...leaving, ...own], nodes: view.nodes.filter((node) => !gone.has(node)), promised: new Map<string, ReadonlyArray<Pod>>()
  }
  const plan = yield* solveWithin(
    yield* questionOf(question, participants), Duration.min(searchBudget, searchFor), "disruption"
  )
  const ours = new Set(own.map(keyOfPod))
  const waiting = new Set(pending.map(keyOfPod))
  const stuck = plan.unschedulable.flatMap(({ pod, reasons }) =>
    waiting.has(keyOf(pod)) ? [] : [`${nameOf(pod)}: ${reasons.map(({ message }) => message).join("; ")}`])
  const moves = new Map<string, ReadonlyArray<PodRef>>()
  for (const { name, pods } of plan.existingNodes) {
    const moved = pods.filter((pod) => ours.has(keyOf(pod)))
    if (moved.length === 0) continue
    const node = view.byName.get(name)
    if (node === undefined || refuses(node)) {
      stuck.push(...moved.map((pod) => `${nameOf(pod)}: would schedule against ${node?.initialized === false ? "uninitialized " : ""}node/${name}`))
    }
    moves.set(name, moved)
  }
  const result: Simulation = {
    replacements: plan.newNodes.filter(({ pods }) => pods.some((pod) => ours.has(keyOf(pod)))),
    moves,
    stuck
  }
  return result
})
