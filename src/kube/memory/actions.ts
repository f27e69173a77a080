/** What the controllers inside the server may do, and how they are told of changes. */
import type { DeleteOptions } from "../kube.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"
import type { Changed, Storage } from "./storage.ts"

export interface Actions {
  readonly storage: Storage
  readonly now: () => number
  /** Starts a deletion as a DELETE request would. */
  readonly erase: (kind: Kind, object: Stored, options: DeleteOptions) => void
  /** Stores the object in place of the one that is there; it goes when it is being deleted and nothing holds it any more. */
  readonly rewrite: (kind: Kind, object: Stored) => Stored
}

/** Stands in for a loop of kube-controller-manager; runs at the end of the request that made the change. */
export interface Controller {
  readonly changed: (change: Changed, actions: Actions) => void
}
