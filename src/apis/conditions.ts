/**
 * The condition engine: what Karpenter's objects say about themselves, as pure functions over plain objects.
 *
 * A kind has a root condition (`Ready`) that is computed from its dependents and is never set by hand. Any other
 * condition is independent: it can be set and cleared, and does not touch the root unless the kind says that it
 * spoils it. Functions never change their argument; what changes nothing returns the very same object, so
 * `before !== after` tells whether to write.
 */
import type { Condition, ObjectMeta } from "../kube/objects.ts"

export interface ConditionedObject {
  readonly metadata: ObjectMeta
  readonly status?: { readonly conditions?: ReadonlyArray<Condition> }
}

export interface ConditionSet {
  readonly root: string
  /** The conditions that the root is computed from. */
  readonly dependents: ReadonlyArray<string>
  /** Adds the missing root and dependents as Unknown. Every other function does it too before it sets anything. */
  readonly initialize: <A extends ConditionedObject>(object: A, now: string) => A
  /** An absent condition counts as Unknown: neither true nor false. */
  readonly get: (object: ConditionedObject, type: string) => Condition | undefined
  readonly isTrue: (object: ConditionedObject, type: string) => boolean
  readonly isFalse: (object: ConditionedObject, type: string) => boolean
  /** The reason becomes the type, the message empty. `now` is an ISO timestamp, as in all the setters. */
  readonly setTrue: <A extends ConditionedObject>(object: A, type: string, now: string) => A
  /** True for one of several reasons, which is the message too. */
  readonly setTrueBecause: <A extends ConditionedObject>(object: A, type: string, reason: string, now: string) => A
  readonly setFalse: <A extends ConditionedObject>(object: A, type: string, reason: string, message: string, now: string) => A
  readonly setUnknown: <A extends ConditionedObject>(object: A, type: string, reason: string, message: string, now: string) => A
  /** What keeps the root from being True. */
  readonly unhealthy: (object: ConditionedObject) => ReadonlyArray<Condition>
  /** Removes an independent condition, which may leave the root healthy. Dependents and the root itself stay. */
  readonly clear: <A extends ConditionedObject>(object: A, type: string, now: string) => A
}

export const conditionType = {
  ready: "Ready",
  launched: "Launched",
  registered: "Registered",
  initialized: "Initialized",
  consolidatable: "Consolidatable",
  drifted: "Drifted",
  drained: "Drained",
  volumesDetached: "VolumesDetached",
  instanceTerminating: "InstanceTerminating",
  consistentStateFound: "ConsistentStateFound",
  disruptionReason: "DisruptionReason",
  validationSucceeded: "ValidationSucceeded",
  nodeClassReady: "NodeClassReady",
  nodeRegistrationHealthy: "NodeRegistrationHealthy",
  /** Ours: False while Linode refuses the account what a NodePool needs. */
  accountReady: "AccountReady",
  /** Ours: why a NodePool with replicas has not as many nodes. */
  staticCapacity: "StaticCapacity"
} as const

type Setting = Pick<Condition, "type" | "status"> & { readonly reason: string; readonly message: string }

const generationOf = (object: ConditionedObject): number => object.metadata.generation ?? 0
const conditionsOf = (object: ConditionedObject): ReadonlyArray<Condition> => object.status?.conditions ?? []
const time = (condition: Condition): number => Date.parse(condition.lastTransitionTime ?? "") || 0

const withConditions = <A extends ConditionedObject>(object: A, conditions: ReadonlyArray<Condition>): A => ({
  ...object,
  status: { ...object.status, conditions }
})

const equal = (a: Condition, b: Condition): boolean =>
  a.type === b.type && a.status === b.status && a.reason === b.reason && (a.message ?? "") === (b.message ?? "") &&
  a.observedGeneration === b.observedGeneration && a.lastTransitionTime === b.lastTransitionTime

/**
 * The set of a kind: Kubernetes' Ready convention as Karpenter keeps it. `spoils` tells independent
 * conditions that make the root False as long as they are there.
 */
