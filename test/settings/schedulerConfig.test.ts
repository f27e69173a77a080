import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { load } from "../../src/settings/load.ts"

const minimum = { CLUSTER_NAME: "prod", LINODE_TOKEN: "t" }
const settings = (env: Record<string, string>, args: ReadonlyArray<string> = []) => load({ args, env: { ...minimum, ...env } })
const refusal = (env: Record<string, string>) => Effect.map(Effect.flip(settings(env)), (error) => error.problems)

const constraint = { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" }

describe("the scheduler's configuration", () => {
  const yaml = [
    "podTopologySpread:", "  defaultConstraints:", "    - maxSkew: 1", "      topologyKey: topology.kubernetes.io/zone",
    "      whenUnsatisfiable: DoNotSchedule"
  ].join("\n")

  it.effect.each([
    ["YAML", yaml, [constraint]],
    ["JSON", JSON.stringify({ podTopologySpread: { defaultConstraints: [constraint] } }), [constraint]],
    ["nothing", " ", []],
    ["a comment", "# none\n", []],
    ["a plugin without constraints", "podTopologySpread: {}", []],
    ["empty fields", "podTopologySpread:\n  defaultConstraints:\n", []]
  ] as const)("may be %s", ([, text, expected]) => Effect.gen(function*() {
    const { schedulerConfig } = yield* settings({ SCHEDULER_CONFIG: text })
    assert.deepStrictEqual(schedulerConfig.defaultConstraints, expected)
  }))

  const at = "podTopologySpread.defaultConstraints"
  const one = (more: object) =>
    JSON.stringify({ podTopologySpread: { defaultConstraints: [constraint, { ...constraint, ...more }] } })
  it.effect.each([
    ["is no map", "- a", 'the document is ["a"], must be a map'],
    ["names another plugin", "nodeAffinity: {}", "nodeAffinity is not known, must be podTopologySpread"],
    ["has a plugin that is no map", "podTopologySpread: 1", "podTopologySpread is 1, must be a map"],
    ["has two documents", "podTopologySpread: {}\n---\npodTopologySpread: {}", "2 documents, must be one"],
    ["has a misspelt field", "podTopologySpread: {all: []}", "podTopologySpread.all is not known, must be defaultConstraints"],
    ["has no list", "podTopologySpread: {defaultConstraints: {}}", `${at} is {}, must be a list`],
    ["has an item that is no map", "podTopologySpread: {defaultConstraints: [a]}", `${at}[0] is "a", must be a map`],
    [
      "has an unknown field in a constraint", one({ topologyKey: "a", skew: 1 }),
      `${at}[1].skew is not known, must be one of maxSkew, topologyKey, whenUnsatisfiable, minDomains, nodeAffinityPolicy, ` +
        "nodeTaintsPolicy, labelSelector, matchLabelKeys"
    ],
    ["has a skew in words", one({ topologyKey: "a", maxSkew: "1" }), `${at}[1].maxSkew is "1", must be a whole number above 0`],
    ["has a number for a key", one({ topologyKey: 5 }), `${at}[1].topologyKey is 5, must be a label key`],
    [
      "says the same twice", one({ maxSkew: 2 }),
      `${at}[1] has the topologyKey and whenUnsatisfiable of [0], must differ in one of them`
    ]
  ] as const)("is refused where it %s", ([, text, expected]) => Effect.gen(function*() {
    const [problem, ...others] = yield* refusal({ SCHEDULER_CONFIG: text })
    assert.isEmpty(others)
    assert.strictEqual(problem?.name, "--scheduler-config (SCHEDULER_CONFIG)")
    assert.strictEqual(problem?.found, expected)
  }))

  it.effect("is refused together with all else that is wrong", () => Effect.gen(function*() {
    const problems = yield* refusal({ SCHEDULER_CONFIG: "{", BATCH_MAX_DURATION: "soon" })
    assert.deepStrictEqual(problems.map(({ name }) => name), [
      "--batch-max-duration (BATCH_MAX_DURATION)", "--scheduler-config (SCHEDULER_CONFIG)"
    ])
    assert.match(problems[1]!.found, /^no YAML: /u)
  }))
})

describe("the search for a cheaper plan", () => {
  it.effect.each([
    [{}, 200],
    [{ BATCH_MAX_DURATION: "1s" }, 100],
    [{ BATCH_MAX_DURATION: "1m" }, 200],
    [{ SEARCH_BUDGET: "1s", BATCH_MAX_DURATION: "1s" }, 1000],
    [{ SEARCH_BUDGET: "0s" }, 0],
    [{ SEARCH_BUDGET: "0" }, 0]
  ] as const)("with %o may take %d ms", ([env, millis]) => Effect.gen(function*() {
    assert.strictEqual(Duration.toMillis((yield* settings(env)).searchBudget), millis)
  }))

  const prices = [["", 0.001], ["0", 0], ["0.25", 0.25], [".5", 0.5]] as const
  it.effect.each(prices)("counts a node price of %j as %d", ([text, price]) => Effect.gen(function*() {
    assert.strictEqual((yield* settings({ NODE_PRICE: text })).nodePrice, price)
  }))

  it.effect.each(["-1", "1e3", "free", "0x10", "Infinity"])("refuses a node price of %s", (text) => Effect.gen(function*() {
    const [problem] = yield* refusal({ NODE_PRICE: text })
    assert.strictEqual(problem?.name, "--node-price (NODE_PRICE)")
  }))
})
