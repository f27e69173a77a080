/** The objects of all kinds under one version counter: what etcd is to an API server. */
import type { Ref } from "../objects.ts"
import type { Resource } from "../resources.ts"
import { Collection, idOf } from "./collection.ts"
import { unknownResource } from "./failure.ts"
import { put, toJson } from "./json.ts"
import type { Stored } from "./json.ts"
import { keyOf } from "./kinds.ts"
import type { Kind } from "./kinds.ts"

/** One change of one object, for the controllers that live in the server. */
export interface Changed {
  readonly kind: Kind
  readonly before: Stored | undefined
  readonly after: Stored | undefined
}

export class Storage {
  readonly #limit: number
  readonly #collections = new Map<string, Collection>()
  readonly #byKind = new Map<string, Collection>()
  #version = 1
  #changes: Array<Changed> = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get version(): number {
    return this.#version
  }

  /** Adds a kind; one that is there gets the new rules and keeps its objects. */
  define(kind: Kind): void {
    const known = this.#collections.get(keyOf(kind))
    const collection = new Collection(kind, this.#limit)
    known?.breakWatches()
    for (const [id, object] of known?.objects ?? []) collection.objects.set(id, object)
    // No history is kept of the time before.
    collection.compact(this.#version)
    this.#collections.set(keyOf(kind), collection)
    this.#byKind.set(`${kind.group}/${kind.kind}`, collection)
  }

  /** The collection of a resource in a version that is served. */
  of(resource: Resource<never> | Resource): Collection {
    const collection = this.#collections.get(keyOf(resource))
    if (collection === undefined || !collection.kind.versions.includes(resource.version)) throw unknownResource()
    return collection
  }

  collections(): Iterable<Collection> {
    return this.#collections.values()
  }

  objects(kind: Kind): Iterable<Stored> {
    return this.#collections.get(keyOf(kind))?.objects.values() ?? []
  }

  find(kind: Kind, ref: Ref): Stored | undefined {
    return this.#collections.get(keyOf(kind))?.objects.get(idOf(ref))
  }

  /** By what an owner reference says. */
  findOwner(apiVersion: string, kind: string, ref: Ref): Stored | undefined {
    const slash = apiVersion.indexOf("/")
    return this.#byKind.get(`${slash < 0 ? "" : apiVersion.slice(0, slash)}/${kind}`)?.objects.get(idOf(ref))
  }

  write(kind: Kind, object: Stored): Stored {
    const before = this.find(kind, object.metadata)
    const after = this.#stamp(object)
    this.#apply(kind, before, after, after)
    return after
  }

  remove(kind: Kind, object: Stored): void {
    this.#apply(kind, object, undefined, this.#stamp(object))
  }

  /** The changes since this was last asked. */
  takeChanges(): ReadonlyArray<Changed> {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  #stamp(object: Stored): Stored {
    this.#version++
    return toJson(put(object, ["metadata", "resourceVersion"], String(this.#version))) as Stored
  }

  #apply(kind: Kind, before: Stored | undefined, after: Stored | undefined, last: Stored): void {
    this.#collections.get(keyOf(kind))!.apply({ version: this.#version, before, after, last })
    this.#changes.push({ kind, before, after })
  }
}
