/** What the disruption methods know of a machine. Pure. */
import { durationMillis } from "../../apis/durations.ts"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation, label } from "../../apis/labels.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { evictionCost } from "../../cluster/evictionCost.ts"
import { blockingBudgets } from "../../cluster/pdb.ts"
import { doNotDisrupt, isActive, isReschedulable, ownedByDaemonSet } from "../../cluster/podPredicates.ts"
import { isToGo } from "../../cluster/replacements.ts"
import type { Pod, PodDisruptionBudget } from "../../kube/objects.ts"
import { oncePer } from "../../kube/oncePer.ts"
import type { InstanceType } from "../../scheduling/problem.ts"

export interface Candidate {
  readonly name: string
  readonly nodePool: string | undefined
  readonly hasClaim: boolean
  readonly hasNode: boolean
  readonly initialized: boolean
  /** It is on its way out already, or will be as soon as its replacements are there. */
  readonly markedForDeletion: boolean
  readonly nominated: boolean
  /** The node's annotation forbids it. */
  readonly doNotDisrupt: boolean
  /** A pod that asks to be left alone. */
  readonly protectedPod: Pod | undefined
  /** A pod that cannot be evicted now, and why. */
  readonly blockedPod: { readonly pod: Pod; readonly message: string } | undefined
  /** Whether it holds room for a capacity buffer; unknown until the first pass after a start. Absent: no. */
  readonly bufferRoom?: boolean | "unknown"
  /** It replaces a node whose pods have not all left yet. */
  readonly awaited?: boolean
  /** Its drain ends by a deadline, whatever its pods say. */
  readonly hasDeadline?: boolean
  /** Pods that would need another node. */
  readonly reschedulable: number
  /** 1 and the positive costs of evicting them: an empty node has 1. */
  readonly disruptionCost: number
  /** The claim says that its quiet time is over. */
  readonly consolidatable: boolean
  /** When it began to differ from what its NodePool or class would make now, in milliseconds; undefined where it does not. */
  readonly driftedSince?: number | undefined
  /** What of it the catalogue cannot price: its type, or where and how it was bought. */
  readonly unpriced?: string | undefined
  /** US dollars an hour; 0 when unknown. */
  readonly price: number
}

/** Prices by type, zone and capacity type. */
export type Prices = ReadonlyMap<string, { readonly [offering: string]: number }>

const offeringKey = (zone: string | undefined, capacityType: string | undefined): string => `${zone ?? ""} ${capacityType ?? ""}`

export const pricesOf = oncePer((types: ReadonlyArray<InstanceType>): Prices => new Map(types.map(({ name, offerings }) =>
  [name, Object.fromEntries(offerings.map(({ capacityType, price, zone }) => [offeringKey(zone, capacityType), price]))])))

const offeringOf = ({ labels }: StateNode): string => offeringKey(labels[label.zone], labels[label.capacityType])

/** US dollars an hour; undefined when the catalogue does not know it. */
export const priceOf = (node: StateNode, prices: Prices): number | undefined =>
  prices.get(node.labels[label.instanceType] ?? "")?.[offeringOf(node)]

const unpriced = (node: StateNode, prices: Prices): string | undefined => {
  const type = node.labels[label.instanceType] ?? ""
  if (!prices.has(type)) return `Instance Type "${type}" not found`
  const missing = [label.capacityType, label.zone].find((key) => node.labels[key] === undefined)
  return missing === undefined ? undefined : `Node doesn't have required label "${missing}"`
}

/** PodDisruptionBudgets by namespace: a pod is compared with few of many. */
export type Pdbs = ReadonlyMap<string | undefined, ReadonlyArray<PodDisruptionBudget>>

export const pdbsOf = oncePer((budgets: ReadonlyArray<PodDisruptionBudget>): Pdbs =>
  Map.groupBy(budgets, ({ metadata }) => metadata.namespace))

export const pdbsFor = (pod: Pod, pdbs: Pdbs): ReadonlyArray<PodDisruptionBudget> => pdbs.get(pod.metadata.namespace) ?? []

