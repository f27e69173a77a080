/** What the server knows of a kind: where it is served and which rules its registry follows. */
import type { Resource } from "../resources.ts"
import type { FieldError } from "./failure.ts"
import type { Stored } from "./json.ts"

export interface Kind {
  readonly group: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Served versions. All show the same stored objects. */
  readonly versions: ReadonlyArray<string>
  readonly storageVersion: string
  /** Defined by a CustomResourceDefinition: no strategic merge, no update without a resourceVersion. */
  readonly custom: boolean
  /** Has the status subresource: a main write ignores status and a status write ignores all else. */
  readonly status: boolean
  /** What a create keeps of a status that the client sent. */
  readonly statusOnCreate: "kept" | "dropped"
  /** `metadata.generation` counts the changes of what is neither metadata nor status. */
  readonly generation: boolean
  readonly unconditionalUpdate: boolean
  /** Deletion waits for a kubelet. */
  readonly graceful: boolean
  /** Where the scale subresource finds its numbers; absent: there is none. */
  readonly scale?: { readonly spec: ReadonlyArray<string>; readonly status: ReadonlyArray<string> }
  readonly name: "subdomain" | "label"
  /** Fields that a field selector may name, beyond metadata's. */
  readonly fields: ReadonlyArray<string>
  /** Fills in defaults and drops what the kind does not know. `version` is the one the client speaks. */
  readonly complete: (object: Stored, version: string) => Stored
  readonly validate: (object: Stored, old: Stored | undefined, version: string) => ReadonlyArray<FieldError>
}

/** Where the objects of a kind are filed, whatever version a request speaks. */
export const keyOf = (resource: Pick<Resource, "group" | "plural">): string => `${resource.group}/${resource.plural}`

export const versionOf = (kind: Kind, version: string): string => kind.group === "" ? version : `${kind.group}/${version}`

/** The object as a version of its kind shows it. Without conversion only the label on it changes. */
export const inVersion = (kind: Kind, object: Stored, version: string): Stored =>
  version === kind.storageVersion ? object : { ...object, apiVersion: versionOf(kind, version) }
