/** The pods to place as runs of equals, in the order of placing. */
import { CPU, MEMORY } from "./dimensions.ts"
import type { PodClass } from "./model.ts"
import { podOrder } from "./podOrder.ts"
import type { Pod } from "./problem.ts"

/** Pods of equal class and request, to be placed one after the other. */
export interface Run {
  readonly podClass: PodClass
  readonly request: Float64Array
  /** Positions in the problem's pods, oldest first. */
  readonly pods: ReadonlyArray<number>
}

interface Gathered extends Run {
  readonly pods: Array<number>
}

/**
 * Largest requests first: CPU, then memory; equal ones by their oldest pod. Pods of no use are left out. `order` are all pods, oldest
 * first.
 */
export const runsOf = (
  order: ReadonlyArray<number>, classes: ReadonlyArray<PodClass>, classOf: Int32Array, requests: ReadonlyArray<Float64Array>,
  shapeOf: Int32Array, usable: ReadonlyArray<boolean> | undefined
): ReadonlyArray<Run> => {
  const sizeOf = ranksOf(requests, compareSizes)
  const roomOf = ranksOf(requests, compareRoom)
  const runs = new Map<number, Gathered>()
  const sizes = requests.length
  // One cell for each size of each class, where that is not out of proportion: the run's place in `out`, counted from one.
  const cells = sizes * classes.length
  const table = cells <= 8 * order.length + 1024 ? new Int32Array(cells) : undefined
  const out: Array<Gathered> = []
  const byRoom: Array<Array<Gathered>> = requests.map(() => [])
  for (const pod of order) {
    const shape = shapeOf[pod]!
    if (usable !== undefined && !usable[shape]!) continue
    const size = sizeOf[shape]!
    const key = size * classes.length + classOf[pod]!
    const known = table === undefined ? runs.get(key) : out[table[key]! - 1]
    if (known !== undefined) {
      known.pods.push(pod)
      continue
    }
    const run: Gathered = { podClass: classes[classOf[pod]!]!, request: requests[shape]!, pods: [pod] }
    out.push(run)
    byRoom[roomOf[shape]!]!.push(run)
    if (table === undefined) runs.set(key, run)
    else table[key] = out.length
  }
  return byRoom.flat()
}

/**
 * The same pods in Karpenter's very order: by CPU, memory, age and uid alone, whatever their class. Only equal ones that follow one
 * another are a run.
 */
export const oneByOne = (pods: ReadonlyArray<Pod>, runs: ReadonlyArray<Run>, runOf: Int32Array): ReadonlyArray<Run> => {
  const queue = podOrder(pods).flatMap((pod) => runOf[pod]! < 0 ? [] : [{ run: runs[runOf[pod]!]!, pod }])
    .sort((a, b) => compareRoom(a.run.request, b.run.request))
  const out: Array<{ readonly of: Run; readonly pods: Array<number> }> = []
  for (const { run, pod } of queue) {
    const last = out[out.length - 1]
    if (last?.of === run) last.pods.push(pod)
    else out.push({ of: run, pods: [pod] })
  }
  return out.map((each) => ({ ...each.of, pods: each.pods }))
}

/** By request: its place in the order, as a number. Equal ones have the same: different ways to ask for the same amounts are one size. */
const ranksOf = (requests: ReadonlyArray<Float64Array>, compare: (a: Float64Array, b: Float64Array) => number): Int32Array => {
  const sorted = requests.map((_, i) => i).sort((a, b) => compare(requests[a]!, requests[b]!))
  const out = new Int32Array(requests.length)
  for (let i = 1; i < sorted.length; i++) {
    out[sorted[i]!] = out[sorted[i - 1]!]! + (compare(requests[sorted[i - 1]!]!, requests[sorted[i]!]!) === 0 ? 0 : 1)
  }
  return out
}

/** The order of placing: below 0 for the bigger request. */
export const compareRoom = (a: Float64Array, b: Float64Array): number => b[CPU]! - a[CPU]! || b[MEMORY]! - a[MEMORY]!

const compareSizes = (a: Float64Array, b: Float64Array): number => {
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return b[d]! - a[d]!
  return 0
}
