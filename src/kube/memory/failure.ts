/** A request that the server refuses: what a real one would answer, by status code. */
import {
  AlreadyExists, Conflict, Denied, DisruptionBlocked, Expired, Invalid, NotFound, Unavailable
} from "../kubeError.ts"
import type { KubeErrorReason } from "../kubeError.ts"
import type { Ref } from "../objects.ts"

export interface FieldError {
  readonly field: string
  readonly message: string
}

/** Thrown inside the server; the layer turns it into a KubeError. */
export class Refusal extends Error {
  readonly status: number
  readonly reason: KubeErrorReason
  constructor(status: number, reason: KubeErrorReason, detail: string) {
    super(detail)
    this.status = status
    this.reason = reason
  }
}

/** How messages name a kind: `pods`, `nodepools.karpenter.sh`. */
export const qualified = (kind: { readonly group: string; readonly plural: string }): string =>
  kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`

interface Named {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

export const notFound = (kind: Named, ref: Ref): Refusal =>
  new Refusal(404, new NotFound(), `${qualified(kind)} "${ref.name}" not found`)

export const unknownResource = (): Refusal =>
  new Refusal(404, new NotFound(), "the server could not find the requested resource")

export const alreadyExists = (kind: Named, ref: Ref): Refusal =>
  new Refusal(409, new AlreadyExists(), `${qualified(kind)} "${ref.name}" already exists`)

export const conflict = (kind: Named, ref: Ref, detail: string): Refusal =>
  new Refusal(409, new Conflict(), `Operation cannot be fulfilled on ${qualified(kind)} "${ref.name}": ${detail}`)

export const staleVersion = (kind: Named, ref: Ref): Refusal =>
  conflict(kind, ref, "the object has been modified; please apply your changes to the latest version and try again")

export const invalid = (kind: Named, ref: Ref, causes: ReadonlyArray<FieldError>): Refusal => {
  const title = `${kind.kind}${kind.group === "" ? "" : `.${kind.group}`} "${ref.name}" is invalid`
  const said = causes.map((cause) => `${cause.field}: ${cause.message}`).join(", ")
  const reason = new Invalid({ causes: causes.map(({ field, message }) => ({ field, message })) })
  return new Refusal(422, reason, `${title}: ${causes.length === 1 ? said : `[${said}]`}`)
}

export const badRequest = (detail: string): Refusal => new Refusal(400, new Invalid({ causes: [] }), detail)

/** A real server answers this mistake as one of its own. */
export const versionOnCreate = (): Refusal =>
  new Refusal(500, new Unavailable(), "resourceVersion should not be set on objects to be created")

export const unprocessable = (detail: string): Refusal => new Refusal(422, new Invalid({ causes: [] }), detail)

export const methodNotAllowed = (): Refusal =>
  new Refusal(405, new Invalid({ causes: [] }), "the server does not allow this method on the requested resource")

export const unsupportedPatch = (): Refusal => new Refusal(
  415, new Invalid({ causes: [] }),
  "the body of the request was in an unknown format - accepted media types include: " +
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)

export const forbidden = (kind: Named, ref: Ref, detail: string): Refusal =>
  new Refusal(403, new Denied(), `${qualified(kind)} "${ref.name}" is forbidden: ${detail}`)

export const expired = (detail: string): Refusal => new Refusal(410, new Expired(), detail)

export const overBudget = (): Refusal => new Refusal(
  429, new DisruptionBlocked({ multipleBudgets: false }), "Cannot evict pod as it would violate the pod's disruption budget."
)

export const severalBudgets = (): Refusal => new Refusal(
  500, new DisruptionBlocked({ multipleBudgets: true }),
  "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
)
