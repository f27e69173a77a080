/** The namespace controller: a namespace that is deleted is emptied, and goes when it is empty. */
import type { Actions, Controller } from "./actions.ts"
import { isObject } from "./json.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"
import type { Changed, Storage } from "./storage.ts"

/** They are there from the start. */
export const initialNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]

export const isNamespace = (kind: Kind): boolean => kind.group === "" && kind.kind === "Namespace"

const contents = (storage: Storage, namespace: string): ReadonlyArray<{ readonly kind: Kind; readonly object: Stored }> =>
  [...storage.collections()].filter(({ kind }) => kind.namespaced).flatMap(({ kind, objects }) =>
    [...objects.values()].flatMap((object) => object.metadata.namespace === namespace ? [{ kind, object }] : []))

/** What a DELETE of a namespace stores: it stays until it is empty. */
export const terminating = (namespace: Stored, deletionTimestamp: string): Stored => ({
  ...namespace,
  metadata: { ...namespace.metadata, deletionTimestamp },
  status: { ...(isObject(namespace["status"]) ? namespace["status"] : {}), phase: "Terminating" }
})

export class NamespaceController implements Controller {
  readonly #kind: Kind
  readonly #terminating = new Set<string>()

  constructor(kind: Kind) {
    this.#kind = kind
  }

  changed({ kind, before, after }: Changed, { storage, erase }: Actions): void {
    const begins = after?.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined
    if (kind === this.#kind && begins) {
      this.#terminating.add(after.metadata.name)
      for (const content of contents(storage, after.metadata.name)) erase(content.kind, content.object, {})
    }
    for (const name of this.#terminating) {
      if (contents(storage, name).length > 0) continue
      const namespace = storage.find(this.#kind, { name })
      this.#terminating.delete(name)
      if (namespace !== undefined) storage.remove(this.#kind, namespace)
    }
  }
}
