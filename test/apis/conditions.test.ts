import { assert, describe, it } from "@effect/vitest"
import { type ConditionedObject, nodeClaimConditions as set, nodePoolConditions as pools } from "../../src/apis/conditions.ts"

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`
const born: ConditionedObject = { metadata: { name: "claim", generation: 1, creationTimestamp: at(0) } }
const summary = (object: ConditionedObject) =>
  (object.status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`)
const ready = (object: ConditionedObject) => set.get(object, "Ready")
const healthy = () =>
  set.dependents.reduce((object, type, position) => set.setTrue(object, type, at(position + 1)), born)

describe("a condition set", () => {
  it("starts with all dependents and the root Unknown since the object's creation", () => {
    const object = set.initialize(born, at(5))
    assert.deepStrictEqual(summary(object), [
      "Launched=Unknown/AwaitingReconciliation",
      "Registered=Unknown/AwaitingReconciliation",
      "Initialized=Unknown/AwaitingReconciliation",
      "Ready=Unknown/ReconcilingDependents"
    ])
    assert.isTrue(object.status?.conditions?.every(({ lastTransitionTime, observedGeneration }) =>
      lastTransitionTime === at(0) && observedGeneration === 1))
  })

  it("does not change its argument, and gives it back when nothing changes", () => {
    const object = healthy()
    const frozen = structuredClone(object)
    assert.strictEqual(set.initialize(object, at(9)), object)
    assert.strictEqual(set.setTrue(object, "Launched", at(9)), object)
    assert.strictEqual(set.clear(object, "Drifted", at(9)), object)
    set.setFalse(object, "Launched", "Broken", "no", at(9))
    assert.deepStrictEqual(object, frozen)
  })

  it("has an absent condition neither true nor false", () => {
    assert.isUndefined(set.get(born, "Launched"))
    assert.isFalse(set.isTrue(born, "Launched"))
    assert.isFalse(set.isFalse(born, "Launched"))
  })

  it("is Ready once every dependent is true", () => {
    const object = healthy()
    assert.isTrue(set.isTrue(object, "Ready"))
    assert.deepInclude(ready(object), { reason: "Ready", message: "", lastTransitionTime: at(3) })
  })

  it("names what it waits for, the latest transition first", () => {
    const object = set.setUnknown(set.setTrue(born, "Registered", at(1)), "Launched", "LaunchFailed", "no room", at(2))
    assert.deepInclude(ready(object), {
      status: "Unknown",
      reason: "ReconcilingDependents",
      message: "Launched=Unknown, Initialized=Unknown"
    })
    const later = set.setFalse(object, "Initialized", "Broken", "no", at(3))
    assert.deepInclude(ready(later), {
      status: "False",
      reason: "UnhealthyDependents",
      message: "Initialized=False, Launched=Unknown"
    })
  })

  it("moves the transition time only when the status changes", () => {
    const first = set.setFalse(healthy(), "Launched", "A", "a", at(5))
    const second = set.setFalse(first, "Launched", "B", "b", at(6))
    assert.deepInclude(set.get(second, "Launched"), { reason: "B", message: "b", lastTransitionTime: at(5) })
    assert.strictEqual(set.get(set.setTrue(second, "Launched", at(7)), "Launched")?.lastTransitionTime, at(7))
  })

  it("is not Ready on news of an older generation", () => {
    const changed = { ...healthy(), metadata: { ...born.metadata, generation: 2 } }
    const one = set.setTrue(changed, "Launched", at(5))
    assert.deepInclude(ready(one), { status: "Unknown", message: "Initialized=True, Registered=True", observedGeneration: 2 })
    const all = set.setTrue(set.setTrue(one, "Registered", at(6)), "Initialized", at(7))
    assert.isTrue(set.isTrue(all, "Ready"))
  })

  it("treats a False of an older generation as not known yet", () => {
    const broken = set.setFalse(healthy(), "Registered", "Broken", "no", at(5))
    const changed = set.setTrue({ ...broken, metadata: { ...born.metadata, generation: 2 } }, "Launched", at(6))
    assert.strictEqual(ready(changed)?.status, "Unknown")
  })

  it("carries every condition of a dying object to its latest generation", () => {
    const dying = { ...healthy(), metadata: { ...born.metadata, generation: 2, deletionTimestamp: at(5) } }
    const object = set.setTrue(dying, "InstanceTerminating", at(6))
    assert.isTrue(object.status?.conditions?.every(({ observedGeneration }) => observedGeneration === 2))
    assert.isTrue(set.isTrue(object, "Ready"))
  })

  it("keeps conditions by transition time with the root last", () => {
    const object = set.setTrue(set.setFalse(healthy(), "Launched", "Broken", "no", at(9)), "Drifted", at(4))
    assert.deepStrictEqual(
      object.status?.conditions?.map(({ type }) => type),
      ["Registered", "Initialized", "Drifted", "Launched", "Ready"]
    )
  })

  it("orders times with and without fractions of a second", () => {
    const object = set.setTrue(set.setTrue(healthy(), "Drifted", "2026-01-01T00:08:00.500Z"), "Drained", "2026-01-01T00:08:00Z")
    assert.deepStrictEqual(object.status?.conditions?.slice(3).map(({ type }) => type), ["Drained", "Drifted", "Ready"])
  })

  it("lets independent conditions come and go without touching the root", () => {
    const object = healthy()
    const drifted = set.setTrue(object, "Drifted", at(9))
    assert.deepInclude(set.get(drifted, "Drifted"), { reason: "Drifted", message: "", lastTransitionTime: at(9) })
    assert.deepStrictEqual(ready(drifted), ready(object))
    assert.isUndefined(set.get(set.clear(drifted, "Drifted", at(10)), "Drifted"))
  })

  it("does not clear what the root is made of", () => {
    const object = healthy()
    assert.strictEqual(set.clear(object, "Launched", at(9)), object)
    assert.strictEqual(set.clear(object, "Ready", at(9)), object)
  })

  it("leaves the rest of the status alone", () => {
    const object = { ...born, status: { nodeName: "n", conditions: [] } }
    assert.strictEqual(set.setTrue(object, "Launched", at(1)).status.nodeName, "n")
  })
})

