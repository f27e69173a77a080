/**
 * The acceptance scenarios of the Go provider, with the same NodePools and workloads. Where they name the type that is
 * bought, this asks that it costs no more than that one. (Labels, selectors, taints: scheduling.test.ts.)
 */
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import { until } from "./support/cli.ts"
import { deployment, nodeClass, nodePool } from "./support/manifests.ts"
import type { PoolOptions } from "./support/manifests.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

describe("what the Go provider promises", () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.apply([nodeClass()])
    await world.start()
  })
  afterEach(async () => {
    await world.giveBack()
    await world.kubectl("delete", "nodepools", "--all", "--timeout=60s")
  })
  afterAll(async () => {
    await world.close()
  })

  const taint = { key: "e2e.linode.dev/test", value: "true", effect: "NoSchedule" }
  const toleration = { key: taint.key, operator: "Equal", value: taint.value, effect: taint.effect }

  const pool = (name: string, options: PoolOptions = {}) => nodePool(name, {
    ...options,
    labels: { [`e2e.linode.dev/${name}`]: "true" },
    taints: [taint],
    requirements: [{ key: `e2e.linode.dev/${name}`, operator: "Exists" }, ...options.requirements ?? []]
  })
  const inflate = (name: string, replicas: number) => deployment("inflate", {
    replicas, nodeSelector: { [`e2e.linode.dev/${name}`]: "true" }, tolerations: [toleration]
  })
  const scale = (replicas: number) => world.kubectl("scale", "deployment", "inflate", "--replicas", String(replicas))
  const price = (type: string): number => world.cloud.types.get(type)!.price.hourly!
  const ready = () => world.kubectl("wait", "--for=condition=Ready", "nodeclaims", "--all", "--timeout=90s")
  const gone = () => until("every NodeClaim to go", async () => (await world.claims()).length === 0, 120)
  /** Nodes without pods go; how many may be left. */
  const atMost = (nodes: number) => until(`at most ${nodes} nodes`, async () =>
    (await world.claims()).length <= nodes && world.alive().length <= nodes, 120)
  const noDearer = (most: number) => assert.isAtMost(world.cloud.hourlyPrice, most + 1e-9, JSON.stringify(world.alive()))

  it("brings nodes for five pods that cost no more than one g6-standard-6, and none is left of them", async () => {
    await world.apply([nodeClass("ml"), pool("ml", { nodeClass: "ml" }), inflate("ml", 5)])
    await world.running("inflate", 5)
    await ready()
    noDearer(price("g6-standard-6"))
    await scale(2)
    await world.running("inflate", 2)
    await atMost(2)
    await scale(0)
    await gone()
    await world.kubectl("delete", "lnc", "ml", "--timeout=60s")
  })

  it("gives back the nodes that become empty, in a NodePool of small plans", async () => {
    const small = { requirements: [{ key: "karpenter.k8s.linode/instance-memory", operator: "Lt", values: ["8193"] }] }
    await world.apply([pool("consolidation-empty", small), inflate("consolidation-empty", 5)])
    await world.running("inflate", 5)
    await ready()
    noDearer(2 * price("g6-standard-4"))
    for (const { type } of world.alive()) assert.isAtMost(world.cloud.types.get(type)!.memory, 8192)
    await scale(1)
    await atMost(1)
    await world.running("inflate", 1)
    await scale(0)
    await gone()
  })

  it("follows the pods up and down step by step", async () => {
    const small = { requirements: [{ key: "karpenter.k8s.linode/instance-memory", operator: "Lt", values: ["8193"] }] }
    await world.apply([pool("consolidation-step-scale", small), inflate("consolidation-step-scale", 5)])
    await world.running("inflate", 5)
    const first = new Set((await world.claims()).map(({ metadata }) => metadata.uid))
    await scale(8)
    await world.running("inflate", 8)
    await ready()
    const kept = (await world.claims()).filter(({ metadata }) => first.has(metadata.uid))
    assert.strictEqual(kept.length, first.size, "what is used stays")
    await scale(2)
    await atMost(2)
    await world.running("inflate", 2)
    await scale(0)
    await gone()
  })

  it("marks NodeClaims as drifted when labels or taints of their NodePool change", async () => {
    await world.apply([pool("drift-labels-taints"), inflate("drift-labels-taints", 1)])
    await world.running("inflate", 1)
    await ready()
    assert.isTrue((await world.claims()).every(({ status }) => status?.conditions?.every(({ type }) => type !== "Drifted")))
    await world.kubectl("patch", "nodepool", "drift-labels-taints", "--type=merge", "-p", JSON.stringify({ spec: { template: {
      metadata: { labels: { "e2e.linode.dev/drift-marker": "true" } },
      spec: { taints: [taint, { key: "e2e.linode.dev/drifted", value: "true", effect: "PreferNoSchedule" }] }
    } } }))
    await world.kubectl("wait", "--for=condition=Drifted", "nodeclaims", "--all", "--timeout=60s")
    await scale(0)
    await gone()
  })
})
