import { assert, describe, it } from "@effect/vitest"
import { allowedDisruptions, unlimited } from "../../src/apis/budgets.ts"
import type { Budget } from "../../src/apis/nodePool.ts"
import { pool } from "./pools.ts"

const saturdayNoon = "2026-11-21T12:00:00Z"
const allowed = (budgets: ReadonlyArray<Budget>, options: { readonly nodes?: number; readonly now?: string } = {}) =>
  allowedDisruptions(pool({ disruption: { budgets } }), "Empty", options.nodes ?? 10, Date.parse(options.now ?? saturdayNoon))

describe("the allowance of a pool", () => {
  it("is unlimited without budgets", () => {
    assert.strictEqual(allowed([]), unlimited)
    assert.strictEqual(allowedDisruptions(pool(), "Drifted", 10, 0), unlimited)
  })

  it.each([
    ["10%", 10, 1], ["10%", 11, 2], ["10%", 1, 1], ["10%", 0, 0], ["100%", 7, 7], ["0%", 7, 0], ["0", 7, 0], ["5", 3, 5]
  ] as const)(
    "of %s with %d nodes is %d",
    (nodes, count, expected) => {
      assert.strictEqual(allowed([{ nodes }], { nodes: count }), expected)
    }
  )

  it("is the least of the budgets for the reason", () => {
    assert.strictEqual(
      allowed([{ nodes: "5" }, { nodes: "3", reasons: ["Empty", "Drifted"] }, { nodes: "1", reasons: ["Drifted"] }]),
      3
    )
  })

  it("counts an empty list of reasons as all reasons", () => {
    assert.strictEqual(allowed([{ nodes: "2", reasons: [] }]), 2)
  })

  it.each([
    { schedule: "0 9 * * mon-fri", duration: "8h", now: "2026-11-20T08:59:59Z", open: false },
    { schedule: "0 9 * * mon-fri", duration: "8h", now: "2026-11-20T09:00:00Z", open: true },
    { schedule: "0 9 * * mon-fri", duration: "8h", now: "2026-11-20T16:59:59Z", open: true },
    { schedule: "0 9 * * mon-fri", duration: "8h", now: "2026-11-20T17:00:00Z", open: false },
    { schedule: "0 9 * * mon-fri", duration: "8h", now: "2026-11-21T12:00:00Z", open: false },
    { schedule: "@daily", duration: "1h30m", now: "2026-11-21T01:29:59Z", open: true },
    { schedule: "@daily", duration: "1h30m", now: "2026-11-21T01:30:00Z", open: false },
    { schedule: "@hourly", duration: "10m", now: "2026-11-21T12:05:00Z", open: true },
    { schedule: "@weekly", duration: "24h", now: "2026-11-22T13:00:00Z", open: true },
    { schedule: "@monthly", duration: "24h", now: "2026-11-21T12:00:00Z", open: false },
    { schedule: "@yearly", duration: "1h", now: "2027-01-01T00:00:00.500Z", open: true },
    { schedule: "*/20 ? * * ?", duration: "5m", now: "2026-11-21T12:44:00Z", open: true },
    { schedule: "0 22 * * *", duration: "12h", now: "2026-11-21T09:59:00Z", open: true }
  ])("has $schedule for $duration at $now: $open", ({ schedule, duration, now, open }) => {
    assert.strictEqual(allowed([{ nodes: "0", schedule, duration }], { now }), open ? 0 : unlimited)
  })

  it.each<readonly [string, Budget]>([
    ["a number of nodes that is none", { nodes: "many" }],
    ["a schedule that is none", { nodes: "5", schedule: "61 * * * *", duration: "1h" }],
    ["a schedule with seconds", { nodes: "5", schedule: "0 0 0 * * *", duration: "1h" }],
    ["a schedule that no day matches", { nodes: "5", schedule: "0 0 31 2 *", duration: "1h" }],
    ["a schedule without duration", { nodes: "5", schedule: "@daily" }],
    ["a duration without schedule", { nodes: "5", duration: "1h" }],
    ["a mistake in a budget of another reason", { nodes: "many", reasons: ["Drifted"] }]
  ])("is nothing with %s", (_, budget) => {
    assert.strictEqual(allowed([{ nodes: "9" }, budget]), 0)
  })
})
