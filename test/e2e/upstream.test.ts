/**
 * The acceptance scenarios of the Go provider, with the same NodePools and workloads. Where they name the type that is
 * bought, this asks that it costs no more than that one. (Labels, selectors, taints: scheduling.test.ts.)
 */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { label } from "../../src/apis/labels.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { until } from "./support/cli.ts"
import { deployment, nodeClass, nodePool } from "./support/manifests.ts"
import type { PoolOptions } from "./support/manifests.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

const taint = { key: "e2e.linode.dev/test", value: "true", effect: "NoSchedule" }
const toleration = { key: taint.key, operator: "Equal", value: taint.value, effect: taint.effect }
const upToEightGib = [{ key: label.instanceMemory, operator: "Lt", values: ["8193"] }]

/** A NodePool and a Deployment that only its nodes take, both of this name: scenarios run side by side. */
const scenario = (world: World, name: string) => {
  const selector = `e2e.linode.dev/${name}`
  const claims = () => world.get<NodeClaim>("nodeclaims", "-l", `${label.nodePool}=${name}`)
  const price = (type: string): number => world.cloud.types.get(type)!.price.hourly!
  return {
    claims,
    begin: (replicas: number, options: PoolOptions = {}) => world.apply([
      nodePool(name, {
        ...options,
        labels: { [selector]: "true" },
        taints: [taint],
        requirements: [{ key: selector, operator: "Exists" }, ...options.requirements ?? []]
      }),
      deployment(name, { replicas, nodeSelector: { [selector]: "true" }, tolerations: [toleration] })
    ]),
    scale: (replicas: number) => world.kubectl("scale", "deployment", name, "--replicas", String(replicas)),
    running: (replicas: number) => world.running(name, replicas),
    wait: (condition: string) =>
      world.kubectl("wait", `--for=condition=${condition}`, "nodeclaims", "-l", `${label.nodePool}=${name}`, "--timeout=90s"),
    types: async () => (await claims()).map(({ metadata }) => world.cloud.types.get(metadata.labels![label.instanceType]!)!),
    noDearer: async (most: ReadonlyArray<string>) => {
      const sum = (types: ReadonlyArray<string>) => types.reduce((total, type) => total + price(type), 0)
      const bought = (await claims()).map(({ metadata }) => metadata.labels![label.instanceType]!)
      assert.isAtMost(sum(bought), sum(most) + 1e-9, bought.join(", "))
    },
    /** Nodes without pods go; how many may be left. */
    atMost: (nodes: number) => until(`at most ${nodes} NodeClaims of ${name}`, async () => (await claims()).length <= nodes, 150)
  }
}

describe.concurrent("what the Go provider promises", () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.apply([nodeClass(), nodeClass("ml")])
    await world.start()
  })
  afterAll(async () => {
    try {
      await world.giveBack()
    } finally {
      await world.close()
    }
  })

  it("brings nodes for five pods that cost no more than one g6-standard-6, and none is left of them", async () => {
    const ml = scenario(world, "ml")
    await ml.begin(5, { nodeClass: "ml" })
    await ml.running(5)
    await ml.wait("Ready")
    await ml.noDearer(["g6-standard-6"])
    await ml.scale(2)
    await ml.running(2)
    await ml.atMost(2)
    await ml.scale(0)
    await ml.atMost(0)
    await world.kubectl("delete", "nodepool", "ml", "--timeout=60s")
    await world.kubectl("delete", "lnc", "ml", "--timeout=60s")
  })

  it("gives back the nodes that become empty, in a NodePool of small plans", async () => {
    const empty = scenario(world, "consolidation-empty")
    await empty.begin(5, { requirements: upToEightGib })
    await empty.running(5)
    await empty.wait("Ready")
    await empty.noDearer(["g6-standard-4", "g6-standard-4"])
    for (const { memory } of await empty.types()) assert.isAtMost(memory, 8192)
    await empty.scale(1)
    await empty.atMost(1)
    await empty.running(1)
    await empty.scale(0)
    await empty.atMost(0)
  })

  it("follows the pods up and down step by step", async () => {
    const steps = scenario(world, "consolidation-step-scale")
    await steps.begin(5, { requirements: upToEightGib })
    await steps.running(5)
    const first = new Set((await steps.claims()).map(({ metadata }) => metadata.uid))
    await steps.scale(8)
    await steps.running(8)
    await steps.wait("Ready")
    const kept = (await steps.claims()).filter(({ metadata }) => first.has(metadata.uid))
    assert.strictEqual(kept.length, first.size, "what is used stays")
    await steps.scale(2)
    await steps.atMost(2)
    await steps.running(2)
    await steps.scale(0)
    await steps.atMost(0)
  })

  it("marks NodeClaims as drifted when labels or taints of their NodePool change", async () => {
    const drift = scenario(world, "drift-labels-taints")
    await drift.begin(1)
    await drift.running(1)
    await drift.wait("Ready")
    assert.isTrue((await drift.claims()).every(({ status }) => status?.conditions?.every(({ type }) => type !== "Drifted")))
    await world.kubectl("patch", "nodepool", "drift-labels-taints", "--type=merge", "-p", JSON.stringify({ spec: { template: {
      metadata: { labels: { "e2e.linode.dev/drift-labels-taints": "true", "e2e.linode.dev/drift-marker": "true" } },
      spec: { taints: [taint, { key: "e2e.linode.dev/drifted", value: "true", effect: "PreferNoSchedule" }] }
    } } }))
    await drift.wait("Drifted")
    await drift.scale(0)
    await drift.atMost(0)
  })
})
