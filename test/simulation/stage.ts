/**
 * Where a life takes place: time, the two servers, who acts, and the judges. Everything outside the controller is plain
 * synchronous code that runs from `time` by way of `act`, after which the invariants are asked.
 */
import { crds } from "../../src/apis/crds.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { Changed } from "../../src/kube/memory/storage.ts"
import { ApiServer } from "../../src/kube/memory/server.ts"
import type { KubeObject, Ref } from "../../src/kube/objects.ts"
import type { Resource } from "../../src/kube/resources.ts"
import type { LinodeType, Region } from "../../src/linode/models.ts"
import { LinodeApi } from "../../src/simulator/linode/linodeApi.ts"
import { LinodeCloud } from "../../src/simulator/linode/linodeCloud.ts"
import type { CloudEvent, SimulatedCluster, SimulatedNode, SimulatedPool, Tier } from "../../src/simulator/linode/world.ts"
import { Dice, seedOf } from "./dice.ts"
import { clusterName, token } from "./engine/program.ts"
import { Time } from "./engine/virtual.ts"
import { Record } from "./record.ts"
import type { Actor, Change, Foreign, Invariant, LinodeChange, Mode, ProgramView, Rules, World } from "./world.ts"

export const region = "us-ord"
/** By which a Linode of instance mode tells its claim, as the Go provider's do. */
const claimTag = "karpenter.sh/nodeclaim="
export const minute = 60_000
export const second = 1_000

export const rules: Rules = { latest: 2 * minute, latestWrite: 30 * second, patience: 10 * second, longestFreeze: minute }

/** Steps at one instant that only an endless loop takes. */
const mostStepsPerInstant = 300_000

export interface StageOptions {
  readonly mode: Mode
  readonly seed: number
  readonly types: ReadonlyArray<LinodeType>
  readonly regions: ReadonlyArray<Region>
  readonly invariants: ReadonlyArray<Invariant>
}

export interface Who {
  readonly by: Actor
  readonly program?: string
  readonly request?: string
}

/** A violation: the life ends with it. */
export interface Violation {
  readonly at: number
  readonly invariant: string
  readonly text: string
}

export class Stage implements World {
  readonly seed: number
  readonly mode: Mode
  readonly tier: Tier
  readonly time: Time
  readonly start: number
  readonly record: Record
  readonly server: ApiServer
  readonly cloud: LinodeCloud
  readonly api: LinodeApi
  readonly cluster: SimulatedCluster
  readonly token = token
  readonly rules = rules
  readonly broken = new Set<string>()
  readonly programs: Array<ProgramView> = []
  readonly allLinodeChanges: Array<LinodeChange> = []
  changes: ReadonlyArray<Change> = []
  linodeChanges: ReadonlyArray<LinodeChange> = []
  said: ReadonlyArray<string> = []
  foreign!: Foreign
  troubleEnds: number
  violation: Violation | undefined
  /** Are told of every change at the API server, at once, after the judges. */
  readonly listeners: Array<(change: Change) => void> = []

  /** Instance mode: what the controller bought, and under which label for which claim. */
  private readonly bought = new Set<number>()
  private readonly labels = new Map<string, string>()
  private readonly invariants: ReadonlyArray<Invariant>
  private readonly dice = new Map<string, Dice>()
  private who: Who = { by: "kubernetes" }
  private depth = 0
  private newChanges: Array<Change> = []
  private newLinodeChanges: Array<LinodeChange> = []
  private newWords: Array<string> = []
  private cloudEvents: Array<CloudEvent> = []
  /** Requests to Linode that are still to be carried out. */
  private flying = 0
  private nextTurn: { readonly at: number; readonly cancel: () => void } | undefined

