import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readOptions } from "../../src/commands/plan/options.ts"

describe("the arguments of plan", () => {
  it.effect("are few, and need none", () => Effect.gen(function*() {
    assert.deepStrictEqual(yield* readOptions([], {}), {
      files: [], catalog: undefined, region: { flag: undefined, variable: undefined }, output: "text", searchMillis: 200,
      preferencePolicy: "Respect", minValuesPolicy: "Strict", nodePrice: 0.001, defaultConstraints: [], memoryShare: undefined, consolidate: undefined
    })
  }))

  it.effect("may be written as kubectl's", () => Effect.gen(function*() {
    const { files, output } = yield* readOptions(["-f", "a", "-fb", "-f=c", "--filename", "d", "--filename=e", "-f", "-", "-ojson"], {})
    assert.deepStrictEqual([files, output], [["a", "b", "c", "d", "e", "-"], "json"])
  }))

  it.effect("win over the environment, in which an empty variable counts as not set", () => Effect.gen(function*() {
    const env = { PREFERENCE_POLICY: "Ignore", MIN_VALUES_POLICY: "BestEffort", NODE_PRICE: "0.5", LINODE_REGION: "nl-ams", VM_MEMORY_OVERHEAD_PERCENT: "" }
    const fromEnv = yield* readOptions([], env)
    assert.deepInclude(fromEnv, { preferencePolicy: "Ignore", minValuesPolicy: "BestEffort", nodePrice: 0.5, memoryShare: undefined })
    assert.deepStrictEqual(fromEnv.region, { flag: undefined, variable: "nl-ams" })
    const flags = ["--preference-policy=Respect", "--min-values-policy", "Strict", "--node-price", "0", "--search-ms", "0"]
    assert.deepInclude(yield* readOptions(flags, env), { preferencePolicy: "Respect", minValuesPolicy: "Strict", nodePrice: 0, searchMillis: 0 })
  }))

  it.effect("are refused all at once, with what was expected", () => Effect.gen(function*() {
    const args = ["pods.yaml", "--scheduler-config={spread: {}}", "-o", "yaml", "--search-ms=soon", "--colour", "--node-price=-1", "--region=", "-f"]
    const error = yield* Effect.flip(readOptions(args, { PREFERENCE_POLICY: "Sometimes" }))
    assert.deepStrictEqual(error.message.split("\n").map((line) => line.split(",")[0]), [
      "pods.yaml: unknown argument",
      "--colour: unknown argument",
      "-f: no value",
      "--scheduler-config: spread is not known",
      "--region: \"\"",
      "-o: \"yaml\"",
      "--search-ms: \"soon\"",
      "PREFERENCE_POLICY: \"Sometimes\"",
      "--node-price: \"-1\"",
      "See karpenter-linode plan --help."
    ])
  }))
})
