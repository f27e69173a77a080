/** The question that the packer is asked in the middle of a search: where do these pods go, as everything is now? */
import type { Model } from "../model.ts"
import type { NodeModel } from "../nodes.ts"
import type { PoolLimits } from "../pools.ts"
import type { Run } from "../runs.ts"
import type { Launch } from "./launch.ts"
import type { Scene } from "./scene.ts"

export class Subproblems {
  private readonly scene: Scene
  /** By node: with the ports of the pods that it has. Its room is in `free`. */
  private readonly nodes: Array<NodeModel>
  /** By node and dimension: the room that is left; none at all of a node that has less than nothing of something. */
  private readonly free: Float64Array
  /** By node: of which version of it these are. */
  private readonly versions: Int32Array
  private readonly hasPorts: boolean
  /** What NodePools may buy while nobody has gone. */
  private readonly limits: ReadonlyArray<PoolLimits>

  constructor(scene: Scene, limits: ReadonlyArray<PoolLimits> = scene.world.model.limits) {
    const { model, sites } = scene.world
    this.scene = scene
    this.nodes = [...model.nodes]
    this.free = new Float64Array(sites.length * model.dimensions.size)
    this.versions = new Int32Array(sites.length).fill(-1)
    this.hasPorts = model.runs.some(({ podClass }) => podClass.ports.length > 0)
    this.limits = limits
  }

  /**
   * The model with these pods to place and nobody else; each of them has been taken off its node. Nodes that are closed or shunned take
   * none of them. NodePools may buy again what the nodes that are gone had, less what has been bought for them.
   */
  of(pods: ReadonlyArray<number>, shunned: ReadonlySet<number>, gone: ReadonlyArray<number>, bought: ReadonlyArray<Launch>): Model {
    const { domain, host, world: { model, turn } } = this.scene
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
      nodes: this.nodes,
      free: this.freeBut(shunned),
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

  /** By node and dimension: the room for who is moved. */
  private freeBut(shunned: ReadonlySet<number>): Float64Array {
    const { closed, version, world: { model: { dimensions: { size: D } } } } = this.scene
    for (let n = 0; n < version.length; n++) if (this.versions[n] !== version[n]) this.read(n)
    const free = this.free.slice()
    for (let n = 0; n < closed.length; n++) if (closed[n] === 1) free.fill(-1, n * D, n * D + D)
    for (const n of shunned) free.fill(-1, n * D, n * D + D)
    return free
  }

  private read(n: number): void {
    const { free, version, world: { model } } = this.scene
    const D = model.dimensions.size
    this.versions[n] = version[n]!
    const room = free.subarray(n * D, n * D + D)
    if (room.some((amount) => amount < 0)) this.free.fill(-1, n * D, n * D + D)
    else this.free.set(room, n * D)
    if (!this.hasPorts) return
    const own = model.nodes[n]!
    const ports = this.scene.podsOn(n).flatMap((pod) => model.runs[model.runOf[pod]!]?.podClass.ports ?? [])
    this.nodes[n] = ports.length === 0 ? own : { ...own, ports: [...own.ports, ...ports] }
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
