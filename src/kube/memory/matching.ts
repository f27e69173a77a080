/** Which objects a list or a watch asks for. */
import { Result } from "effect"
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from "../selectors.ts"
import { badRequest } from "./failure.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"

export interface Scope {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** Refuses selectors that cannot be parsed and fields that the kind does not offer for selection. */
export const matcher = (kind: Kind, scope: Scope): (object: Stored) => boolean => {
  const labels = parseLabelSelector(scope.labelSelector ?? "")
  if (Result.isFailure(labels)) throw badRequest(labels.failure)
  const fields = parseFieldSelector(scope.fieldSelector ?? "")
  if (Result.isFailure(fields)) throw badRequest(fields.failure)
  const allowed = ["metadata.name", ...kind.namespaced ? ["metadata.namespace"] : [], ...kind.fields]
  const unsupported = fields.success.find((requirement) => !allowed.includes(requirement.key))
  if (unsupported !== undefined) throw badRequest(`field label not supported: ${unsupported.key}`)
  const namespace = kind.namespaced ? scope.namespace : undefined
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesLabels(labels.success, object.metadata.labels) &&
    matchesFields(fields.success, object)
}
