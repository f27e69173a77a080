/**
 * What pods are worth: what they would cost at least if they could be poured into new nodes. The prices are those of the lower bound of
 * all pods that move, so whatever set of them is put on new nodes, those cost no less than the pods are worth.
 */
import { isEmptyBits } from "../bits.ts"
import type { PricedDemands } from "../lowerBound.ts"
import { isWithin, mostTogether, pricedDemands, share } from "../lowerBound.ts"
import { InstanceTypeLabel, NodePoolLabel } from "../wellKnown.ts"
import type { World } from "./world.ts"

const nameOf = (pool: string, type: string): string => `${pool}/${type}`

export class Worth {
  /** In US dollars an hour: of all pods that move and that new nodes can take. */
  readonly total: number
  /** By run: of one of its pods; infinite where no new node can take it. */
  readonly ofRun: Float64Array
  /** By node: of the room it has for pods that move. Zero where its type is not known. */
  readonly ofRoom: Float64Array
  private readonly world: World

  private constructor(world: World, priced: PricedDemands, total: number) {
    const { model, sites } = world
    this.world = world
    this.total = total
    this.ofRun = Float64Array.from(model.runs, (run) => this.worthOf(priced, run))
    const position = new Map(priced.types.map(({ pool, type }, t) => {
      const { catalogue, name } = model.pools[pool]!
      return [nameOf(name, catalogue.types[type]!.name), t]
    }))
    this.ofRoom = Float64Array.from(sites, (_, n) => this.worthOfRoom(priced, position, n))
  }

  /** Some milliseconds at a time. */
  static *of(world: World): Generator<void, Worth> {
    const { model, sites } = world
    const moving: Array<number> = []
    for (const site of sites) for (const pod of site.moving) if (model.runOf[pod]! >= 0) moving.push(pod)
    const priced = yield* pricedDemands(model, [{ pods: moving }])
    yield
    return new Worth(world, priced, moving.length === 0 ? 0 : priced.worth)
  }

  ofPod(pod: number): number {
    const run = this.world.model.runOf[pod]!
    return run < 0 ? Infinity : this.ofRun[run]!
  }

  ofPods(pods: Iterable<number>): number {
    let sum = 0
    for (const pod of pods) sum += this.ofPod(pod)
    return sum
  }

  private worthOf({ able, demands, prices }: PricedDemands, run: World["model"]["runs"][number]): number {
    if (run.podClass.refusal !== undefined) return Infinity
    const { among } = able.of(run)
    if (isEmptyBits(among)) return Infinity
    let sum = 0
    demands.forEach(({ amount, apart, among: of, of: d }, r) => {
      if (prices[r] === 0) return
      if (d >= 0) sum += isWithin(among, of) ? prices[r]! * run.request[d]! / amount : 0
      else if (apart === run.podClass) sum += prices[r]! / amount / mostTogether(run.podClass)
    })
    return sum
  }

  /** As of a new node of its type, less what stays on it. */
  private worthOfRoom({ demands, prices, types }: PricedDemands, position: ReadonlyMap<string, number>, n: number): number {
    const { model, sites } = this.world
    const { node } = sites[n]!
    const t = position.get(nameOf(node.nodePool ?? node.labels[NodePoolLabel] ?? "", node.labels[InstanceTypeLabel] ?? ""))
    if (t === undefined) return 0
    const { room } = model.nodes[n]!
    const { pool, type } = types[t]!
    const whole = model.pools[pool]!.room
    let sum = 0
    demands.forEach((demand, r) => {
      if (prices[r] === 0 || demand.of < 0) return
      const part = Math.max(0, room[demand.of]!) / whole[type * model.dimensions.size + demand.of]!
      sum += prices[r]! * share(model, types[t]!, t, demand) * Math.min(1, part)
    })
    return sum
  }
}
