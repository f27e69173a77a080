/**
 * The nodes to buy while a pass runs. They stand in buckets by state and number of pods, since the next pod goes to the node
 * with the fewest pods that takes it. Buckets only grow: an entry whose node has moved on is skipped, and cursors never go back.
 */
import type { HostPort } from "./hostPorts.ts"
import type { State } from "./states.ts"

const grown = (array: Int32Array, length: number): Int32Array => {
  const out = new Int32Array(Math.max(length, array.length * 2))
  out.set(array)
  return out
}

/** What a run of equal pods has found out about the nodes of one rank: entries before a cursor are of no use to it. */
export class Scan {
  run = -1
  /** When the rules about other pods were last asked. */
  asked = -1
  /** The state that its nodes get by the pod's own demand; null where they can't take it. */
  base: State | null = null
  /** The same once rules about other pods have had their say. */
  target: State | null = null
  /** The lowest bucket with a chance. */
  low = 1
  /** By number of pods. */
  cursors: Int32Array = new Int32Array(16)

  restart(): void {
    this.low = 1
    this.cursors.fill(0)
  }

  cursor(count: number): number {
    if (count >= this.cursors.length) this.cursors = grown(this.cursors, count + 1)
    return this.cursors[count]!
  }
}

/** The nodes of one state by their number of pods. */
export class Rank {
  readonly state: State
  readonly buckets: Array<Int32Array> = []
  readonly lengths: Array<number> = []
  private readonly scans: Array<Scan> = []
  /** By the limits on who shares a node: entries before these cursors are closed to all pods with such limits, or have moved on. */
  private readonly shared: Array<Int32Array | undefined> = []

  constructor(state: State) {
    this.state = state
  }

  /** By position of the step on its ladder. */
  scan(step: number): Scan {
    while (this.scans.length <= step) this.scans.push(new Scan())
    return this.scans[step]!
  }

  /** By number of pods. */
  cursorsOf(limits: number, count: number): Int32Array {
    while (this.shared.length <= limits) this.shared.push(undefined)
    let cursors = this.shared[limits]
    if (cursors === undefined || cursors.length <= count) {
      cursors = grown(cursors ?? new Int32Array(8), count + 1)
      this.shared[limits] = cursors
    }
    return cursors
  }

  push(count: number, node: number): void {
    while (this.buckets.length <= count) {
      this.buckets.push(new Int32Array(8))
      this.lengths.push(0)
    }
    const at = this.lengths[count]!
    if (at >= this.buckets[count]!.length) this.buckets[count] = grown(this.buckets[count]!, at + 1)
    this.buckets[count]![at] = node
    this.lengths[count] = at + 1
    for (let s = 0; s < this.scans.length; s++) if (count < this.scans[s]!.low) this.scans[s]!.low = count
  }
}

export class Fleet {
  readonly D: number
  size = 0
  state: Int32Array = new Int32Array(64)
  count: Int32Array = new Int32Array(64)
  used: Float64Array
  /** Last pod of the node, and for each pod the one before it. */
  last: Int32Array = new Int32Array(64)
  readonly before: Int32Array
  readonly ports: Map<number, ReadonlyArray<HostPort>> = new Map()
  readonly ranks: Array<Rank> = []
  /** By group of pods that rules speak of, and node: how many of them are there. */
  readonly hostCounts: Array<Int32Array> = []
  mostPods = 0
  private readonly rankOf: Array<Rank | undefined> = []

  constructor(D: number, pods: number, groups: number) {
    this.D = D
    for (let g = 0; g < groups; g++) this.hostCounts.push(new Int32Array(64))
    this.used = new Float64Array(64 * D)
    this.before = new Int32Array(pods)
  }

  open(): number {
    const node = this.size++
    if (node >= this.state.length) {
      const length = this.state.length * 2
      this.state = grown(this.state, length)
      this.count = grown(this.count, length)
      this.last = grown(this.last, length)
      const used = new Float64Array(length * this.D)
      used.set(this.used)
      this.used = used
      for (let g = 0; g < this.hostCounts.length; g++) this.hostCounts[g] = grown(this.hostCounts[g]!, length)
    }
    this.last[node] = -1
    return node
  }

  /** Puts the pod on the node, which is in that state from now on. */
  put(pod: number, node: number, state: State, request: Float64Array, ports: ReadonlyArray<HostPort>): void {
    const at = node * this.D
    for (let d = 0; d < this.D; d++) this.used[at + d]! += request[d]!
    const count = ++this.count[node]!
    if (count > this.mostPods) this.mostPods = count
    this.before[pod] = this.last[node]!
    this.last[node] = pod
    if (ports.length > 0) this.ports.set(node, [...(this.ports.get(node) ?? []), ...ports])
    this.become(node, state)
  }

  /** Puts the node into another state as it is. */
  become(node: number, state: State): void {
    this.state[node] = state.id
    this.rank(state).push(this.count[node]!, node)
  }

  /** The rank of a state, made when its first node gets there. */
  rank(state: State): Rank {
    let rank = this.rankOf[state.id]
    if (rank === undefined) {
      rank = new Rank(state)
      while (this.rankOf.length < state.id) this.rankOf.push(undefined)
      this.rankOf[state.id] = rank
      this.ranks.push(rank)
    }
    return rank
  }

  /** The pods of a node in the order they came. */
  podsOf(node: number): ReadonlyArray<number> {
    const out: Array<number> = []
    for (let pod = this.last[node]!; pod >= 0; pod = this.before[pod]!) out.push(pod)
    return out.reverse()
  }
}
