/** How a deletion begins: at once, when a kubelet says so, or when the last finalizer has gone. */
import type { DeleteOptions } from "../kube.ts"
import type { ObjectMeta } from "../objects.ts"
import { conflict } from "./failure.ts"
import { timestamp } from "../timestamp.ts"
import { at } from "./json.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"

export type Deletion =
  /** It is under way already. */
  | { readonly action: "none" }
  /** The object stays, and says that it is being deleted. */
  | { readonly action: "mark"; readonly object: Stored }
  /** The object goes; `mark` is seen just before. */
  | { readonly action: "remove"; readonly mark?: Stored }

export const foreground = "foregroundDeletion"
export const orphan = "orphan"

/** Refuses when the object is not the one that was meant. */
export const checkPreconditions = (kind: Kind, object: Stored, options: DeleteOptions): void => {
  const { uid, resourceVersion } = object.metadata
  const differs = (what: string, given: string, found: string | undefined) =>
    conflict(kind, object.metadata, `the ${what} in the precondition (${given}) does not match the ${what} in record (${found})`)
  if (options.uid !== undefined && options.uid !== uid) throw differs("UID", options.uid, uid)
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw differs("ResourceVersion", options.resourceVersion, resourceVersion)
  }
}

const withMetadata = (object: Stored, metadata: Partial<ObjectMeta>): Stored =>
  ({ ...object, metadata: { ...object.metadata, ...metadata } })

const marked = (object: Stored, deleteAt: number, graceSeconds: number): Stored => {
  const generation = object.metadata.generation
  return withMetadata(object, {
    deletionTimestamp: timestamp(deleteAt),
    deletionGracePeriodSeconds: graceSeconds,
    ...(generation !== undefined && object.metadata.deletionTimestamp === undefined && { generation: generation + 1 })
  })
}

/** A grace period below zero counts as one second. */
const atLeastZero = (seconds: number): number => seconds < 0 ? 1 : seconds

/** A pod that no kubelet looks after, or whose containers have ended, need not be waited for. */
const graceOf = (pod: Stored, options: DeleteOptions): number => {
  const phase = at(pod, "status", "phase")
  if ((at(pod, "spec", "nodeName") ?? "") === "" || phase === "Failed" || phase === "Succeeded") return 0
  return atLeastZero(options.gracePeriodSeconds ?? Number(at(pod, "spec", "terminationGracePeriodSeconds") ?? 30))
}

const policyFinalizers = (object: Stored, options: DeleteOptions): Stored => {
  const finalizers = object.metadata.finalizers ?? []
  const policies = { Background: undefined, Foreground: foreground, Orphan: orphan }
  const added = policies[options.propagationPolicy ?? "Background"]
  return added === undefined || finalizers.includes(added) ? object : withMetadata(object, { finalizers: [...finalizers, added] })
}

const hasFinalizers = (object: Stored): boolean => (object.metadata.finalizers ?? []).length > 0

/** A pod that is being deleted already may only be given less time. */
const shorten = (pod: Stored, options: DeleteOptions, now: number): Deletion => {
  const before = pod.metadata.deletionGracePeriodSeconds ?? 0
  const asked = atLeastZero(options.gracePeriodSeconds ?? before)
  if (asked >= before) return { action: "none" }
  const moved = Date.parse(pod.metadata.deletionTimestamp ?? "") - (before - asked) * 1000
  const late = moved < now
  const mark = marked(pod, late ? now : moved, late && asked !== 0 ? 1 : asked)
  return asked === 0 && !hasFinalizers(mark) ? { action: "remove", mark } : { action: "mark", object: mark }
}

/** What a DELETE does to an object at a time (milliseconds). */
export const deletionOf = (kind: Kind, object: Stored, options: DeleteOptions, now: number): Deletion => {
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata
  if (deletionTimestamp !== undefined) {
    if (kind.graceful && (deletionGracePeriodSeconds ?? 0) > 0) return shorten(object, options, now)
    return hasFinalizers(object) ? { action: "none" } : { action: "remove" }
  }
  const target = policyFinalizers(object, options)
  const grace = kind.graceful ? graceOf(object, options) : 0
  const mark = marked(target, now + grace * 1000, grace)
  if (grace > 0 || hasFinalizers(target)) return { action: "mark", object: mark }
  return kind.graceful ? { action: "remove", mark } : { action: "remove" }
}

/** Whether an object goes with the write that brought it to this state. */
export const isFinished = (object: Stored): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  !hasFinalizers(object) &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0
