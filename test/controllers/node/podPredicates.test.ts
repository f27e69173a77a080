import { assert, describe, it } from "@effect/vitest"
import { annotation } from "../../../src/apis/labels.ts"
import { blockingBudgets, firstBlockingBudgets, isCurrentlyReschedulable } from "../../../src/cluster/pdb.ts"
import * as predicates from "../../../src/cluster/podPredicates.ts"
import type { Pod, PodDisruptionBudget } from "../../../src/kube/objects.ts"

const now = Date.parse("2026-03-01T12:00:00Z")
const at = (secondsFromNow: number): string => new Date(now + secondsFromNow * 1000).toISOString()

const pod = (changes: {
  readonly metadata?: Partial<Pod["metadata"]>
  readonly spec?: Partial<Pod["spec"]>
  readonly status?: Pod["status"]
} = {}): Pod => ({
  metadata: { name: "p", namespace: "default", labels: { app: "web" }, ...changes.metadata },
  spec: { containers: [], ...changes.spec },
  ...(changes.status === undefined ? {} : { status: changes.status })
})
const owner = (apiVersion: string, kind: string) => [{ apiVersion, kind, name: "o", uid: "u" }]
const unschedulable = { type: "PodScheduled", status: "False", reason: "Unschedulable" } as const

const pods = {
  plain: pod({ status: { phase: "Running" } }),
  ended: pod({ status: { phase: "Succeeded" } }),
  failed: pod({ status: { phase: "Failed" } }),
  leaving: pod({ metadata: { deletionTimestamp: at(-60) } }),
  stuck: pod({ metadata: { deletionTimestamp: at(-61) } }),
  daemon: pod({ metadata: { ownerReferences: owner("apps/v1", "DaemonSet") } }),
  otherDaemon: pod({ metadata: { ownerReferences: owner("apps.kruise.io/v1alpha1", "DaemonSet") } }),
  mirror: pod({ metadata: { ownerReferences: owner("v1", "Node") } }),
  stateful: pod({ metadata: { ownerReferences: owner("apps/v1", "StatefulSet") } }),
  leavingStateful: pod({ metadata: { ownerReferences: owner("apps/v1", "StatefulSet"), deletionTimestamp: at(10) } }),
  held: pod({ metadata: { annotations: { [annotation.doNotDisrupt]: "true" } } }),
  tolerant: pod({ spec: { tolerations: [{ key: "karpenter.sh/disrupted", operator: "Exists" }] } }),
  tolerantOfAll: pod({ spec: { tolerations: [{ operator: "Exists" }] } }),
  tolerantOfEviction: pod({ spec: { tolerations: [{ key: "karpenter.sh/disrupted", operator: "Exists", effect: "NoExecute" }] } })
}

type Table = ReadonlyArray<readonly [string, (one: Pod) => boolean, ReadonlyArray<keyof typeof pods>]>

describe("of these pods", () => {
  const table: Table = [
    ["terminal", predicates.isTerminal, ["ended", "failed"]],
    ["terminating", predicates.isTerminating, ["leaving", "stuck", "leavingStateful"]],
    ["active", predicates.isActive,
      ["plain", "daemon", "otherDaemon", "mirror", "stateful", "held", "tolerant", "tolerantOfAll", "tolerantOfEviction"]],
    ["stuck terminating", (one) => predicates.isStuckTerminating(one, now), ["stuck"]],
    ["owned by a DaemonSet", predicates.ownedByDaemonSet, ["daemon"]],
    ["mirror pods", predicates.ownedByNode, ["mirror"]],
    ["owned by a StatefulSet", predicates.ownedByStatefulSet, ["stateful", "leavingStateful"]],
    ["reschedulable", predicates.isReschedulable,
      ["plain", "otherDaemon", "stateful", "leavingStateful", "held", "tolerant", "tolerantOfAll", "tolerantOfEviction"]],
    ["tolerant of a disrupted node", predicates.toleratesDisruptedTaint, ["tolerant", "tolerantOfAll"]],
    ["evictable", (one) => predicates.isEvictable(one, now),
      ["plain", "daemon", "otherDaemon", "stateful", "tolerantOfEviction"]],
    ["drainable", (one) => predicates.isDrainable(one, now),
      ["plain", "ended", "failed", "leaving", "daemon", "otherDaemon", "stateful", "leavingStateful", "held",
        "tolerantOfEviction"]],
    ["waiting for eviction", (one) => predicates.isWaitingEviction(one, now),
      ["plain", "leaving", "daemon", "otherDaemon", "stateful", "leavingStateful", "held", "tolerantOfEviction"]]
  ]
  for (const [what, predicate, expected] of table) {
    it(`those are ${what}: ${expected.join(", ")}`, () => {
      const found = Object.entries(pods).filter(([, one]) => predicate(one)).map(([name]) => name)
      assert.deepStrictEqual(found.toSorted(), [...expected].toSorted())
    })
  }
})

