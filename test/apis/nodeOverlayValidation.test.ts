import { assert, describe, it } from "@effect/vitest"
import type { NodeOverlay } from "../../src/apis/nodeOverlay.ts"
import { validateNodeOverlay } from "../../src/apis/nodeOverlayValidation.ts"

const fields = (spec: Partial<NodeOverlay["spec"]>): ReadonlyArray<string> =>
  validateNodeOverlay({ metadata: { name: "a" }, spec: { requirements: [], ...spec } }).map(({ field }) => field)

const requiring = (key: string, operator: string, values?: ReadonlyArray<string>) => ({
  requirements: [{ key, operator, ...(values === undefined ? {} : { values }) }] as NodeOverlay["spec"]["requirements"]
})

describe("a NodeOverlay", () => {
  it.each<readonly [string, Partial<NodeOverlay["spec"]>]>([
    ["an absolute price", { price: "0.05" }],
    ["a price in per cent", { priceAdjustment: "-12.5%" }],
    ["resources of its own", { capacity: { "example.com/fuse": 3 } }],
    ["a NodePool by name", requiring("karpenter.sh/nodepool", "In", ["default"])],
    ["a well-known label", requiring("karpenter.k8s.linode/instance-cpu", "Gt", ["3"])]
  ])("may have %s", (_, spec) => {
    assert.deepStrictEqual(fields(spec), [])
  })

  it.each<readonly [string, Partial<NodeOverlay["spec"]>, string]>([
    ["a restricted label", requiring("karpenter.sh/initialized", "Exists"), "spec.requirements[0].key"],
    ["the hostname", requiring("kubernetes.io/hostname", "In", ["a"]), "spec.requirements[0].key"],
    ["an operator that nobody knows", requiring("a", "Like", ["b"]), "spec.requirements[0].operator"],
    ["In without values", requiring("a", "In", []), "spec.requirements[0].values"],
    ["NotIn without values", requiring("a", "NotIn"), "spec.requirements[0].values"],
    ["Gt of words", requiring("a", "Gt", ["many"]), "spec.requirements[0].values"],
    ["a capacity type that is none", requiring("karpenter.sh/capacity-type", "In", ["free"]), "spec.requirements[0].values"],
    ["cpu", { capacity: { cpu: "2" } }, "spec.capacity[cpu]"],
    ["less than nothing", { capacity: { "example.com/fuse": "-1" } }, "spec.capacity[example.com/fuse]"],
    ["two prices", { price: "1", priceAdjustment: "+1" }, "spec.priceAdjustment"],
    ["a price in words", { price: "cheap" }, "spec.price"],
    ["a change without a sign", { priceAdjustment: "1" }, "spec.priceAdjustment"]
  ])("may not have %s", (_, spec, field) => {
    assert.deepStrictEqual(fields(spec), [field])
  })
})
