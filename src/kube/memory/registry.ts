/** How the objects of any kind are found, changed and deleted: the rules between a request and the storage. */
import type { DeleteOptions } from "../kube.ts"
import type { Ref } from "../objects.ts"
import type { Actions, Controller } from "./actions.ts"
import { deletionOf, isFinished } from "./deletion.ts"
import { conflict, forbidden, invalid, notFound, staleVersion } from "./failure.ts"
import { timestamp } from "../timestamp.ts"
import { equal, put, toJson } from "./json.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"
import { metadataErrors, nextGeneration, updated } from "./metadata.ts"
import { initialNamespaces, isNamespace, terminating } from "./namespaces.ts"
import type { Storage } from "./storage.ts"

/** Custom resources keep their metadata when a client writes their status. */
const withStatus = (kind: Kind, old: Stored, incoming: Stored): Stored => {
  const next = put(old, ["status"], incoming["status"]) as Stored
  return kind.custom ? next : { ...next, metadata: updated(incoming.metadata, old.metadata) }
}

const withoutStatus = (kind: Kind, old: Stored, incoming: Stored): Stored => {
  const metadata = updated(incoming.metadata, old.metadata)
  return { ...(kind.status ? put(incoming, ["status"], old["status"]) : incoming), metadata } as Stored
}

export class Registry {
  readonly storage: Storage
  readonly actions: Actions
  readonly #now: () => number
  readonly #controllers: ReadonlyArray<Controller>

  constructor(storage: Storage, now: () => number, controllers: ReadonlyArray<Controller>) {
    this.storage = storage
    this.#now = now
    this.#controllers = controllers
    this.actions = {
      storage,
      now,
      erase: (kind, object, options) => this.erase(kind, object, options),
      rewrite: (kind, object) => {
        const old = this.find(kind, object.metadata)
        return this.#commit(kind, old, { ...object, metadata: updated(object.metadata, old.metadata) })
      }
    }
  }

  find(kind: Kind, ref: Ref): Stored {
    const object = this.storage.find(kind, kind.namespaced ? ref : { name: ref.name })
    if (object === undefined) throw notFound(kind, ref)
    return object
  }

  validate(kind: Kind, object: Stored, old: Stored | undefined, version: string): void {
    const errors = [...metadataErrors(kind, object.metadata, old?.metadata), ...kind.validate(object, old, version)]
    if (errors.length > 0) throw invalid(kind, object.metadata, errors)
  }

  /** Puts what a client sent in the place of `old`, as far as it may. */
  replace(kind: Kind, old: Stored, incoming: Stored, subresource: "status" | undefined, version: string): Stored {
    const { uid, resourceVersion } = incoming.metadata
    if (uid !== undefined && uid !== "" && uid !== old.metadata.uid) {
      const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`
      throw conflict(kind, old.metadata, detail)
    }
    if (resourceVersion !== undefined && resourceVersion !== "") {
      if (resourceVersion !== old.metadata.resourceVersion) throw staleVersion(kind, old.metadata)
    } else if (!kind.unconditionalUpdate) {
      const cause = { field: "metadata.resourceVersion", message: "Invalid value: 0: must be specified for an update" }
      throw invalid(kind, old.metadata, [cause])
    }
    const merged = subresource === "status" ? withStatus(kind, old, incoming) : withoutStatus(kind, old, incoming)
    const next = toJson(nextGeneration(kind, kind.complete(merged, version), old))
    this.validate(kind, next, old, version)
    return this.#commit(kind, old, next)
  }

  erase(kind: Kind, object: Stored, options: DeleteOptions): void {
    if (isNamespace(kind)) return this.#eraseNamespace(kind, object)
    const deletion = deletionOf(kind, object, options, this.#now())
    switch (deletion.action) {
      case "none": return
      case "mark": {
        this.storage.write(kind, deletion.object)
        return
      }
      case "remove": {
        const last = deletion.mark === undefined ? object : this.storage.write(kind, deletion.mark)
        return this.storage.remove(kind, last)
      }
    }
  }

  /** Lets the controllers act on what has changed, and on what they change, until nothing does. */
  settle(): void {
    for (let changes = this.storage.takeChanges(); changes.length > 0; changes = this.storage.takeChanges()) {
      for (const change of changes) {
        for (const controller of this.#controllers) controller.changed(change, this.actions)
      }
    }
  }

  #eraseNamespace(kind: Kind, namespace: Stored): void {
    if (initialNamespaces.includes(namespace.metadata.name)) {
      throw forbidden(kind, namespace.metadata, "this namespace may not be deleted")
    }
    if (namespace.metadata.deletionTimestamp !== undefined) return
    this.storage.write(kind, terminating(namespace, timestamp(this.#now())))
  }

  /** A write that changes nothing is none: no new version, no event. */
  #commit(kind: Kind, old: Stored, next: Stored): Stored {
    if (equal(next, old)) return old
    if (isNamespace(kind) || !isFinished(next)) return this.storage.write(kind, next)
    this.storage.remove(kind, old)
    return next
  }
}
