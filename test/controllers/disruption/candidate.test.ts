import { assert, describe, it } from "@effect/vitest"
import type { StateNode } from "../../../src/cluster/cluster.ts"
import { stateNode } from "../../../src/cluster/stateNode.ts"
import { candidateOf, pdbsOf, pricesOf } from "../../../src/controllers/disruption/candidate.ts"
import type { Known } from "../../../src/controllers/disruption/candidate.ts"
import type { Pod, PodDisruptionBudget } from "../../../src/kube/objects.ts"
import { large, machine, pod, small } from "../../cluster/world.ts"

const stateOf = (...pods: ReadonlyArray<Pod>): StateNode =>
  stateNode({ ...machine("c1", { type: small }), pods, nominated: false, expected: undefined })

const budget: PodDisruptionBudget = { metadata: { name: "all", namespace: "default" }, spec: { selector: {} } }

const prices = pricesOf([small])
const pdbs = pdbsOf([])
const known: Known = { prices, pdbs, nowMillis: 0, bufferRoom: false, awaited: new Set() }

describe("what is known of a machine", () => {
  it("is worked out once while nothing changes", () => {
    const same = stateOf(pod("p"))
    assert.strictEqual(candidateOf(same, { ...known, nowMillis: 60_000, awaited: new Set(["another"]) }), candidateOf(same, known))
  })

  const changes: ReadonlyArray<readonly [what: string, Partial<Known>, (candidate: ReturnType<typeof candidateOf>) => boolean]> = [
    ["a budget", { pdbs: pdbsOf([budget]) }, ({ blockedPod }) => blockedPod !== undefined],
    ["the prices", { prices: pricesOf([large]) }, ({ unpriced }) => unpriced !== undefined],
    ["the room that it holds", { bufferRoom: true }, ({ bufferRoom }) => bufferRoom === true],
    ["what it replaces", { awaited: new Set(["c1"]) }, ({ awaited }) => awaited === true]
  ]
  for (const [what, more, holds] of changes) {
    it(`follows ${what}, there and back`, () => {
      const same = stateOf(pod("p"))
      const seen = [known, { ...known, ...more }, known].map((one) => holds(candidateOf(same, one)))
      assert.deepStrictEqual(seen, [false, true, false])
    })
  }

  it("follows the time where a pod asks to be left alone for a while", () => {
    const quiet = pod("p")
    const asking: Pod = {
      ...quiet, metadata: { ...quiet.metadata, annotations: { "karpenter.sh/do-not-disrupt": "1m" } },
      status: { ...quiet.status, startTime: "1970-01-01T00:00:00Z" }
    }
    const same = stateOf(asking)
    assert.deepStrictEqual([0, 59_000, 60_000].map((nowMillis) => candidateOf(same, { ...known, nowMillis }).protectedPod?.metadata.name),
      ["p", "p", undefined])
  })
})
