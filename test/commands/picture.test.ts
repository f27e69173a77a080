import { assert, describe, it } from "@effect/vitest"
import { clock, draw, plain } from "../../src/commands/demo/picture.ts"
import type { NodeBar, Scene } from "../../src/commands/demo/scene.ts"
import { isClean } from "../../src/commands/demo/report.ts"

const bar = (n: number, requested = 2): NodeBar => ({
  name: `lke1-2-${n}`, type: "g6-standard-2", hourlyPrice: 0.036, state: "ready", requested, cores: 4, pods: requested
})

const scene = (nodes: ReadonlyArray<NodeBar>): Scene => ({
  elapsedMillis: 65_000, running: 3, pending: 2, hourlyPrice: 0.072, peakHourlyPrice: 0.144, nodes
})

const lines = (nodes: ReadonlyArray<NodeBar>, rows: number) =>
  draw({ title: "demo", scene: scene(nodes), happenings: [{ at: 1_000, source: "you", text: "kubectl apply" }], rows, paint: plain })

describe("the demo's picture", () => {
  it("fills a node's bar by what its pods request", () => {
    const line = lines([bar(1, 2)], 24).find((each) => each.includes("lke1-2-1"))!
    assert.include(line, "████████████░░░░░░░░░░░░")
    assert.include(line, "2/4 CPU")
    assert.include(line, "$0.036/h")
  })

  it("shows pods, price and what happened", () => {
    const text = lines([], 24).join("\n")
    assert.include(text, "●●●○○  3 running, 2 pending")
    assert.include(text, "$0.072/h")
    assert.include(text, "00:01  you")
  })

  it.each([10, 24, 50])("never has more than %i rows, and says what it leaves out", (rows) => {
    const drawn = lines(Array.from({ length: 40 }, (_, i) => bar(i)), rows)
    assert.isAtMost(drawn.length, rows)
    assert.match(drawn.join("\n"), /and \d+ more/)
  })

  it("counts hours only when there are any", () => {
    assert.deepStrictEqual([0, 65_000, 3_725_000].map(clock), ["00:00", "01:05", "1:02:05"])
  })
})

describe("the demo's verdict", () => {
  const good = {
    podsRunning: 14, nodesBought: 3, nodesLeft: 0, linodesLeaked: 0, duplicateNodes: 0, peakHourlyPrice: 0.2,
    linodeApiCalls: {}, timeToRunningSeconds: { p50: 80, max: 100 }
  }

  it.each([
    ["nothing is left", {}, true],
    ["a node is left", { nodesLeft: 1 }, false],
    ["a Linode is left", { linodesLeaked: 1 }, false],
    ["a Linode was bought for nobody", { duplicateNodes: 1 }, false]
  ])("when %s", (_, change, clean) => assert.strictEqual(isClean({ ...good, ...change }), clean))
})
