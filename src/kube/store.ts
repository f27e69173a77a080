/**
 * One kind's objects in memory, with indexes and subscribers. The reflector feeds it; `observe` adds our own writes.
 *
 * What is newer is told by resourceVersions alone: a store knows everything of its kind up to `version`, the last one
 * that a list, an event or a bookmark named. So an observed object at or below it is old news (perhaps of something
 * deleted since, which must not come back), and one above it stays until the watch has caught up.
 */
import { Effect } from "effect"
import type { Change, Store } from "./caches.ts"
import { lean } from "./lean.ts"
import type { KubeObject, Ref } from "./objects.ts"
import type { Resource } from "./resources.ts"

/** The values under which an index files an object; none leaves it out. */
export type IndexBy<A> = (object: A) => string | undefined

export interface WritableStore<A extends KubeObject> extends Store<A> {
  /** A complete list as of `version`: tells subscribers of the differences only. */
  readonly replace: (items: ReadonlyArray<A>, version: string) => void
  /** A watch said that the object was added or changed. */
  readonly apply: (object: A) => void
  /** A watch said that the object, as it last was, is gone. */
  readonly remove: (object: A) => void
  /** A watch said that nothing happened up to this version. */
  readonly bookmark: (version: string) => void
  /** The server returned this object for a write of ours. */
  readonly observe: (object: A) => void
  /** Everything up to this resourceVersion is in the store; `""` before the first list. */
  readonly version: () => string
}

/** Below zero when `a` is the older resourceVersion. They are decimal numbers without leading zeros, of any length. */
export const compareVersions = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)

const keyOf = (ref: Ref): string => ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`
const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? ""

/** Objects filed under a value; the array is made when asked for and kept until the set changes. */
class Bucket<A> {
  readonly objects = new Map<string, A>()
  #list: ReadonlyArray<A> | undefined
  set(key: string, object: A): void {
    this.objects.set(key, object)
    this.#list = undefined
  }
  delete(key: string): void {
    if (this.objects.delete(key)) this.#list = undefined
  }
  list(): ReadonlyArray<A> {
    return this.#list ??= [...this.objects.values()]
  }
}

class Index<A> {
  readonly by: IndexBy<A>
  readonly buckets = new Map<string, Bucket<A>>()
  constructor(by: IndexBy<A>) {
    this.by = by
  }
  move(key: string, previous: A | undefined, next: A | undefined): void {
    const from = previous === undefined ? undefined : this.by(previous)
    const to = next === undefined ? undefined : this.by(next)
    if (from !== undefined && from !== to) {
      const bucket = this.buckets.get(from)
      bucket?.delete(key)
      if (bucket?.objects.size === 0) this.buckets.delete(from)
    }
    if (to === undefined || next === undefined) return
    const bucket = this.buckets.get(to) ?? new Bucket<A>()
    this.buckets.set(to, bucket)
    bucket.set(key, next)
  }
}

/** An empty, unsynced store. `indexes` gives the indexes that `by` knows; `trim` is what is kept of an object. */
export const makeStore = <A extends KubeObject>(
  resource: Resource<A>,
  indexes: Readonly<Record<string, IndexBy<A>>> = {},
  trim: (object: A) => A = lean
): WritableStore<A> => {
  const all = new Bucket<A>()
  const byName = new Map(Object.entries(indexes).map(([name, by]) => [name, new Index(by)]))
  const subscribers = new Set<{ readonly onChange: (change: Change<A>) => void }>()
  let version = ""

  const put = (key: string, object: A): Change<A> => {
    const previous = all.objects.get(key)
    all.set(key, object)
    for (const index of byName.values()) index.move(key, previous, object)
    return { type: "applied", object, previous }
  }
  const drop = (key: string, previous: A, last: A): Change<A> => {
    all.delete(key)
    for (const index of byName.values()) index.move(key, previous, undefined)
    return { type: "deleted", object: last }
  }
  const tell = (changes: Iterable<Change<A>>): void => {
    for (const change of changes) {
      for (const { onChange } of subscribers) onChange(change)
    }
  }
  const advance = (to: string): void => {
    if (compareVersions(to, version) > 0) version = to
  }
  /** Puts the object unless the store has the same or a newer one; an object made anew under the name deletes the former. */
  const putNewer = (incoming: A): ReadonlyArray<Change<A>> => {
    const key = keyOf(incoming.metadata)
    const known = all.objects.get(key)
    if (known === undefined) return [put(key, trim(incoming))]
    if (compareVersions(versionOf(incoming), versionOf(known)) <= 0) return []
    if (known.metadata.uid === incoming.metadata.uid) return [put(key, trim(incoming))]
    return [drop(key, known, known), put(key, trim(incoming))]
  }

  return {
    resource,
    get: (ref) => all.objects.get(keyOf(ref)),
    list: () => all.list(),
    by: (name, value) => {
      const index = byName.get(name)
      if (index === undefined) throw new Error(`the store of ${resource.plural} has no index ${name}`)
      return index.buckets.get(value)?.list() ?? []
    },
    synced: () => version !== "",
    version: () => version,
    subscribe: (onChange) => Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => {
        const subscriber = { onChange }
        subscribers.add(subscriber)
        for (const object of all.list()) onChange({ type: "applied", object, previous: undefined })
        return subscriber
      }),
      (subscriber) => Effect.sync(() => subscribers.delete(subscriber))
    )),
    replace: (items, listed) => {
      // A list is never older than what was seen before, unless the server's own data went back (restored from a
      // backup): then nothing known counts any more.
      const wentBack = compareVersions(listed, version) < 0
      const changes: Array<Change<A>> = []
      const present = new Set<string>()
      for (const item of items) {
        const key = keyOf(item.metadata)
        present.add(key)
        const known = all.objects.get(key)
        const sameObject = known !== undefined && known.metadata.uid === item.metadata.uid
        if (wentBack && sameObject && versionOf(known) !== versionOf(item)) changes.push(put(key, trim(item)))
        else if (wentBack && known !== undefined && !sameObject) changes.push(drop(key, known, known), put(key, trim(item)))
        else changes.push(...putNewer(item))
      }
      for (const [key, known] of all.objects) {
        // One of our own writes may be younger than the list.
        if (present.has(key) || (!wentBack && compareVersions(versionOf(known), listed) > 0)) continue
        changes.push(drop(key, known, known))
      }
      version = listed
      tell(changes)
    },
    apply: (object) => {
      const changes = putNewer(object)
      advance(versionOf(object))
      tell(changes)
    },
    remove: (object) => {
      const key = keyOf(object.metadata)
      const known = all.objects.get(key)
      advance(versionOf(object))
      // Under the name there may already be a successor that we made ourselves.
      if (known === undefined || known.metadata.uid !== object.metadata.uid) return
      tell([drop(key, known, trim(object))])
    },
    bookmark: advance,
    observe: (object) => {
      if (compareVersions(versionOf(object), version) > 0) tell(putNewer(object))
    }
  }
}