  constructor({ invariants, mode, regions, seed, types }: StageOptions) {
    this.seed = seed
    this.mode = mode
    this.invariants = invariants
    this.time = new Time({ order: this.diceOf("order").chance, most: mostStepsPerInstant })
    this.start = this.time.now
    this.record = new Record(() => this.time.now)
    this.server = new ApiServer({ now: () => this.time.now, history: 500, onChange: (change) => this.onChange(change) })
    for (const crd of crds) this.server.install(crd)
    const script = this.diceOf("script")
    this.tier = script.happens(0.3) ? "enterprise" : "standard"
    this.troubleEnds = this.start + script.int(90, 330) * second
    this.cloud = new LinodeCloud({ types, regions, seed: seedOf(seed, "cloud"), tokens: [token], now: () => this.time.now })
    this.api = new LinodeApi(this.cloud)
    this.cloud.subscribe((event) => {
      this.cloudEvents.push(event)
      this.record.note("linode", `${event.kind} ${event.node.name} ${event.node.type}`)
    })
    this.cloud.timeline.onScheduled(() => this.turnCloud())
    this.cluster = this.cloud.addCluster({
      label: clusterName, region, tier: this.tier, systemPool: { type: "g6-standard-1", count: 1 }
    })
  }

  get now(): number {
    return this.time.now
  }

  get troubled(): boolean {
    return this.time.now < this.troubleEnds
  }

  get faultsOver(): boolean {
    return !this.troubled && this.flying === 0
  }

  diceOf(concern: string): Dice {
    const known = this.dice.get(concern)
    if (known !== undefined) return known
    const made = new Dice(this.seed, concern)
    this.dice.set(concern, made)
    return made
  }

  list = <A extends KubeObject>(resource: Resource<A>): ReadonlyArray<A> =>
    this.server.list(resource).items as unknown as ReadonlyArray<A>

  get = <A extends KubeObject>(resource: Resource<A>, ref: Ref): A | undefined => {
    try {
      return this.server.get(resource, ref) as unknown as A
    } catch {
      return undefined
    }
  }

  ourPools = (): ReadonlyArray<SimulatedPool> => this.mode === "instance" ? [] : this.cloud.poolsOf(this.cluster).filter((pool) =>
    !this.foreign.userPools.has(pool.id))

  ourNodes = (): ReadonlyArray<SimulatedNode> => this.mode === "lke"
    ? this.ourPools().flatMap((pool) => pool.nodes)
    : this.cloud.machines().filter(({ instanceId }) => instanceId !== undefined && this.isBought(instanceId))

  isBought = (instance: number): boolean => this.bought.has(instance)

  labelFor = (uid: string): string | undefined => this.labels.get(uid)

  instance = (node: SimulatedNode) => node.instanceId === undefined ? undefined : this.cloud.instances.get(node.instanceId)

  /** Runs `f` after so long; nothing of it is cancelled by the end of a process. */
  after(millis: number, f: () => void): () => void {
    return this.time.after(millis, f)
  }

  /** Runs `f` once something is due, as long as there is trouble: one adversary's loop. */
  every(next: () => number, f: () => void): void {
    this.after(next(), () => {
      if (!this.troubled) return
      f()
      this.every(next, f)
    })
  }

  note = (topic: Parameters<Record["note"]>[0], text: string): void => this.record.note(topic, text)
  fault = (kind: string, text: string): void => this.record.fault(kind, text)

  /** A thing somebody does: what it changes is theirs, and is judged at its end. */
  act<A>(who: Who, f: () => A): A {
    const before = this.who
    this.who = who
    this.depth++
    try {
      return f()
    } finally {
      this.who = before
      if (--this.depth === 0) this.judge()
    }
  }

  /** As a user at the API server, whom a refusal does not surprise. */
  attempt(who: Who, f: () => void): boolean {
    return this.act(who, () => {
      try {
        f()
        return true
      } catch {
        return false
      }
    })
  }

  /** A request is under way to Linode until the function that this gives back is called. */
  fly(): () => void {
    this.flying++
    return () => {
      this.flying--
    }
  }

  /** What happened at Linode since the last call. */
  takeCloudEvents(): ReadonlyArray<CloudEvent> {
    const events = this.cloudEvents
    this.cloudEvents = []
    return events
  }

  changedLinode(change: LinodeChange): void {
    if (this.mode === "instance" && change.by === "controller") this.noteBought(change)
    this.newLinodeChanges.push(change)
    this.allLinodeChanges.push(change)
  }

