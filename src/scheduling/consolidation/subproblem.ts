/** The question that the packer is asked in the middle of a search: where do these pods go, as everything is now? */
import type { Model } from "../model.ts"
import type { NodeModel } from "../nodes.ts"
import type { PoolLimits } from "../pools.ts"
import type { Run } from "../runs.ts"
import type { Launch } from "./launch.ts"
import type { Scene } from "./scene.ts"

export class Subproblems {
  private readonly scene: Scene
  private readonly full: Float64Array
  /** By node: as it is with the pods that it has, and of which version of them. */
  private readonly known: Array<NodeModel | undefined> = []
  /** By node: without room. */
  private readonly shut: Array<NodeModel | undefined> = []
  private readonly versions: Int32Array
  /** What NodePools may buy while nobody has gone. */
  private readonly limits: ReadonlyArray<PoolLimits>

  constructor(scene: Scene, limits: ReadonlyArray<PoolLimits> = scene.world.model.limits) {
    const { model, sites } = scene.world
    this.scene = scene
    this.full = new Float64Array(model.dimensions.size).fill(-1)
    this.versions = new Int32Array(sites.length)
    this.limits = limits
  }

  /**
   * The model with these pods to place and nobody else; each of them has been taken off its node. Nodes that are closed, or that
   * `takes` refuses, take none of them. NodePools may buy again what the nodes that are gone had,
   * less what has been bought for them.
   */
  of(pods: ReadonlyArray<number>, takes: (n: number) => boolean, gone: ReadonlyArray<number>, bought: ReadonlyArray<Launch>): Model {
    const { closed, domain, host, world: { model, turn } } = this.scene
    const placed = [...pods].sort((a, b) => turn[a]! - turn[b]!)
    const runs: Array<Run & { readonly pods: Array<number> }> = []
    const runOf = new Int32Array(placed.length)
    let last = -1
    placed.forEach((pod, i) => {
      const run = model.runOf[pod]!
      if (run < 0) {
        runOf[i] = -1
        return
      }
      if (run !== last) {
        const { podClass, request } = model.runs[run]!
        runs.push({ podClass, request, pods: [] })
        last = run
      }
      runs[runs.length - 1]!.pods.push(i)
      runOf[i] = runs.length - 1
    })
    return {
      ...model,
      problem: { ...model.problem, pods: placed.map((pod) => model.problem.pods[pod]!) },
      limits: this.limitsWith(gone, bought),
      nodes: model.nodes.map((node, n) => closed[n] === 1 || !takes(n) ? this.shut[n] ??= { ...node, room: this.full } : this.node(n)),
      counts: { host, domain },
      runs,
      runOf,
      invalid: []
    }
  }

  /** In the order of the pods of a model made of them. */
  inOrder(pods: ReadonlyArray<number>): ReadonlyArray<number> {
    const { turn } = this.scene.world
    return [...pods].sort((a, b) => turn[a]! - turn[b]!)
  }

  private node(n: number): NodeModel {
    const { free, version, world: { model } } = this.scene
    const known = this.known[n]
    if (known !== undefined && this.versions[n] === version[n]) return known
    const D = model.dimensions.size
    const own = model.nodes[n]!
    const ports = this.scene.podsOn(n).flatMap((pod) => model.runs[model.runOf[pod]!]?.podClass.ports ?? [])
    const node = { ...own, room: free.slice(n * D, n * D + D), ports: ports.length === 0 ? own.ports : [...own.ports, ...ports] }
    this.known[n] = node
    this.versions[n] = version[n]!
    return node
  }

  private limitsWith(gone: ReadonlyArray<number>, bought: ReadonlyArray<Launch>): ReadonlyArray<PoolLimits> {
    const { model: { dimensions, pools }, sites } = this.scene.world
    return this.limits.map((own, p) => {
      if (own.limits === undefined && own.nodeLimit === Infinity) return own
      const pool = pools[p]!
      const back = gone.filter((n) => sites[n]!.node.nodePool === pool.name)
      const taken = bought.filter(({ node }) => node.state.pool === pool)
      const { capacity } = pool.catalogue
      const limits = own.limits?.map((left, d) => {
        if (left === Infinity) return left
        const had = back.reduce((sum, n) => sum + dimensions.amount(d, sites[n]!.node.capacity[dimensions.names[d]!] ?? 0, "up"), 0)
        const most = ({ node }: Launch): number => Math.max(...node.types.map((type) => capacity[type * dimensions.size + d]!))
        return left + had - taken.reduce((sum, launch) => sum + most(launch), 0)
      })
      return { limits, nodeLimit: own.nodeLimit + back.length - taken.length }
    })
  }
}
