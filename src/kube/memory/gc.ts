/**
 * The garbage collector: what an owner leaves behind goes too, or first (foreground), or is set free (orphan).
 *
 * Only owners that have lived in this server count: a reference to something that never was here is left alone, so that
 * tests may make pods of imaginary ReplicaSets. A real cluster would collect those.
 */
import type { OwnerReference } from "../objects.ts"
import type { Actions, Controller } from "./actions.ts"
import { idOf } from "./collection.ts"
import { foreground, orphan } from "./deletion.ts"
import type { Stored } from "./json.ts"
import { keyOf } from "./kinds.ts"
import type { Kind } from "./kinds.ts"
import type { Changed } from "./storage.ts"

interface Dependent {
  readonly kind: Kind
  readonly object: Stored
}

const ownersOf = (object: Stored | undefined): ReadonlyArray<OwnerReference> => object?.metadata.ownerReferences ?? []
const uidOf = (object: Stored): string => object.metadata.uid ?? ""
const isHeldBy = (object: Stored, finalizer: string): boolean =>
  object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).includes(finalizer)

const withoutFinalizer = (object: Stored, finalizer: string): Stored => ({
  ...object,
  metadata: { ...object.metadata, finalizers: (object.metadata.finalizers ?? []).filter((each) => each !== finalizer) }
})

const withoutOwners = (object: Stored, gone: (uid: string) => boolean): Stored => ({
  ...object,
  metadata: { ...object.metadata, ownerReferences: ownersOf(object).filter((owner) => !gone(owner.uid)) }
})

export class GarbageCollector implements Controller {
  /** By the owner's uid, then by the dependent's place. */
  readonly #dependents = new Map<string, Map<string, Dependent>>()
  readonly #owners = new Map<string, Dependent>()
  readonly #gone = new Set<string>()

  changed({ kind, before, after }: Changed, actions: Actions): void {
    const object = after ?? before
    if (object === undefined) return
    this.#index(kind, object, before, after)
    if (after === undefined) {
      this.#gone.add(uidOf(object))
      this.#owners.delete(uidOf(object))
      for (const dependent of this.#dependentsOf(object)) this.#collect(dependent, actions)
      for (const { uid } of ownersOf(object)) this.#foreground(uid, actions)
      return
    }
    this.#owners.set(uidOf(after), { kind, object: after })
    if (isHeldBy(after, orphan)) this.#orphan({ kind, object: after }, actions)
    else if (isHeldBy(after, foreground)) this.#foreground(uidOf(after), actions)
    else if (before === undefined && ownersOf(after).some(({ uid }) => this.#gone.has(uid))) {
      this.#collect({ kind, object: after }, actions)
    }
  }

  #index(kind: Kind, object: Stored, before: Stored | undefined, after: Stored | undefined): void {
    const place = `${keyOf(kind)}/${idOf(object.metadata)}`
    for (const { uid } of ownersOf(before)) this.#dependents.get(uid)?.delete(place)
    if (after === undefined) return
    for (const { uid } of ownersOf(after)) {
      const known = this.#dependents.get(uid) ?? new Map<string, Dependent>()
      this.#dependents.set(uid, known.set(place, { kind, object: after }))
    }
  }

  #dependentsOf(owner: Stored): ReadonlyArray<Dependent> {
    return [...this.#dependents.get(uidOf(owner))?.values() ?? []]
  }

  /** An object some of whose owners are gone: it goes with the last of them. */
  #collect({ kind, object }: Dependent, { storage, erase, rewrite }: Actions): void {
    const current = storage.find(kind, object.metadata)
    if (current === undefined || current.metadata.uid !== object.metadata.uid) return
    const solid = ownersOf(current).some(({ uid }) => !this.#gone.has(uid))
    if (solid) rewrite(kind, withoutOwners(current, (uid) => this.#gone.has(uid)))
    else if (current.metadata.deletionTimestamp === undefined) erase(kind, current, { propagationPolicy: "Background" })
  }

  #foreground(uid: string, { storage, erase, rewrite }: Actions): void {
    const known = this.#owners.get(uid)
    const owner = known === undefined ? undefined : storage.find(known.kind, known.object.metadata)
    if (known === undefined || owner === undefined || !isHeldBy(owner, foreground)) return
    const dependents = this.#dependentsOf(owner)
    for (const { kind, object } of dependents) {
      if (object.metadata.deletionTimestamp === undefined) erase(kind, object, { propagationPolicy: "Foreground" })
    }
    const blocking = dependents.some(({ kind, object }) => storage.find(kind, object.metadata) !== undefined &&
      ownersOf(object).some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true))
    if (!blocking) rewrite(known.kind, withoutFinalizer(owner, foreground))
  }

  #orphan({ kind, object }: Dependent, { rewrite }: Actions): void {
    for (const dependent of this.#dependentsOf(object)) {
      rewrite(dependent.kind, withoutOwners(dependent.object, (uid) => uid === object.metadata.uid))
    }
    rewrite(kind, withoutFinalizer(object, orphan))
  }
}
