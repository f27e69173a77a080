import type { Task } from "./task.ts"

const none = 1 << 30

/**
 * One node being filled: what fits it, by room, requirements and rules about who shares a node. Nothing is allocated while
 * filling; `items` and `copies` hold the result until the next `begin`.
 */
export class Filler {
  /** The items on the node, each once, and how many pods of each; `length` of them. */
  readonly items: Int32Array
  readonly copies: Int32Array
  length = 0
  /** Pods on the node. */
  pods = 0
  /** The sum of what its pods are worth. */
  worth = 0
  /** State of the node, as in `NodeStates`. */
  state = 0
  /** By item: what a pod of it is worth, in US dollars an hour. Set by whoever searches. */
  readonly value: Float64Array
  /** True: every pod keeps to its own pools. */
  isStrict = true
  private readonly task: Task
  /** By dimension: what is left of the node's room. */
  readonly left: Float64Array
  private readonly shown: Int32Array
  private readonly caps: Float64Array
  private type = 0
  private pool = 0

  constructor(task: Task) {
    this.task = task
    this.items = new Int32Array(task.size)
    this.copies = new Int32Array(task.size)
    this.value = new Float64Array(task.size)
    this.left = new Float64Array(task.D)
    this.shown = new Int32Array(task.counters)
    this.caps = new Float64Array(task.counters)
  }

  /** Begins an empty node of this state and type. */
  begin(state: number, type: number): void {
    const { task: { D, states, model } } = this
    const { pool } = states.all[state]!
    const { room } = model.pools[pool]!
    this.pool = pool
    this.state = state
    this.type = type
    this.length = 0
    this.pods = 0
    this.worth = 0
    for (let d = 0; d < D; d++) this.left[d] = room[type * D + d]!
    this.shown.fill(0)
    this.caps.fill(Infinity)
  }

  /** Puts up to `most` pods of the item on the node; how many it took. */
  put(item: number, most: number): number {
    const { D, request, kindOf, states } = this.task
    const { left, value } = this
    const at = item * D
    for (let d = 0; d < D; d++) if (request[at + d]! > left[d]!) return 0
    const kind = kindOf[item]!
    const current = states.all[this.state]!
    let next = current.next[kind]!
    if (next === -2) next = states.after(this.state, kind)
    if (next < 0) return 0
    if (this.isStrict && !this.task.isOwn(item, this.pool)) return 0
    let copies = most
    if (copies > 1) {
      for (let d = 0; d < D; d++) {
        const size = request[at + d]!
        if (size > 0) copies = Math.min(copies, Math.floor(left[d]! / size))
      }
    }
    const entries = this.task.hosts[kind]!
    if (entries.length > 0) copies = Math.min(copies, this.allowedBy(kind))
    if (copies < 1) return 0
    if (next !== this.state) {
      const price = states.all[next]!.price[this.type]!
      if (price === Infinity) return 0
      // A pod that moves the node to a dearer zone has to be worth it.
      if (this.pods > 0 && price - current.price[this.type]! >= value[item]! * copies) return 0
      this.state = next
    }
    for (let i = 0; i < entries.length; i++) {
      const { counter, adds, cap } = entries[i]!
      this.shown[counter]! += adds * copies
      if (cap < this.caps[counter]!) this.caps[counter] = cap
    }
    for (let d = 0; d < D; d++) left[d]! -= request[at + d]! * copies
    this.note(item, copies)
    return copies
  }

  private note(item: number, copies: number): void {
    this.pods += copies
    this.worth += this.value[item]! * copies
    for (let i = 0; i < this.length; i++) {
      if (this.items[i] !== item) continue
      this.copies[i]! += copies
      return
    }
    this.items[this.length] = item
    this.copies[this.length++] = copies
  }

  /** How many more pods of the item the node takes by all rules but room; 0 for those that would change its state. */
  mostOf(item: number): number {
    const kind = this.task.kindOf[item]!
    if (this.task.states.after(this.state, kind) !== this.state) return 0
    if (this.isStrict && !this.task.isOwn(item, this.pool)) return 0
    return this.allowedBy(kind)
  }

  /** How many more pods of the kind may share the node. */
  private allowedBy(kind: number): number {
    const entries = this.task.hosts[kind]!
    let copies = none
    for (let i = 0; i < entries.length; i++) {
      const { counter, adds, cap } = entries[i]!
      const allowed = Math.min(cap, this.caps[counter]!) - this.shown[counter]!
      copies = Math.min(copies, adds > 0 ? allowed : allowed < 0 ? 0 : none)
    }
    return Math.max(0, copies)
  }

  /** What the counter may still rise by, when the node takes at most `cap` of those who add to it. */
  leftOf(counter: number, cap: number): number {
    return Math.max(0, Math.min(cap, this.caps[counter]!) - this.shown[counter]!)
  }

  /** How many pods of the item are on the node. */
  copiesOf(item: number): number {
    for (let i = 0; i < this.length; i++) if (this.items[i] === item) return this.copies[i]!
    return 0
  }

  /** How much of what is left on the node a pod of the item takes, summed over resources; Infinity where it does not fit. */
  shareOfLeft(item: number): number {
    const { D, request } = this.task
    const { left } = this
    const at = item * D
    let sum = 0
    for (let d = 0; d < D; d++) {
      const size = request[at + d]!
      if (size > left[d]!) return Infinity
      if (size > 0) sum += size / left[d]!
    }
    return sum
  }

  /** The price of the node as the type it was begun with. */
  get price(): number {
    return this.task.states.all[this.state]!.price[this.type]!
  }
}
