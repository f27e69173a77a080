import { assert, describe, it } from "@effect/vitest"
import {
  addResources, compareQuantities, formatQuantity, MalformedQuantity, parseQuantity, podRequests, subtractResources, toMillis,
  toUnits
} from "../../src/scheduling/index.ts"
import type { PodSpec, Quantity } from "../../src/scheduling/index.ts"
import { container } from "./build.ts"

const nano = 10n ** 9n

describe("a quantity", () => {
  it.each<[Quantity, bigint]>([
    ["0", 0n], ["1", nano], [4, 4n * nano], [0.5, nano / 2n], ["100m", nano / 10n], [
      "1.5", 3n * nano / 2n
    ], [".5", nano / 2n], ["5.", 5n * nano],
    ["+2", 2n * nano], ["-2", -2n * nano], [
      "1k", 1000n * nano
    ], ["1M", 10n ** 15n], ["1G", 10n ** 18n], ["1T", 10n ** 21n], ["1P", 10n ** 24n],
    ["1E", 10n ** 27n], ["1e3", 1000n * nano], ["1E3", 1000n * nano], ["12e-1", 12n * nano / 10n], ["1Ki", 1024n * nano], [
      "1.5Gi", 3n * (nano << 29n)
    ],
    ["2Ti", nano << 41n], ["1Pi", nano << 50n], ["1Ei", nano << 60n], ["1n", 1n], ["3u", 3000n], [1e21, 10n ** 30n], [1e-7, 100n],
    ["0.1n", 1n], ["-0.1n", -1n], ["9223372036854775807", 9223372036854775807n * nano]
  ])("%s is read exactly", (text, nanos) => {
    assert.strictEqual(parseQuantity(text), nanos)
  })

  it.each(["", "m", "1 Gi", "1gi", "1Q", "0x10", "1e", "--1", "1.2.3", "NaN", "Infinity"])("%j is refused", (text) => {
    assert.throws(() => parseQuantity(text), MalformedQuantity)
  })

  it.each<[Quantity, string]>([
    ["1000m", "1"], [
      "1500m", "1500m"
    ], ["0.1", "100m"], ["2000", "2k"], ["1000000", "1M"], ["0", "0"], ["-500m", "-500m"], ["1n", "1n"]
  ])("%s is written as %s", (text, canonical) => {
    assert.strictEqual(formatQuantity(parseQuantity(text)), canonical)
  })

  it.each<[Quantity, string]>([
    ["1024Mi", "1Gi"], ["1536Mi", "1536Mi"], ["1073741825", "1073741825"], ["0.5Ki", "512"], ["100m", "100m"], ["0", "0"]
  ])("%s is written as %s in powers of two", (text, canonical) => {
    assert.strictEqual(formatQuantity(parseQuantity(text), "BinarySI"), canonical)
  })

  it("is counted up where it is wanted and down where it is offered", () => {
    assert.strictEqual(toMillis("1.0001"), 1001)
    assert.strictEqual(toMillis("1.0009", "down"), 1000)
    assert.strictEqual(toMillis("250m"), 250)
    assert.strictEqual(toUnits("100m"), 1)
    assert.strictEqual(toUnits("1999m", "down"), 1)
    assert.strictEqual(toUnits("-1500m", "down"), -2)
    assert.strictEqual(toUnits("-1500m", "up"), -1)
  })

  it("compares by value, not by text", () => {
    assert.strictEqual(compareQuantities("1", "1000m"), 0)
    assert.isBelow(compareQuantities("1G", "1Gi"), 0)
    assert.isAbove(compareQuantities("2", "1999m"), 0)
  })

  it("adds and subtracts without losing anything", () => {
    assert.deepStrictEqual(
      addResources({ cpu: "100m", memory: "1Gi" }, { cpu: 1, memory: "1" }, undefined), { cpu: "1100m", memory: "1073741825" }
    )
    assert.deepStrictEqual(
      subtractResources({ cpu: 2, memory: "1Gi" }, { cpu: "2500m", pods: 1 }), { cpu: "-500m", memory: "1Gi" }
    )
  })
})

describe("what a pod requests", () => {
  const app = container({ cpu: "1", memory: "1Gi" })
  it.each<[string, Partial<PodSpec>, Record<string, string>]>([
    ["is the sum of its containers", { containers: [app, app] }, { cpu: "2", memory: "2Gi" }],
    [
      "is its largest init container where that is more",
      { containers: [app], initContainers: [container({ cpu: "3" }), container({ cpu: "2" })] }, { cpu: "3", memory: "1Gi" }
    ],
    [
      "includes sidecars", { containers: [app], initContainers: [container({ cpu: "500m" }, "Always")] },
      { cpu: "1500m", memory: "1Gi" }
    ],
    [
      "adds the sidecars started before an init container to it",
      {
        containers: [app],
        initContainers: [container({ cpu: "1" }, "Always"), container({ cpu: "4" }), container({ cpu: "2" }, "Always")]
      },
      { cpu: "5", memory: "1Gi" }
    ],
    [
      "does not add sidecars started after an init container to it",
      { containers: [app], initContainers: [container({ cpu: "4" }), container({ cpu: "2" }, "Always")] },
      { cpu: "4", memory: "1Gi" }
    ],
    [
      "is what the pod as a whole says where it does", { containers: [app], resources: { requests: { cpu: "5" } } },
      { cpu: "5", memory: "1Gi" }
    ],
    [
      "has the overhead on top",
      { containers: [app], resources: { requests: { cpu: "5" } }, overhead: { cpu: "250m", memory: "120Mi" } },
      { cpu: "5250m", memory: "1144Mi" }
    ],
    [
      "takes limits for missing requests",
      { containers: [{ resources: { limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "1" } } }] },
      { cpu: "1", memory: "1Gi" }
    ],
    ["is nothing where nothing is asked for", { containers: [{}] }, {}]
  ])("%s", (_, spec, requests) => {
    assert.deepStrictEqual({ ...podRequests({ containers: [], ...spec }) }, requests)
  })
})
