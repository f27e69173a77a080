/** The pods of a problem, interned: what each requests, what each demands. Rules look at a class, room at a request. */
import { namespaceOf } from "./hostGroups.ts"
import { podRequests } from "./podRequests.ts"
import type { Pod, PodSpec, Resources } from "./problem.ts"
import { Trie } from "./trie.ts"

/** Pods that ask for the same amounts in the same way. */
export interface Shape {
  readonly requests: Resources
  /** Why the requests cannot be read. */
  readonly invalid: string | undefined
}

export interface Shapes {
  readonly shapes: ReadonlyArray<Shape>
  /** By pod: position in `shapes`. */
  readonly shapeOf: Int32Array
  /** By class: one of its pods. */
  readonly examples: ReadonlyArray<Pod>
  /** By pod: its class. */
  readonly classOf: Int32Array
}

/** With `labelled`, pods of one class also have equal labels and one namespace, as rules about other pods look at them. */
export const shapesOf = (pods: ReadonlyArray<Pod>, labelled: boolean): Shapes => {
  const amounts = new Trie()
  const demands = new Trie()
  const shapes: Array<Shape> = []
  const examples: Array<Pod> = []
  const shapeOf = new Int32Array(pods.length)
  const classOf = new Int32Array(pods.length)
  for (let i = 0; i < pods.length; i++) {
    const pod = pods[i]!
    const amount = amountsOf(pod.spec, amounts)
    if (amount.id < 0) {
      amount.id = shapes.length
      shapes.push(shapeFrom(pod.spec))
    }
    shapeOf[i] = amount.id
    const demand = demandsOf(pod.spec, labelled ? demands.step(namespaceOf(pod)).walk(pod.metadata.labels) : demands)
    if (demand.id < 0) {
      demand.id = examples.length
      examples.push(pod)
    }
    classOf[i] = demand.id
  }
  return { shapes, shapeOf, examples, classOf }
}

const amountsOf = (spec: PodSpec, root: Trie): Trie => {
  let node = root
  for (const container of spec.containers) node = node.step("c").walk(container.resources)
  for (const { restartPolicy, resources } of spec.initContainers ?? []) {
    node = node.step("i").step(restartPolicy ?? "").walk(resources)
  }
  if (spec.resources !== undefined) node = node.step("r").walk(spec.resources)
  if (spec.overhead !== undefined) node = node.step("o").walk(spec.overhead)
  return node
}

const demandsOf = (spec: PodSpec, root: Trie): Trie => {
  let node = root
  if (spec.nodeSelector !== undefined) node = node.step("n").walk(spec.nodeSelector)
  if (spec.tolerations !== undefined) node = node.step("t").walk(spec.tolerations)
  if (spec.affinity !== undefined) node = node.step("a").walk(spec.affinity)
  if (spec.topologySpreadConstraints !== undefined) node = node.step("s").walk(spec.topologySpreadConstraints)
  for (const container of spec.containers) if (container.ports !== undefined) node = node.step("p").walk(container.ports)
  for (const container of spec.initContainers ?? []) {
    if (container.ports !== undefined && container.restartPolicy === "Always") node = node.step("p").walk(container.ports)
  }
  return node
}

const shapeFrom = (spec: PodSpec): Shape => {
  try {
    const requests = podRequests(spec)
    const negative = Object.keys(requests).find((name) => String(requests[name]).startsWith("-"))
    const invalid = negative === undefined ? undefined : `requests ${requests[negative]} ${negative}, less than nothing`
    return { requests, invalid }
  } catch (error) {
    return { requests: {}, invalid: error instanceof Error ? error.message : String(error) }
  }
}
