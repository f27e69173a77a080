/** All objects of one kind, the changes of late, and who watches them. */
import type { WatchEvent } from "../kube.ts"
import type { Ref } from "../objects.ts"
import { expired } from "./failure.ts"
import type { Refusal } from "./failure.ts"
import type { Stored } from "./json.ts"
import { inVersion } from "./kinds.ts"
import type { Kind } from "./kinds.ts"

export interface Change {
  readonly version: number
  readonly before: Stored | undefined
  /** Absent: the object was removed. */
  readonly after: Stored | undefined
  /** What a DELETED event shows: the last state, with the version of the removal. */
  readonly last: Stored
}

/** Where the events of one watch go. Called synchronously. */
export interface Sink {
  readonly event: (event: WatchEvent<Stored>) => void
  /** The server closed the connection. */
  readonly end: () => void
  readonly fail: (refusal: Refusal) => void
}

interface Watcher {
  readonly matches: (object: Stored) => boolean
  readonly version: string
  readonly sink: Sink
}

export const idOf = (ref: Ref): string => ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`

/** Lists under way whose later pages are still to come. */
const keptSnapshots = 32

export class Collection {
  readonly kind: Kind
  readonly objects = new Map<string, Stored>()
  readonly #limit: number
  readonly #watchers = new Set<Watcher>()
  readonly #snapshots = new Map<number, ReadonlyArray<Stored>>()
  #ids: ReadonlyArray<string> | undefined
  #sorted: ReadonlyArray<Stored> | undefined
  #history: Array<Change> = []
  #compacted = 0

  /** `limit` is how many changes are kept at least. */
  constructor(kind: Kind, limit: number) {
    this.kind = kind
    this.#limit = limit
  }

  apply(change: Change): void {
    const id = idOf(change.last.metadata)
    if (change.after === undefined) this.objects.delete(id)
    else this.objects.set(id, change.after)
    this.#sorted = undefined
    if (change.before === undefined || change.after === undefined) this.#ids = undefined
    this.#history.push(change)
    if (this.#history.length > 2 * this.#limit) this.compact(this.#history[this.#history.length - this.#limit - 1]!.version)
    for (const watcher of this.#watchers) this.#tell(watcher, change)
  }

  /** In the order of namespace and name, as lists come. */
  sorted(): ReadonlyArray<Stored> {
    this.#ids ??= [...this.objects.keys()].sort()
    return this.#sorted ??= this.#ids.map((id) => this.objects.get(id)!)
  }

  /** Keeps the objects as of a version, for the pages of a list that follow. */
  snapshot(version: number): ReadonlyArray<Stored> {
    const objects = this.sorted()
    this.#snapshots.set(version, objects)
    const oldest = this.#snapshots.keys().next().value
    if (this.#snapshots.size > keptSnapshots && oldest !== undefined) this.#snapshots.delete(oldest)
    return objects
  }

  snapshotAt(version: number): ReadonlyArray<Stored> {
    const objects = this.#snapshots.get(version)
    if (objects === undefined) {
      throw expired("The provided continue parameter is too old to display a consistent list result")
    }
    return objects
  }

  /** Forgets the changes up to and with a version, and the lists that began before it. */
  compact(version: number): void {
    this.#compacted = Math.max(this.#compacted, version)
    this.#history = this.#history.filter((change) => change.version > version)
    for (const kept of this.#snapshots.keys()) if (kept <= version) this.#snapshots.delete(kept)
  }

  /**
   * Tells the sink of every change after `since`, those already past first. With `undefined` it is told of all objects
   * there are and then of changes. Returns what ends the watch.
   */
  watch(since: number | undefined, matches: (object: Stored) => boolean, version: string, sink: Sink): () => void {
    const watcher = { matches, version, sink }
    if (since === undefined) {
      for (const object of this.sorted()) if (matches(object)) this.#send(watcher, "ADDED", object)
    } else if (since < this.#compacted) {
      sink.fail(expired(`too old resource version: ${since} (${this.#compacted})`))
      return () => {}
    } else {
      for (const change of this.#history) if (change.version > since) this.#tell(watcher, change)
    }
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  bookmark(version: number): void {
    for (const { sink } of this.#watchers) sink.event({ type: "BOOKMARK", resourceVersion: String(version) })
  }

  breakWatches(): void {
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const { sink } of watchers) sink.end()
  }

  get watchers(): number {
    return this.#watchers.size
  }

  #send(watcher: Watcher, type: "ADDED" | "MODIFIED" | "DELETED", object: Stored): void {
    watcher.sink.event({ type, object: inVersion(this.kind, object, watcher.version) })
  }

  /** An object that begins or ceases to match a selector comes and goes for the watcher. */
  #tell(watcher: Watcher, change: Change): void {
    const did = change.before !== undefined && watcher.matches(change.before)
    const does = change.after !== undefined && watcher.matches(change.after)
    if (does && change.after !== undefined) this.#send(watcher, did ? "MODIFIED" : "ADDED", change.after)
    else if (did) this.#send(watcher, "DELETED", change.last)
  }
}
