/**
 * The problem compiled once for every question that is asked about it: pods that move are among those to place, and nodes have the
 * room that they would have without them.
 */
import type { Model } from "../model.ts"
import { compiling } from "../model.ts"
import type { Pod } from "../problem.ts"
import { keyOfPod } from "../otherPods.ts"
import type { Candidate, ConsolidationNode, ConsolidationProblem } from "./contract.ts"

/** A node that is there. */
export interface Site {
  readonly node: ConsolidationNode
  /** Undefined where it may not go. */
  readonly candidate: Candidate | undefined
  /** Its pods that would have to move, by position in the model's problem. */
  readonly moving: Int32Array
  /** Whether it takes pods that consolidation moves. */
  readonly takesMoved: boolean
}

export interface World {
  readonly problem: ConsolidationProblem
  /** Its pods are those to place, then those that move. */
  readonly model: Model
  /** By position of the node in the model. */
  readonly sites: ReadonlyArray<Site>
  /** How many pods have to be placed whatever happens. */
  readonly pending: number
  /** By pod: where it runs; -1 for those to place. */
  readonly home: Int32Array
  /** By pod: its turn when pods are placed. */
  readonly turn: Int32Array
}

/** Nodes after which others may have their turn. */
const nodesAtOnce = 500

/** Yields between parts of some milliseconds. */
export function* worldOf(problem: ConsolidationProblem): Generator<void, World> {
  const candidates = new Map(problem.candidates.map((candidate) => [candidate.node, candidate]))
  const pods: Array<Pod> = [...problem.pods]
  const movingOf = new Map<string, { readonly from: number; readonly to: number }>()
  const nodes: Array<ConsolidationNode> = []
  for (const node of problem.nodes) {
    const candidate = candidates.get(node.name)
    if (nodes.length % nodesAtOnce === 0) yield
    if (candidate === undefined || candidate.moving.length === 0) {
      nodes.push(node)
      continue
    }
    const keys = new Set(candidate.moving)
    const from = pods.length
    const staying: Array<Pod> = []
    for (const pod of node.pods) {
      if (keys.has(keyOfPod(pod))) pods.push(pod)
      else staying.push(pod)
    }
    movingOf.set(node.name, { from, to: pods.length })
    nodes.push({ ...node, pods: staying })
  }
  const model = yield* compiling({ ...problem, pods, nodes })
  yield
  const given = new Map(problem.nodes.map((node) => [node.name, node]))
  const home = new Int32Array(pods.length).fill(-1)
  const sites = model.nodes.map(({ name }, n) => {
    const node = given.get(name)!
    const { from, to } = movingOf.get(name) ?? { from: 0, to: 0 }
    home.fill(n, from, to)
    const moving = Int32Array.from({ length: to - from }, (_, i) => from + i)
    return { node, candidate: candidates.get(name), moving, takesMoved: node.takesMoved ?? node.initialized }
  })
  const turn = new Int32Array(pods.length)
  let next = 0
  for (const run of model.runs) for (const pod of run.pods) turn[pod] = next++
  return { problem, model, sites, pending: problem.pods.length, home, turn }
}
