import { assert, describe, it } from "@effect/vitest"
import { durationMillis, parseDuration } from "../../src/apis/durations.ts"

describe("parseDuration", () => {
  it.each([
    ["720h", 2_592_000_000],
    ["1h30m", 5_400_000],
    ["90m0s", 5_400_000],
    ["1.5h", 5_400_000],
    ["0s", 0],
    ["0", 0],
    ["250ms", 250],
    ["1m30s500ms", 90_500],
    ["2us", 0.002],
    ["2µs", 0.002],
    ["Never", "Never"]
  ] as const)("reads %s", (text, millis) => {
    assert.strictEqual(parseDuration(text), millis)
  })

  it.each(["", "1", "h", "1d", "-1h", "1h ", "never", "1h30", "1 h", ".h"])("does not read %j", (text) => {
    assert.isUndefined(parseDuration(text))
  })

  it("has no length for what never ends", () => {
    assert.isUndefined(durationMillis("Never"))
    assert.isUndefined(durationMillis(undefined))
    assert.strictEqual(durationMillis("5s"), 5000)
  })
})