  /** A Linode is asked for, for the claim that there is now: another one may have its name when the request is carried out. */
  order(body: string): void {
    const { label, tags = [] } = JSON.parse(body) as { readonly label?: string; readonly tags?: ReadonlyArray<string> }
    const name = tags.find((tag) => tag.startsWith(claimTag))?.slice(claimTag.length) ?? ""
    const uid = this.get(NodeClaims, { name })?.metadata.uid
    // The first is the claim's: another label is another machine.
    if (label !== undefined && uid !== undefined && !this.labels.has(uid)) this.labels.set(uid, label)
  }

  private noteBought({ events }: LinodeChange): void {
    for (const { kind, node } of events) if (kind === "NodeCreated" && node.instanceId !== undefined) this.bought.add(node.instanceId)
  }

  say(words: string): void {
    this.newWords.push(words)
    if (this.depth === 0) this.judge()
  }

  /** A log line of a replica. What differs from one replay to the next has no place in it. */
  hear(line: string): void {
    this.record.note("log", line)
    this.say(line)
  }

  violate(invariant: string, text: string): void {
    if (this.violation !== undefined) return
    this.violation = { at: this.time.now - this.start, invariant, text }
    this.record.note("violation", `${invariant}: ${text}`)
  }

  /** What keeps the life from having settled. */
  unsettled(): { readonly invariant: string; readonly text: string } | undefined {
    for (const { name, settled } of this.invariants) {
      const text = settled?.(this)
      if (text !== undefined) return { invariant: name, text }
    }
    return undefined
  }

  private onChange({ after, before, kind }: Changed): void {
    const { by, program, request } = this.who
    this.newChanges.push({ at: this.time.now, by, program, plural: kind.plural, before, after, request })
  }

  private judge(): void {
    // What listeners do at once is a step of its own.
    while (this.newChanges.length + this.newLinodeChanges.length + this.newWords.length > 0) {
      this.changes = this.newChanges
      this.linodeChanges = this.newLinodeChanges
      this.said = this.newWords
      this.newChanges = []
      this.newLinodeChanges = []
      this.newWords = []
      for (const change of this.changes) this.describe(change)
      for (const { name, step } of this.invariants) {
        const text = step?.(this)
        if (text !== undefined) this.violate(name, text)
      }
      for (const change of this.changes) for (const listener of this.listeners) listener(change)
    }
  }

  /** The few changes at the API server that a trace is read for. */
  private describe({ after, before, by, plural, program }: Change): void {
    const object = after ?? before
    if (object === undefined || plural === "events" || plural === "leases") return
    const who = program ?? by
    const { name } = object.metadata
    const isClaim = plural === NodeClaims.plural
    const topic = isClaim ? "claim" : plural === "pods" ? "pod" : by === "user" ? "user" : "kubernetes"
    if (before === undefined) return this.note(topic, `${who} created ${plural}/${name}`)
    if (after === undefined) return this.note(topic, `${plural}/${name} is gone (${who})`)
    if (before.metadata.deletionTimestamp === undefined && after.metadata.deletionTimestamp !== undefined) {
      return this.note(topic, `${who} deletes ${plural}/${name}`)
    }
    if (!isClaim) return
    const [was, is] = [before.metadata.annotations ?? {}, after.metadata.annotations ?? {}]
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
      if (was[key] !== is[key] && /\/(lke|instance)-/.test(key)) {
        this.note("claim", `${who} writes ${key.slice(key.indexOf("/") + 1)} of ${name}: ${is[key] ?? "none"}`)
      }
    }
  }

  private turnCloud(): void {
    const { next } = this.cloud.timeline
    if (next === undefined || (this.nextTurn !== undefined && this.nextTurn.at <= next)) return
    this.nextTurn?.cancel()
    const cancel = this.after(next - this.time.now, () => {
      this.nextTurn = undefined
      this.act({ by: "kubernetes" }, () => this.cloud.timeline.advance())
      this.turnCloud()
    })
    this.nextTurn = { at: next, cancel }
  }
}
