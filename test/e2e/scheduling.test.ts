/** Which nodes come for which pods, on a real API server with a real scheduler. */
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import { deployment, nodeClass, nodePool, poolName } from "./support/manifests.ts"
import { until } from "./support/cli.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

describe.each(["standard", "enterprise"] as const)("an LKE %s cluster", (tier) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld({ tier })
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

  it("labels nodes as their NodePool says, for pods that select them", async () => {
    await world.apply([
      nodePool("selector", { labels: { "team.example.com/name": "blue" } }),
      deployment("selecting", { replicas: 1, nodeSelector: { "team.example.com/name": "blue" } })
    ])
    const [pod] = await world.running("selecting", 1)
    const node = (await world.nodes()).find((each) => each.metadata.name === pod!.spec.nodeName)
    assert.strictEqual(node?.metadata.labels?.["team.example.com/name"], "blue")
  })

  it("keeps tainted nodes for pods that tolerate them", async () => {
    const taint = { key: "dedicated.example.com/for", value: "gpu-jobs", effect: "NoSchedule" }
    await world.apply([
      nodePool("tainted", { taints: [taint] }),
      deployment("tolerant", { replicas: 1, tolerations: [{ key: taint.key, operator: "Exists" }] })
    ])
    await world.running("tolerant", 1)
    await until("the taint on the node", async () => (await world.nodes())[0]?.spec?.taints?.some((each) => each.key === taint.key))
    // LKE puts taints on a node after it joined: until then kube-scheduler may put anybody there.
    await world.apply([deployment("intolerant", { replicas: 1 })])
    const pending = await until("the pod", async () => (await world.pods("intolerant"))[0])
    // kube-scheduler says FailedScheduling too, and names the taint once the node is there; ours names the NodePool.
    await until("the reason as an event", async () =>
      (await world.get<{ readonly reason: string; readonly message: string }>("events", "-n", "default", "--field-selector", `involvedObject.name=${pending.metadata.name}`))
        .find((each) => each.reason === "FailedScheduling" && each.message.includes(taint.key) &&
          each.message.includes("NodePool tainted")), 30)
    assert.strictEqual((await world.pods("intolerant"))[0]?.status?.phase, "Pending")
  })
})

describe("several NodePools", () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.apply([nodeClass()])
    await world.start()
  })
  afterAll(async () => {
    await world.giveBack()
    await world.close()
  })

  it("are used by weight, and never beyond their limits", async () => {
    await world.apply([
      nodePool("heavy", { weight: 50, limits: { cpu: 4 } }),
      nodePool("light", { weight: 1 }),
      deployment("weighty", { replicas: 6 })
    ])
    await world.running("weighty", 6)
    const nodes = await world.nodes()
    const cores = (pool: string) => nodes.filter((node) => node.metadata.labels?.[poolName] === pool)
      .reduce((sum, node) => sum + Number(node.status?.capacity?.["cpu"] ?? 0), 0)
    assert.isAbove(cores("heavy"), 0)
    assert.isAtMost(cores("heavy"), 4)
    assert.isAbove(cores("light"), 0)
  })
})