describe("the root of a NodePool", () => {
  const well = pools.setTrue(pools.setTrue(born, "ValidationSucceeded", at(1)), "NodeClassReady", at(2))
  const rootOf = (object: ConditionedObject) => pools.get(object, "Ready")

  it("is False while Linode refuses the token, and says so, also after an edit", () => {
    const refused = pools.setFalse(well, "AccountReady", "LinodeAuthFailed", "Invalid Token", at(3))
    assert.deepInclude(rootOf(refused), { status: "False", reason: "UnhealthyDependents", message: "AccountReady=False" })
    const edited = { ...refused, metadata: { ...refused.metadata, generation: 2 } }
    const looked = pools.setTrue(pools.setTrue(edited, "ValidationSucceeded", at(4)), "NodeClassReady", at(4))
    assert.deepInclude(rootOf(looked), { status: "False", message: "AccountReady=False" })
    assert.deepStrictEqual(pools.unhealthy(looked).map(({ type }) => type), ["AccountReady"])
    assert.strictEqual(rootOf(pools.setTrue(looked, "AccountReady", at(5)))?.status, "True")
    assert.strictEqual(rootOf(pools.clear(looked, "AccountReady", at(5)))?.status, "True")
  })

  it("stays True in an account that is full: something smaller may go, or something be given back", () => {
    const full = pools.setFalse(well, "AccountReady", "AccountLimitReached", "Account Limit reached", at(3))
    assert.strictEqual(rootOf(full)?.status, "True")
    assert.deepStrictEqual(pools.unhealthy(full), [])
  })
})
