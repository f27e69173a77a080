/** The rules of `metadata` that hold for every kind. */
import type { ObjectMeta } from "../objects.ts"
import { badRequest } from "./failure.ts"
import type { FieldError } from "./failure.ts"
import { timestamp } from "../timestamp.ts"
import { equal } from "./json.ts"
import type { Stored } from "./json.ts"
import { versionOf } from "./kinds.ts"
import type { Kind } from "./kinds.ts"

const letters = "bcdfghjklmnpqrstvwxz2456789"
const suffixes = letters.length ** 5

/** The n-th five-letter suffix for `generateName`: all differ until there are no more, and neighbours do not look alike. */
export const nameSuffix = (n: number): string => {
  // Prime to the number of suffixes, so that n runs through all of them.
  let left = (n * 9_176_263) % suffixes
  let text = ""
  for (let i = 0; i < 5; i++) {
    text += letters[left % letters.length]
    left = Math.floor(left / letters.length)
  }
  return text
}

/** The n-th uid: unlike those of a real server they are the same in every run. */
export const uid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const qualifiedName =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

const wrong = (field: string, value: string, why: string): FieldError =>
  ({ field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` })

const notQualified = "name part must consist of alphanumeric characters, '-', '_' or '.', " +
  "and must start and end with an alphanumeric character"
const notLabel = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
  "and must start and end with an alphanumeric character"

const nameErrors = (kind: Kind, name: string): ReadonlyArray<FieldError> => {
  const [pattern, longest, what] = kind.name === "label" ? [label, 63, "label"] as const : [subdomain, 253, "subdomain"] as const
  if (name.length <= longest && pattern.test(name)) return []
  const allowed = `lower case alphanumeric characters${what === "label" ? " or '-'" : ", '-' or '.'"}`
  return [wrong(
    "metadata.name", name,
    `a lowercase RFC 1123 ${what} must consist of ${allowed}, and must start and end with an alphanumeric character`
  )]
}

/** What is wrong with the metadata of an object that is to be stored. */
export const metadataErrors = (kind: Kind, metadata: ObjectMeta, old: ObjectMeta | undefined): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = old === undefined ? [...nameErrors(kind, metadata.name)] : []
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (!qualifiedName.test(key)) errors.push(wrong("metadata.labels", key, notQualified))
    if (!labelValue.test(value)) errors.push(wrong("metadata.labels", value, notLabel))
  }
  for (const finalizer of metadata.finalizers ?? []) {
    if (!qualifiedName.test(finalizer)) errors.push(wrong("metadata.finalizers", finalizer, notQualified))
  }
  if (old?.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer))
    if (added.length > 0) {
      const said = added.map((finalizer) => JSON.stringify(finalizer)).join(", ")
      errors.push({
        field: "metadata.finalizers",
        message: "Forbidden: no new finalizers can be added if the object is being deleted, " +
          `found new finalizers []string{${said}}`
      })
    }
  }
  return errors
}

/** The object with the apiVersion and kind it is served under; refuses one that says it is something else. */
export const named = (kind: Kind, object: Stored, version: string): Stored => {
  const expected = versionOf(kind, version)
  if (object.apiVersion !== expected && (object.apiVersion !== undefined || kind.custom)) {
    const found = object.apiVersion ?? ""
    throw badRequest(`the API version in the data (${found}) does not match the expected API version (${expected})`)
  }
  if (object.kind !== kind.kind && (object.kind !== undefined || kind.custom)) {
    throw badRequest(`the kind in the data (${object.kind ?? ""}) does not match the expected kind (${kind.kind})`)
  }
  return { ...object, apiVersion: versionOf(kind, kind.storageVersion), kind: kind.kind }
}

type Partially = { readonly [K in keyof ObjectMeta]?: ObjectMeta[K] | undefined }

const isEmpty = (value: unknown): boolean => typeof value === "object" && value !== null && Object.keys(value).length === 0

/** Empty lists and maps are not written. */
const present = (metadata: Partially): Partial<ObjectMeta> =>
  Object.fromEntries(Object.entries(metadata).filter(([, value]) =>
    value !== undefined && value !== null && !isEmpty(value)))

/** Metadata of a new object. What only the server may say is the server's, whatever the client sent. */
export const created = (kind: Kind, given: ObjectMeta, name: string, id: number, now: number): ObjectMeta => ({
  ...present({
    ...given,
    deletionTimestamp: undefined, deletionGracePeriodSeconds: undefined, resourceVersion: undefined, generation: undefined,
    ...(!kind.namespaced && { namespace: undefined })
  }),
  name,
  uid: uid(id),
  creationTimestamp: timestamp(now),
  ...(kind.generation && { generation: 1 })
})

/** Metadata of an object that is changed: identity, age and deletion stay as they are. */
export const updated = (given: ObjectMeta, old: ObjectMeta): ObjectMeta => ({
  ...present({
    ...given,
    uid: old.uid, creationTimestamp: old.creationTimestamp, generation: old.generation, generateName: old.generateName,
    deletionTimestamp: old.deletionTimestamp, deletionGracePeriodSeconds: old.deletionGracePeriodSeconds,
    resourceVersion: old.resourceVersion
  }),
  name: old.name,
  ...(old.namespace !== undefined && { namespace: old.namespace })
})

const desired = (object: Stored): unknown => ({ ...object, metadata: undefined, status: undefined })

/** Counts the generation on when what is asked for has changed. */
export const nextGeneration = (kind: Kind, next: Stored, old: Stored): Stored =>
  !kind.generation || equal(desired(next), desired(old))
    ? next
    : { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 } }
