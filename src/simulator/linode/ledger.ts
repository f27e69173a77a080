/** What was bought, and what it costs. */
import type { Purchase } from "./world.ts"

export class Ledger {
  /** Every node that ever was, in the order of their creation. */
  readonly purchases: Array<Purchase> = []
  private readonly open = new Map<string, Purchase>()
  private price = 0
  private highest = 0

  get hourlyPrice(): number {
    return this.price
  }

  get peakHourlyPrice(): number {
    return this.highest
  }

  buy(purchase: Purchase): void {
    this.purchases.push(purchase)
    this.open.set(purchase.node, purchase)
    if (!purchase.seeded) this.add(purchase.hourlyPrice)
  }

  giveBack(node: string, at: number): void {
    const purchase = this.open.get(node)
    if (purchase === undefined) return
    this.open.delete(node)
    purchase.deletedAt = at
    if (!purchase.seeded) this.add(-purchase.hourlyPrice)
  }

  private add(change: number): void {
    // Prices have at most six decimals; without the rounding a sum that goes up and down does not end at zero.
    this.price = Math.round((this.price + change) * 1e6) / 1e6
    this.highest = Math.max(this.highest, this.price)
  }
}
