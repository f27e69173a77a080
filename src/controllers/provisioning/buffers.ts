/**
 * Finds room for the virtual pods of capacity buffers, once every real pod has its place: a buffer never takes room or a limit
 * from a pod that waits. Nothing is promised to them, so the next pods that come take their room, and the buffer gets other.
 */
import { Effect } from "effect"
import { Cluster } from "../../cluster/cluster.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import type { Pod } from "../../kube/objects.ts"
import type { PodRef } from "../../scheduling/plan.ts"
import { BufferRoom, nowhere } from "../capacitybuffer/bufferRoom.ts"
import type { Fit } from "../capacitybuffer/bufferRoom.ts"
import { bufferOf } from "../capacitybuffer/virtualPods.ts"
import { createClaims } from "./create.ts"
import { participants } from "./nodePools.ts"
import type { Participants } from "./nodePools.ts"
import { pendingPods } from "./pendingPods.ts"
import { ask } from "./solve.ts"

/** Counts how the pods of each buffer fare. */
const makeTally = (pods: ReadonlyArray<Pod>) => {
  const buffers = new Map(pods.map((pod) => [pod.metadata.uid ?? "", bufferOf(pod) ?? ""]))
  const fits = new Map<string, Fit>([...buffers.values()].map((buffer) => [buffer, { ready: 0, coming: 0, left: 0, why: "" }]))
  const add = (uid: string | undefined, where: "ready" | "coming" | "left", why = ""): void => {
    const buffer = buffers.get(uid ?? "") ?? ""
    const fit = fits.get(buffer)
    if (fit !== undefined) fits.set(buffer, { ...fit, [where]: fit[where] + 1, why: fit.why === "" ? why : fit.why })
  }
  return { fits, add }
}

/**
 * Buys what is missing, and remembers which machines hold the room. `taken` are the pods that will run on a machine, by the name
 * it is nominated under.
 */
export const placeBuffers = Effect.fnUntraced(function*(taken: ReadonlyMap<string, ReadonlyArray<Pod>>, known?: Participants) {
  const cluster = yield* Cluster
  const room = yield* BufferRoom
  const pods = room.pods()
  if (pods.length === 0) return yield* room.place(pods, nowhere)

  const choice = known ?? (yield* participants)
  // Read anew: claims that real pods just led to have room too.
  const nodes = yield* cluster.nodes
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const promised = new Map(nodes.map((node) => [node.name, taken.get(nominationKey(node)) ?? []]))
  const { accepted, ignored } = pendingPods(pods)
  const plan = yield* ask({ pods: accepted, nodes, promised }, choice)
  const created = yield* createClaims(plan.newNodes, choice.types)

  const { add, fits } = makeTally(pods)
  const machines = new Set<string>()
  const addAll = (refs: ReadonlyArray<PodRef>, ...how: [where: "ready" | "coming" | "left", why?: string]): void => {
    for (const { uid } of refs) add(uid, ...how)
  }
  for (const { name, pods: refs } of plan.existingNodes) {
    const node = byName.get(name)
    if (node !== undefined) machines.add(nominationKey(node))
    addAll(refs, node?.initialized === true ? "ready" : "coming")
  }
  for (const { claim, planned } of created) {
    machines.add(claim.metadata.name)
    addAll(planned.pods, "coming")
  }
  const refused = plan.newNodes.filter((planned) => !created.some((one) => one.planned === planned))
  for (const planned of refused) addAll(planned.pods, "left", `NodePool ${planned.nodePool} got no node`)
  for (const { pod, reasons } of plan.unschedulable) add(pod.uid, "left", reasons.map(({ message }) => message).join("; "))
  for (const { message, pod } of ignored) add(pod.metadata.uid, "left", message)
  yield* room.place(pods, { fits, machines })
})
