/**
 * The acceptance scenarios of the Go provider, with the same NodePools and workloads. Where they name the type that is
 * bought, this asks that it costs no more than that one. (Labels, selectors, taints: scheduling.test.ts.)
 */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { label } from "../../src/apis/labels.ts"
import { until } from "./support/cli.ts"
import { deployment, nodeClass } from "./support/manifests.ts"
import type { PoolOptions } from "./support/manifests.ts"
import { scenario, scenarioTaint } from "./support/scenario.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

/** Several waits follow one another: for nodes, for what consolidation makes of them, for their end. Milliseconds. */
const longest = 360_000

const upToEightGib = [{ key: label.instanceMemory, operator: "Lt", values: ["8193"] }]

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

  /** Brings up the NodePool and so many pods of one CPU. */
  const begin = async (name: string, replicas: number, options: PoolOptions = {}) => {
    const here = scenario(world, name)
    const price = (type: string): number => world.cloud.types.get(type)!.price.hourly!
    const types = async () => (await here.claims()).map(({ metadata }) => metadata.labels![label.instanceType]!)
    await world.apply([here.pool(options), deployment(name, { replicas, ...here.at })])
    await here.running(replicas)
    const first = (await here.claims()).map(({ status }) => status?.nodeName)
    const sum = (of: ReadonlyArray<string>) => of.reduce((total, type) => total + price(type), 0)
    return {
      ...here, types,
      /** So many pods run at last on ready nodes that cost no more than these, and whatever else there was is given back. */
      endsWith: async (pods: number, most: ReadonlyArray<string>) => {
        await until(`${name} to cost no more than ${most.join(", ")}`, async () => {
          const claims = await here.claims()
          const names = claims.map(({ status }) => status?.nodeName)
          const running = await here.pods()
          return running.length === pods && running.every(({ spec, status }) =>
            status?.phase === "Running" && names.includes(spec.nodeName)) && sum(await types()) <= sum(most) + 1e-9
        }, 150)
        await here.wait("Ready")
        await until("the Linodes", async () => {
          const nodes = new Set((await here.claims()).map(({ status }) => status?.nodeName))
          const own = new Set([...first, ...nodes])
          return world.alive().filter(({ node }) => own.has(node)).length === nodes.size
        })
      },
      noDearer: async (most: ReadonlyArray<string>) => {
        const bought = await types()
        assert.isAtMost(sum(bought), sum(most) + 1e-9, bought.join(", "))
      },
      scale: (to: number) => world.kubectl("scale", "deployment", name, "--replicas", String(to))
    }
  }

  it("brings nodes for five pods that cost no more than one g6-standard-6, and none is left of them", async () => {
    const ml = await begin("ml", 5, { nodeClass: "ml" })
    await ml.wait("Ready")
    await ml.noDearer(["g6-standard-6"])
    await ml.scale(2)
    await ml.endsWith(2, ["g6-standard-4"])
    await ml.scale(0)
    await ml.atMost(0)
    await world.kubectl("delete", "nodepool", "ml", "--timeout=60s")
    await world.kubectl("delete", "lnc", "ml", "--timeout=60s")
  }, longest)

  it("gives back the nodes that become empty, in a NodePool of small plans", async () => {
    const empty = await begin("consolidation-empty", 5, { requirements: upToEightGib })
    await empty.wait("Ready")
    await empty.noDearer(["g6-standard-4", "g6-standard-4"])
    for (const type of await empty.types()) assert.isAtMost(world.cloud.types.get(type)!.memory, 8192)
    await empty.scale(1)
    await empty.endsWith(1, ["g6-standard-2"])
    await empty.atMost(1)
    await empty.scale(0)
    await empty.atMost(0)
  }, longest)

  it("follows the pods up and down step by step", async () => {
    const steps = await begin("consolidation-step-scale", 5, { requirements: upToEightGib })
    const first = new Set((await steps.claims()).map(({ metadata }) => metadata.uid))
    await steps.scale(8)
    await steps.running(8)
    await steps.wait("Ready")
    const kept = (await steps.claims()).filter(({ metadata }) => first.has(metadata.uid))
    assert.strictEqual(kept.length, first.size, "what is used stays")
    await steps.scale(2)
    await steps.endsWith(2, ["g6-standard-4"])
    await steps.atMost(2)
    await steps.scale(0)
    await steps.atMost(0)
  }, longest)

  it("marks NodeClaims as drifted when labels or taints of their NodePool change", async () => {
    const drift = await begin("drift-labels-taints", 1)
    await drift.wait("Ready")
    assert.isTrue((await drift.claims()).every(({ status }) => status?.conditions?.every(({ type }) => type !== "Drifted")))
    await drift.patchPool({ template: {
      metadata: { labels: { "e2e.linode.dev/drift-marker": "true" } },
      spec: { taints: [scenarioTaint, { key: "e2e.linode.dev/drifted", value: "true", effect: "PreferNoSchedule" }] }
    } })
    await drift.wait("Drifted")
    await drift.scale(0)
    await drift.atMost(0)
  })
})
