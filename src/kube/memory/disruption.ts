/**
 * The disruption controller: keeps the status of PodDisruptionBudgets as kube-controller-manager does.
 *
 * A budget is reckoned anew when one of its pods or its spec changes; a status that a client wrote stands until then.
 */
import type { LabelSelector, Ref } from "../objects.ts"
import { selectsLabels } from "../selectors.ts"
import type { Actions, Controller } from "./actions.ts"
import { idOf } from "./collection.ts"
import { timestamp } from "../timestamp.ts"
import { at, equal, isObject } from "./json.ts"
import type { Fields, Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"
import type { Changed, Storage } from "./storage.ts"

export const isReady = (pod: Stored): boolean => {
  const conditions = at(pod, "status", "conditions")
  return Array.isArray(conditions) &&
    conditions.some((condition) => at(condition, "type") === "Ready" && at(condition, "status") === "True")
}

/** Whether a budget takes a pod of its namespace. An empty selector takes all of them. */
export const guards = (budget: Stored, pod: Stored): boolean =>
  budget.metadata.namespace === pod.metadata.namespace &&
  selectsLabels(at(budget, "spec", "selector") as LabelSelector | undefined, pod.metadata.labels)

const phase = (pod: Stored): unknown => at(pod, "status", "phase")
const counts = (pod: Stored): boolean => phase(pod) !== "Succeeded" && phase(pod) !== "Failed"

/** Percentages round up, both of what must stay and of what may go. */
const scaled = (value: unknown, total: number): number =>
  typeof value === "string" && value.endsWith("%") ? Math.ceil((Number(value.slice(0, -1)) * total) / 100) : Number(value)

/** How many pods there should be: the sum of what the pods' controllers want; the pods there are, where these are unknown. */
const expectedPods = (storage: Storage, pods: ReadonlyArray<Stored>): number => {
  const wanted = new Map<string, number>()
  let loose = 0
  for (const pod of pods) {
    const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller === true)
    const ref: Ref | undefined = controller && { name: controller.name, namespace: pod.metadata.namespace }
    const owner = controller && ref && storage.findOwner(controller.apiVersion, controller.kind, ref)
    const replicas = at(owner, "spec", "replicas")
    if (controller !== undefined && typeof replicas === "number") wanted.set(controller.uid, replicas)
    else loose++
  }
  return [...wanted.values()].reduce((sum, replicas) => sum + replicas, loose)
}

const allowedCondition = (allowed: number, generation: number | undefined, old: unknown, now: number): Fields => {
  const status = allowed > 0 ? "True" : "False"
  const conditions: ReadonlyArray<unknown> = Array.isArray(old) ? old : []
  const before = conditions.find((condition) => at(condition, "type") === "DisruptionAllowed")
  const since = at(before, "status") === status ? at(before, "lastTransitionTime") : undefined
  return {
    type: "DisruptionAllowed",
    status,
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration: generation,
    lastTransitionTime: since ?? timestamp(now)
  }
}

const statusOf = (storage: Storage, budget: Stored, pods: ReadonlyArray<Stored>, now: number): Fields => {
  const old = isObject(budget["status"]) ? budget["status"] : {}
  const { minAvailable, maxUnavailable } = isObject(budget["spec"]) ? budget["spec"] : {}
  const living = pods.filter(counts)
  const byCount = maxUnavailable !== undefined || typeof minAvailable === "string"
  const expected = byCount ? expectedPods(storage, living) : living.length
  const desired = maxUnavailable !== undefined
    ? Math.max(0, expected - scaled(maxUnavailable, expected))
    : scaled(minAvailable ?? 1, expected)
  const healthy = living.filter((pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod)).length
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired)
  const generation = budget.metadata.generation
  return {
    observedGeneration: generation,
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: [allowedCondition(allowed, generation, old["conditions"], now)]
  }
}

export class DisruptionController implements Controller {
  readonly #pods: Kind
  readonly #budgets: Kind
  /** The pods of each budget, by both places. */
  readonly #members = new Map<string, Map<string, Stored>>()

  constructor(pods: Kind, budgets: Kind) {
    this.#pods = pods
    this.#budgets = budgets
  }

  changed({ kind, before, after }: Changed, actions: Actions): void {
    if (kind === this.#pods) this.#podChanged(before, after, actions)
    else if (kind === this.#budgets) this.#budgetChanged(before, after, actions)
  }

  #podChanged(before: Stored | undefined, after: Stored | undefined, actions: Actions): void {
    const pod = after ?? before
    if (pod === undefined) return
    const id = idOf(pod.metadata)
    for (const [budgetId, members] of this.#members) {
      if (!budgetId.startsWith(`${pod.metadata.namespace}/`)) continue
      const budget = this.#find(actions.storage, budgetId)
      if (budget === undefined) continue
      const known = members.has(id)
      const belongs = after !== undefined && guards(budget, after)
      if (belongs) members.set(id, after)
      else members.delete(id)
      if (known || belongs) this.#reckon(budget, members, actions)
    }
  }

  #budgetChanged(before: Stored | undefined, after: Stored | undefined, actions: Actions): void {
    if (after === undefined) {
      if (before !== undefined) this.#members.delete(idOf(before.metadata))
      return
    }
    if (before !== undefined && equal(before["spec"], after["spec"])) return
    const members = new Map<string, Stored>()
    for (const pod of actions.storage.objects(this.#pods)) {
      if (guards(after, pod)) members.set(idOf(pod.metadata), pod)
    }
    this.#members.set(idOf(after.metadata), members)
    this.#reckon(after, members, actions)
  }

  #find(storage: Storage, id: string): Stored | undefined {
    const [namespace, name] = id.split("/")
    return storage.find(this.#budgets, { name: name ?? "", namespace })
  }

  #reckon(budget: Stored, members: ReadonlyMap<string, Stored>, { storage, now }: Actions): void {
    const status = statusOf(storage, budget, [...members.values()], now())
    if (!equal(status, budget["status"])) storage.write(this.#budgets, { ...budget, status })
  }
}