describe("do-not-disrupt", () => {
  const table: ReadonlyArray<readonly [string | undefined, string | undefined, predicates.DoNotDisrupt]> = [
    [undefined, at(-60), { active: false }],
    ["true", at(-60), { active: true }],
    ["5m", undefined, { active: true }],
    ["5m", at(-299), { active: true, until: now + 1000 }],
    ["5m", at(-300), { active: false, until: now }],
    ["1h30m", at(-5399), { active: true, until: now + 1000 }],
    ["false", at(-60), { active: false, invalid: "false" }],
    ["", at(-60), { active: false, invalid: "" }],
    ["0s", at(-60), { active: false, invalid: "0s" }],
    ["-5m", at(-60), { active: false, invalid: "-5m" }],
    ["Never", at(-60), { active: false, invalid: "Never" }]
  ]
  for (const [value, startTime, expected] of table) {
    it(`${JSON.stringify(value)} on a pod that started at ${startTime ?? "no time"} is ${JSON.stringify(expected)}`, () => {
      const one = pod({
        metadata: value === undefined ? {} : { annotations: { [annotation.doNotDisrupt]: value } },
        status: startTime === undefined ? {} : { startTime }
      })
      assert.deepStrictEqual(predicates.doNotDisrupt(one, now), expected)
    })
  }
})

describe("a pod is provisioned for", () => {
  const table: ReadonlyArray<readonly [string, Pod, boolean]> = [
    ["when the scheduler found no node", pod({ status: { conditions: [unschedulable] } }), true],
    ["not before the scheduler saw it", pod(), false],
    ["not when it is bound", pod({ spec: { nodeName: "n" }, status: { conditions: [unschedulable] } }), false],
    ["not when it waits for a preemption", pod({ status: { nominatedNodeName: "n", conditions: [unschedulable] } }), false],
    ["not when it is of a DaemonSet", { ...pods.daemon, status: { conditions: [unschedulable] } }, false]
  ]
  for (const [what, one, expected] of table) it(what, () => assert.strictEqual(predicates.isProvisionable(one), expected))
})

describe("disruption budgets", () => {
  const budget = (name: string, spec: Partial<PodDisruptionBudget["spec"]>, disruptionsAllowed: number): PodDisruptionBudget => ({
    metadata: { name, namespace: "default" },
    spec: { selector: { matchLabels: { app: "web" } }, ...spec },
    status: { disruptionsAllowed }
  })
  const unready = pod({ status: { conditions: [{ type: "Ready", status: "False" }] } })
  type Row = readonly [
    what: string, pod: Pod, budgets: ReadonlyArray<PodDisruptionBudget>, now: ReadonlyArray<string>, ever: ReadonlyArray<string>
  ]
  const elsewhere = { ...budget("a", { maxUnavailable: 0 }, 0), metadata: { name: "a", namespace: "other" } }
  const generous = { maxUnavailable: 0, unhealthyPodEvictionPolicy: "AlwaysAllow" }
  const both = ["default/a", "default/b"]
  const table: ReadonlyArray<Row> = [
    ["none", pods.plain, [], [], []],
    ["one that allows a disruption", pods.plain, [budget("a", { maxUnavailable: 1 }, 1)], [], []],
    ["one that is used up", pods.plain, [budget("a", { maxUnavailable: 1 }, 0)], ["default/a"], []],
    ["one of zero", pods.plain, [budget("a", { maxUnavailable: 0 }, 0)], ["default/a"], ["default/a"]],
    ["one of zero percent", pods.plain, [budget("a", { maxUnavailable: "0%" }, 0)], ["default/a"], ["default/a"]],
    ["one that needs them all", pods.plain, [budget("a", { minAvailable: "100%" }, 0)], ["default/a"], ["default/a"]],
    ["two, whatever they allow", pods.plain, [budget("a", {}, 1), budget("b", {}, 1)], both, both],
    ["one of other pods", pods.plain, [budget("a", { selector: { matchLabels: { app: "db" } }, maxUnavailable: 0 }, 0)], [], []],
    ["one of another namespace", pods.plain, [elsewhere], [], []],
    ["one of all pods", pods.plain, [budget("a", { selector: {}, maxUnavailable: 0 }, 0)], ["default/a"], ["default/a"]],
    ["one that lets unready pods go", unready, [budget("a", generous, 0)], [], []],
    ["one of zero on a pod that is not evicted", pods.mirror, [budget("a", { maxUnavailable: 0 }, 0)], [], []]
  ]
  for (const [what, one, budgets, blockedNow, blockedEver] of table) {
    it(`${what}: blocks now ${JSON.stringify(blockedNow)}, for ever ${JSON.stringify(blockedEver)}`, () => {
      assert.deepStrictEqual(blockingBudgets(one, budgets, "now", now), blockedNow)
      assert.deepStrictEqual(blockingBudgets(one, budgets, "ever", now), blockedEver)
    })
  }

  it("of a list, the first pod that is blocked names its budgets", () => {
    const budgets = [budget("a", { maxUnavailable: 1 }, 0)]
    assert.deepStrictEqual(firstBlockingBudgets([pods.mirror, pods.plain], budgets, "now", now), ["default/a"])
    assert.deepStrictEqual(firstBlockingBudgets([pods.mirror], budgets, "now", now), [])
  })

  it("a pod that a budget of zero guards is not counted on to move", () => {
    assert.isTrue(isCurrentlyReschedulable(pods.plain, [budget("a", { maxUnavailable: 1 }, 0)], now))
    assert.isFalse(isCurrentlyReschedulable(pods.plain, [budget("a", { maxUnavailable: 0 }, 0)], now))
    assert.isFalse(isCurrentlyReschedulable(pods.held, [], now))
  })
})