export const conditionSet = (
  dependents: ReadonlyArray<string>, root: string = conditionType.ready, spoils: (condition: Condition) => boolean = () => false
): ConditionSet => {
  const ordered = (conditions: ReadonlyArray<Condition>): ReadonlyArray<Condition> => [
    ...conditions.filter((condition) => condition.type !== root).toSorted((a, b) => time(a) - time(b)),
    ...conditions.filter((condition) => condition.type === root)
  ]

  const get = (object: ConditionedObject, type: string): Condition | undefined =>
    conditionsOf(object).find((condition) => condition.type === type)

  const put = <A extends ConditionedObject>(object: A, setting: Setting, now: string): A => {
    const generation = generationOf(object)
    const known = get(object, setting.type)
    const born = setting.type === root || dependents.includes(setting.type) ? object.metadata.creationTimestamp ?? now : now
    const next: Condition = {
      ...setting,
      observedGeneration: generation,
      lastTransitionTime: known === undefined ? born : known.status === setting.status ? known.lastTransitionTime ?? now : now
    }
    if (known !== undefined && equal(known, next)) return object
    // Nobody reconciles the others of a dying object any more, so they must not look stale.
    const others = conditionsOf(object).filter((condition) => condition.type !== setting.type).map((condition) =>
      object.metadata.deletionTimestamp === undefined ? condition : { ...condition, observedGeneration: generation }
    )
    return withConditions(object, ordered([...others, next]))
  }

  const unhealthy = (object: ConditionedObject): ReadonlyArray<Condition> => [
    ...dependents.flatMap((type) => get(object, type) ?? []).filter((condition) =>
      condition.status !== "True" || (condition.observedGeneration ?? 0) !== generationOf(object)),
    ...conditionsOf(object).filter(spoils)
  ]

  const recomputed = <A extends ConditionedObject>(object: A, now: string): A => {
    const generation = generationOf(object)
    const found = unhealthy(object)
    if (found.length === 0) return put(object, { type: root, status: "True", reason: root, message: "" }, now)
    const broken = found.some((condition) => spoils(condition) ||
      (condition.status === "False" && (condition.observedGeneration ?? 0) === generation)
    )
    const message = found.toSorted((a, b) => time(b) - time(a)).map((c) => `${c.type}=${c.status}`).join(", ")
    return put(object, broken
      ? { type: root, status: "False", reason: "UnhealthyDependents", message }
      : { type: root, status: "Unknown", reason: "ReconcilingDependents", message }, now)
  }

  const initialize = <A extends ConditionedObject>(object: A, now: string): A => {
    const missing = [root, ...dependents].filter((type) => get(object, type) === undefined)
    if (missing.length === 0) return object
    const initial = (type: string): Setting =>
      ({ type, status: "Unknown", reason: "AwaitingReconciliation", message: "object is awaiting reconciliation" })
    return recomputed(missing.reduce((current, type) => put(current, initial(type), now), object), now)
  }

  const set = <A extends ConditionedObject>(object: A, setting: Setting, now: string): A => {
    const before = initialize(object, now)
    const after = put(before, setting, now)
    return after === before || setting.type === root ? after : recomputed(after, now)
  }

  return {
    root,
    dependents,
    initialize,
    get,
    unhealthy,
    isTrue: (object, type) => get(object, type)?.status === "True",
    isFalse: (object, type) => get(object, type)?.status === "False",
    setTrue: (object, type, now) => set(object, { type, status: "True", reason: type, message: "" }, now),
    setTrueBecause: (object, type, reason, now) => set(object, { type, status: "True", reason, message: reason }, now),
    setFalse: (object, type, reason, message, now) => set(object, { type, status: "False", reason, message }, now),
    setUnknown: (object, type, reason, message, now) => set(object, { type, status: "Unknown", reason, message }, now),
    clear: (object, type, now) => {
      if (type === root || dependents.includes(type) || get(object, type) === undefined) return object
      const before = initialize(object, now)
      return recomputed(withConditions(before, conditionsOf(before).filter((condition) => condition.type !== type)), now)
    }
  }
}

export const nodeClaimConditions: ConditionSet =
  conditionSet([conditionType.launched, conditionType.registered, conditionType.initialized])
/**
 * With a token that Linode refuses nothing can be bought, whatever is asked for, so such a pool is not ready. An account that is
 * full may take a smaller machine, or a machine once another is given back: that pool stays ready.
 */
const tokenIsRefused = ({ reason, status, type }: Condition): boolean =>
  type === conditionType.accountReady && status === "False" && reason === "LinodeAuthFailed"
export const nodePoolConditions: ConditionSet =
  conditionSet([conditionType.validationSucceeded, conditionType.nodeClassReady], conditionType.ready, tokenIsRefused)
export const nodeClassConditions: ConditionSet = conditionSet([conditionType.validationSucceeded])
export const nodeOverlayConditions: ConditionSet = conditionSet([conditionType.validationSucceeded])
