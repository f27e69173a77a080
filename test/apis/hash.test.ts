import { assert, describe, it } from "@effect/vitest"
import { nodeClassHash, nodePoolHash } from "../../src/apis/hash.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { pool } from "./pools.ts"

const hash = (object: NodePool) => nodePoolHash(object.spec.template)
const taints = [{ key: "a", effect: "NoSchedule" }, { key: "b", value: "c", effect: "NoExecute" }] as const
const labels = { team: "x", role: "y" }
const base = pool({}, { taints }, { labels })

describe("the hash of a NodePool's template", () => {
  it("is a decimal number of 64 bits", () => {
    assert.match(hash(base), /^\d{1,20}$/u)
    assert.isTrue(BigInt(hash(base)) < 2n ** 64n)
  })

  it.each<readonly [string, NodePool]>([
    ["requirements", pool({}, { taints, requirements: [{ key: "a", operator: "Exists" }] }, { labels })],
    ["the order of taints", pool({}, { taints: taints.toReversed() }, { labels })],
    ["the order of labels", pool({}, { taints }, { labels: { role: "y", team: "x" } })],
    ["empty lists and maps", pool({}, { taints, startupTaints: [] }, { labels, annotations: {} })],
    ["another spelling of a duration", pool({}, { taints, expireAfter: "43200m" }, { labels })],
    ["what is outside the template", pool({ weight: 3, limits: { cpu: 1 } }, { taints }, { labels })]
  ])("does not depend on %s", (_, other) => {
    assert.strictEqual(hash(other), hash(base))
  })

  it("takes Never for no duration, and zero for one", () => {
    const { nodeClassRef, requirements } = pool().spec.template.spec
    assert.strictEqual(hash(pool({}, { expireAfter: "Never" })), nodePoolHash({ spec: { nodeClassRef, requirements } }))
    assert.notStrictEqual(hash(pool({}, { terminationGracePeriod: "0s" })), hash(pool()))
  })

  it.each<readonly [string, NodePool]>([
    ["a label", pool({}, { taints }, { labels: { team: "x", role: "z" } })],
    ["a label with an empty value", pool({}, { taints }, { labels: { team: "x", role: "y", extra: "" } })],
    ["an annotation", pool({}, { taints }, { labels, annotations: { a: "b" } })],
    ["a taint", pool({}, { taints: [taints[0]] }, { labels })],
    ["the list that a taint is in", pool({}, { startupTaints: taints }, { labels })],
    ["the node class", pool({}, { taints, nodeClassRef: { group: "g", kind: "K", name: "n" } }, { labels })],
    ["the age", pool({}, { taints, expireAfter: "1h" }, { labels })],
    ["the grace period", pool({}, { taints, terminationGracePeriod: "1h" }, { labels })]
  ])("changes with %s", (_, other) => {
    assert.notStrictEqual(hash(other), hash(base))
  })
})

describe("the hash of a LinodeNodeClass", () => {
  it("ignores tags, the order of lists, and what is empty, zero or false", () => {
    const hash = nodeClassHash({ image: "linode/ubuntu22.04", authorizedUsers: ["a", "b"] })
    assert.strictEqual(nodeClassHash({ image: "linode/ubuntu22.04", authorizedUsers: ["b", "a"], tags: ["team"] }), hash)
    assert.strictEqual(
      nodeClassHash({
        image: "linode/ubuntu22.04", authorizedUsers: ["a", "b"], backupsEnabled: false, kubelet: {}, swap_size: 0
      }),
      hash
    )
  })

  it("changes with any other field", () => {
    const hashes = [{}, { firewallID: 1 }, { lkeK8sVersion: "1" }, { image: "1" }, { kubelet: { maxPods: 1 } }, { userData: "1" }].map(nodeClassHash)
    assert.strictEqual(new Set(hashes).size, hashes.length)
  })
})
