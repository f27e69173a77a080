/** The plan as `-o json` prints it. */
import { Schema } from "effect"
import { label } from "../../apis/labels.ts"
import type { NewNode, PodRef } from "../../scheduling/plan.ts"
import type { InstanceType, Problem } from "../../scheduling/problem.ts"
import type { Answer } from "./answer.ts"
import type { Question } from "./question.ts"

const Texts = Schema.Array(Schema.String)

/** Prices are US dollars an hour, pods `namespace/name`, times milliseconds. */
export const PlanJson = Schema.Struct({
  version: Schema.Literal(1),
  newNodes: Schema.Array(Schema.Struct({
    name: Schema.String,
    nodePool: Schema.String,
    instanceType: Schema.String,
    zone: Schema.String,
    capacityType: Schema.String,
    hourlyPrice: Schema.Finite,
    /** Each holds the node's pods; cheapest first. */
    instanceTypeOptions: Texts,
    /** Those that its type, its offering or its NodePool give it. */
    labels: Schema.Record(Schema.String, Schema.String),
    pods: Texts
  })),
  existingNodes: Schema.Array(Schema.Struct({ name: Schema.String, pods: Texts })),
  unschedulable: Schema.Array(Schema.Struct({
    pod: Schema.String,
    reasons: Schema.Array(Schema.Struct({ nodePool: Schema.String, reason: Schema.String, message: Schema.String }))
  })),
  totals: Schema.Struct({
    newNodes: Schema.Int,
    hourlyPrice: Schema.Finite,
    /** No legal plan for the pods on new nodes costs less. */
    lowerBound: Schema.Finite,
    unschedulable: Schema.Int
  }),
  elapsedMs: Schema.Struct({ firstFit: Schema.Finite, search: Schema.Finite })
})
export type PlanJson = typeof PlanJson.Type

export const podName = ({ name, namespace }: PodRef): string => `${namespace}/${name}`

/** Sums of prices without the noise of binary fractions. */
export const rounded = (price: number): number => Number(price.toPrecision(12))

/** What the type says of itself: labels, and requirements that the node's own leave one value. */
const typeLabels = (type: InstanceType | undefined, node: NewNode): Readonly<Record<string, string>> => {
  const narrowed = new Map(node.requirements.flatMap(({ key, operator, values }) =>
    operator === "In" ? [[key, new Set(values)]] : []))
  const single = (type?.requirements ?? []).flatMap(({ key, operator, values = [] }) => {
    const left = operator === "In" ? values.filter((value) => narrowed.get(key)?.has(value) ?? true) : []
    return left.length === 1 ? [[key, left[0]!] as const] : []
  })
  return { ...Object.fromEntries(single), ...type?.labels }
}

const labelsOf = (node: NewNode, type: InstanceType | undefined): Readonly<Record<string, string>> => ({
  ...node.labels,
  ...typeLabels(type, node),
  [label.instanceType]: node.instanceType,
  [label.zone]: node.zone,
  [label.capacityType]: node.capacityType
})

/** The type of a node in the catalogue of its NodePool. */
export const typeFinder = (problem: Problem): (node: NewNode) => InstanceType | undefined => {
  const known = new Map<ReadonlyArray<InstanceType>, ReadonlyMap<string, InstanceType>>()
  return (node) => {
    const types = problem.instanceTypes[node.nodePool] ?? []
    const byName = known.get(types) ?? new Map(types.map((type) => [type.name, type]))
    known.set(types, byName)
    return byName.get(node.instanceType)
  }
}

export const planJson = ({ problem, refused }: Question, { elapsedMs, plan }: Answer): PlanJson => {
  const typeOf = typeFinder(problem)
  const unschedulable = [
    ...plan.unschedulable.map(({ pod, reasons }) =>
      ({ pod: podName(pod), reasons: reasons.map(({ message, nodePool, reason }) => ({ nodePool, reason, message })) })),
    ...refused.map(({ message, pod: { metadata } }) => ({
      pod: podName({ name: metadata.name, namespace: metadata.namespace ?? "default" }),
      reasons: [{ nodePool: "", reason: "InvalidPod", message }]
    }))
  ]
  return {
    version: 1,
    newNodes: plan.newNodes.map((node) => ({
      name: node.name,
      nodePool: node.nodePool,
      instanceType: node.instanceType,
      zone: node.zone,
      capacityType: node.capacityType,
      hourlyPrice: node.hourlyPrice,
      instanceTypeOptions: node.instanceTypeOptions,
      labels: labelsOf(node, typeOf(node)),
      pods: node.pods.map(podName)
    })),
    existingNodes: plan.existingNodes.map(({ name, pods }) => ({ name, pods: pods.map(podName) })),
    unschedulable,
    totals: {
      newNodes: plan.newNodes.length,
      hourlyPrice: rounded(plan.totals.hourlyPrice),
      lowerBound: rounded(plan.totals.lowerBound ?? 0),
      unschedulable: unschedulable.length
    },
    elapsedMs
  }
}