const blocked = (pods: ReadonlyArray<Pod>, pdbs: Pdbs, nowMillis: number): Candidate["blockedPod"] => {
  if (pdbs.size === 0) return undefined
  for (const pod of pods) {
    const blocking = blockingBudgets(pod, pdbsFor(pod, pdbs), "now", nowMillis)
    if (blocking.length > 1) return { pod, message: `Eviction does not support multiple PDBs (PDBs=${blocking.join(", ")})` }
    if (blocking.length === 1) return { pod, message: `Pdb prevents pod evictions (PDB=${blocking[0]})` }
  }
  return undefined
}

/** 1 and the positive costs of evicting the pods. */
export const disruptionCostOf = (pods: ReadonlyArray<Pod>): number =>
  pods.reduce((sum, pod) => sum + Math.max(0, evictionCost(pod)), 1)

/** By the same measure, of a node that may not go: whatever is no daemon counts. */
export const wholeCostOf = ({ pods }: StateNode): number => disruptionCostOf(pods.filter((pod) => !ownedByDaemonSet(pod)))

const driftedSince = ({ claim }: StateNode): number | undefined => {
  const condition = claim === undefined ? undefined : nodeClaimConditions.get(claim, conditionType.drifted)
  return condition?.status === "True" ? Date.parse(condition.lastTransitionTime ?? "") || 0 : undefined
}

export interface Known {
  readonly prices: Prices
  readonly pdbs: Pdbs
  readonly nowMillis: number
  readonly bufferRoom: boolean | "unknown"
  /** Claims that replace a node which is still there. */
  readonly awaited: ReadonlySet<string>
}

/** What the pods of a machine come to, whatever else there is. */
const podsOf = oncePer(({ pods }: StateNode) => {
  const moving = pods.filter(isReschedulable)
  return {
    reschedulable: moving.length,
    disruptionCost: disruptionCostOf(moving),
    /** A pod's wish to be left alone may end. */
    dependOnTime: pods.some(({ metadata }) => metadata.annotations?.[annotation.doNotDisrupt] !== undefined)
  }
})

const isAwaited = ({ claim }: StateNode, { awaited }: Known): boolean => claim !== undefined && awaited.has(claim.metadata.name)

const workOut = (node: StateNode, known: Known): Candidate => {
  const { bufferRoom, nowMillis, pdbs, prices } = known
  const { disruptionCost, reschedulable } = podsOf(node)
  return {
    name: node.name,
    nodePool: node.nodePool,
    hasClaim: node.claim !== undefined,
    hasNode: node.node !== undefined,
    initialized: node.initialized,
    markedForDeletion: isLeaving(node),
    nominated: node.nominated,
    doNotDisrupt: node.annotations[annotation.doNotDisrupt] === "true",
    protectedPod: node.pods.find((pod) => isActive(pod) && doNotDisrupt(pod, nowMillis).active),
    blockedPod: blocked(node.pods, pdbs, nowMillis),
    bufferRoom,
    awaited: isAwaited(node, known),
    hasDeadline: durationMillis(node.claim?.spec.terminationGracePeriod) !== undefined,
    reschedulable,
    disruptionCost,
    consolidatable: node.claim !== undefined && nodeClaimConditions.isTrue(node.claim, conditionType.consolidatable),
    driftedSince: driftedSince(node),
    unpriced: unpriced(node, prices),
    price: priceOf(node, prices) ?? 0
  }
}

/** What was worked out of a machine last, and from what else. */
interface Remembered {
  readonly prices: Prices
  readonly pdbs: Pdbs
  readonly bufferRoom: Known["bufferRoom"]
  readonly candidate: Candidate
}

const memories = new WeakMap<StateNode, Remembered>()

/** The very same for a machine that is the same, where nothing else has changed either. */
export const candidateOf = (node: StateNode, known: Known): Candidate => {
  const last = memories.get(node)
  const { bufferRoom, pdbs, prices } = known
  const isSame = last !== undefined && !podsOf(node).dependOnTime && last.prices === prices && last.pdbs === pdbs &&
    last.bufferRoom === bufferRoom && last.candidate.awaited === isAwaited(node, known)
  if (isSame) return last.candidate
  const candidate = workOut(node, known)
  memories.set(node, { bufferRoom, candidate, pdbs, prices })
  return candidate
}

/** On its way out. A claim that says why it goes was deleted a moment ago, where the caches do not show it yet. */
export const isLeaving = oncePer(({ claim, markedForDeletion }: StateNode): boolean =>
  markedForDeletion || (claim !== undefined && isToGo(claim)))
