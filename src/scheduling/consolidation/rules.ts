/** What a command has to keep to beyond room: budgets, savings, spot for spot, and what Balanced asks. */
import type { Attempt, Stuck } from "./attempt.ts"
import { negligible } from "../search/packing.ts"
import { launchOf, spot } from "./launch.ts"
import type { PoolTotals } from "./contract.ts"
import type { World } from "./world.ts"
import type { Worth } from "./worth.ts"
import { CapacityTypeLabel } from "../wellKnown.ts"

/** As Karpenter: a move of Balanced is worth it when its share of the savings is half its share of the disruption. */
const leastScore = 0.5

/**
 * Which part of what a pod costs at least has to be saved where it moves, if nothing else is said: less is not worth its trouble. What
 * Karpenter would do too, with one new node or none, may save as little as it likes.
 */
const leastPart = 0.6

/** As Karpenter: how many types a spot node that replaces another has to choose from. */
const leastSpotTypes = 15

export class Rules {
  private readonly podPrice: number | undefined
  private readonly worth: Worth
  private readonly world: World
  private readonly minimum: number
  private readonly spotToSpot: boolean
  private readonly isSpot: ReadonlyArray<boolean>
  private readonly totals: ReadonlyMap<string, PoolTotals>

  constructor(world: World, worth: Worth) {
    const { minimumSavings = 0, podPrice, spotToSpot = false } = world.problem.consolidation ?? {}
    this.world = world
    this.minimum = minimumSavings
    this.podPrice = podPrice
    this.worth = worth
    this.spotToSpot = spotToSpot
    this.isSpot = world.sites.map(({ node }) => node.labels[CapacityTypeLabel] === spot)
    this.totals = totalsOf(world)
  }

  /** Spot nodes go only where nothing replaces them, unless spot may replace spot. */
  deletesOnly(n: number): boolean {
    return !this.spotToSpot && this.isSpot[n]!
  }

  /** Whether the budgets of their pools allow all of them to go. */
  allows(nodes: ReadonlyArray<number>): boolean {
    return this.allowed(nodes).length === nodes.length
  }

  /** Those that the budgets allow if each goes in its turn. */
  allowed(nodes: ReadonlyArray<number>): ReadonlyArray<number> {
    const { problem: { budgets = {} }, sites } = this.world
    const left = new Map<string, number>()
    return nodes.filter((n) => {
      const pool = sites[n]!.candidate!.nodePool
      const more = left.get(pool) ?? budgets[pool] ?? Infinity
      left.set(pool, more - 1)
      return more >= 1
    })
  }

  savings(found: Attempt): number {
    return this.priceOf(found.gone) - found.cost
  }

  /** In US dollars an hour: what the nodes cost. */
  priceOf(nodes: ReadonlyArray<number>): number {
    return nodes.reduce((sum, n) => sum + this.world.sites[n]!.candidate!.hourlyPrice, 0)
  }

  /** In US dollars an hour: what has to be saved where these pods are moved. */
  priceOfMoving(pods: Iterable<number>): number {
    let sum = 0
    for (const pod of pods) {
      const worth = this.worth.ofPod(pod)
      sum += this.podPrice ?? (worth === Infinity ? 0 : leastPart * worth)
    }
    return sum
  }

  /** The same where as little is bought as Karpenter would. */
  leastPriceOfMoving(pods: Iterable<number>): number {
    return this.podPrice === undefined ? 0 : this.priceOfMoving(pods)
  }

  /** What is saved beyond what moving its pods is worth. */
  value(found: Attempt): number {
    return this.savings(found) - this.priceOfMoving(found.pods)
  }

  accepts(found: Attempt): boolean {
    return this.savings(found) > negligible && this.savesEnough(found) && this.keepsSpotRule(found) && this.isBalanced(found)
  }

  savesEnough(found: Attempt): boolean {
    const isModest = this.podPrice === undefined && found.launches.length < 2
    return this.savings(found) >= this.minimum && (isModest || this.value(found) > negligible)
  }

  /** A spot node that is replaced by another gets so many types to choose from that it does not hop from one to the next. */
  settled(found: Attempt | Stuck): Attempt | Stuck {
    if ("stuck" in found || !this.spotToSpot || !isHop(found, this.isSpot)) return found
    const launch = launchOf(found.model, found.launches[0]!.open, leastSpotTypes)
    return launch?.capacityType === spot ? { ...found, launches: [launch], cost: launch.price } : found
  }

  keepsSpotRule(found: Attempt): boolean {
    if (!found.gone.every((n) => this.isSpot[n]) || found.launches.every(({ capacityType }) => capacityType !== spot)) return true
    return this.spotToSpot && (!isHop(found, this.isSpot) || found.launches[0]!.node.types.length >= leastSpotTypes)
  }

  /** Every pool with the policy Balanced finds that its share of the savings is worth its share of the disruption. */
  isBalanced(found: Attempt): boolean {
    const { sites } = this.world
    const savings = this.savings(found)
    const price = new Map<string, number>()
    const disruption = new Map<string, number>()
    let all = 0
    for (const n of found.gone) {
      const { disruptionCost, hourlyPrice, nodePool } = sites[n]!.candidate!
      all += hourlyPrice
      price.set(nodePool, (price.get(nodePool) ?? 0) + hourlyPrice)
      disruption.set(nodePool, (disruption.get(nodePool) ?? 0) + disruptionCost)
    }
    return found.gone.every((n) => {
      const { nodePool, policy } = sites[n]!.candidate!
      if (policy !== "Balanced") return true
      const totals = this.totals.get(nodePool)!
      if (totals.hourlyPrice <= 0 || totals.disruptionCost <= 0) return false
      const share = savings * price.get(nodePool)! / all / totals.hourlyPrice
      return share / (disruption.get(nodePool)! / totals.disruptionCost) >= leastScore
    })
  }
}

/** One spot node for one. */
const isHop = ({ gone, launches }: Attempt, isSpot: ReadonlyArray<boolean>): boolean =>
  gone.length === 1 && isSpot[gone[0]!]! && launches.length === 1 && launches[0]!.capacityType === spot

const totalsOf = ({ problem: { poolTotals = {} }, sites }: World): ReadonlyMap<string, PoolTotals> => {
  const out = new Map<string, PoolTotals>()
  for (const { candidate } of sites) {
    if (candidate === undefined) continue
    const { disruptionCost, hourlyPrice, nodePool } = candidate
    const sum = out.get(nodePool)
    out.set(nodePool, {
      hourlyPrice: (sum?.hourlyPrice ?? 0) + hourlyPrice, disruptionCost: (sum?.disruptionCost ?? 0) + disruptionCost
    })
  }
  for (const pool in poolTotals) out.set(pool, poolTotals[pool]!)
  return out
}
