/** Nothing is bought twice and nothing is leaked, whatever breaks. */
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import type { Running } from "./support/controllerProcess.ts"
import { deployment, nodeClass, nodePool } from "./support/manifests.ts"
import { until } from "./support/cli.ts"
import { namespace, openWorld, token } from "./support/world.ts"
import type { World } from "./support/world.ts"

const pools = "/lke/clusters/{id}/pools"

describe("trouble", () => {
  let world: World
  let controller: Running
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.apply([nodeClass(), nodePool("default")])
    controller = await world.start()
  })
  afterEach(async () => {
    world.api.faults.clear()
    await world.giveBack()
    assert.notInclude(controller.output(), token)
  })
  afterAll(async () => {
    await world.close()
  })

  it("does not buy a second node while the first one joins slowly and more pods arrive", async () => {
    const usual = world.cloud.delays
    world.cloud.delays = { ...usual, join: [12_000, 14_000] }
    const before = world.bought().length
    // Its node has two cores: there is room for the other pod, as there is on no other node.
    await world.apply([deployment("slow", { replicas: 1, cpu: "1300m" })])
    await until("the order", async () => world.bought().length > before)
    await world.apply([deployment("more", { replicas: 1, cpu: "600m" })])
    await world.running("slow", 1)
    await world.running("more", 1)
    assert.strictEqual(world.bought().length, before + 1)
    assert.strictEqual(world.alive().length, (await world.claims()).length)
    world.cloud.delays = usual
  })

  it("counts its node right after it was killed between buying and recording", async () => {
    const before = world.bought().length
    // The order is carried out, and the answer never comes: that is when the process dies. One pod makes one order: a second
    // one, recorded and not sent yet, would rightly be in doubt for minutes.
    world.api.faults.on(`POST ${pools}`, { kind: "hung" })
    await world.apply([deployment("killed", { replicas: 1 })])
    await until("the order", async () => world.bought().length > before)
    await controller.kill()
    controller = await world.start()
    await world.running("killed", 1, 120)
    // A node may run pods before its claim knows of it: LKE's nodes join by themselves.
    await until("each Linode to have its claim", async () => {
      const owned = (await world.claims()).map((claim) => claim.status?.nodeName).toSorted()
      const names = world.alive().map(({ node }) => node).toSorted()
      return names.length === owned.length && names.every((name, i) => name === owned[i])
    }, 150)
    assert.strictEqual(world.bought().length - before, world.alive().length)
  })

  it("gives the Linode back when its NodeClaim is deleted while it joins", async () => {
    const before = world.bought().length
    const usual = world.cloud.delays
    world.cloud.delays = { ...usual, join: [15_000, 16_000] }
    await world.apply([deployment("hasty", { replicas: 1 })])
    await until("the order", async () => world.bought().length > before)
    world.cloud.delays = usual
    const claim = await until("the claim", async () => (await world.claims()).find((each) => each.status?.nodeName !== undefined))
    await world.kubectl("delete", "nodeclaim", claim.metadata.name, "--timeout=60s")
    assert.isFalse(world.alive().some(({ node }) => node === claim.status?.nodeName))
    await world.running("hasty", 1)
  })

  it("rides out a Linode API that answers 429 and 500 for a while", async () => {
    const before = world.bought().length
    world.api.faults.on(({ method }) => method === "POST" || method === "PUT", { kind: "refused", status: 429, retryAfterSeconds: 1 }, 2)
    world.api.faults.on(({ method }) => method === "POST" || method === "PUT", { kind: "refused", status: 500 }, 1)
    world.api.faults.on(({ method }) => method === "GET", { kind: "refused", status: 500 }, 4)
    await world.apply([deployment("patient", { replicas: 3 })])
    await world.running("patient", 3, 330)
    assert.strictEqual(world.alive().length, (await world.claims()).length)
    assert.strictEqual(world.bought().length - before, world.alive().length)
  }, 420_000)

  it("takes another type where the cheapest is sold out", async () => {
    await world.apply([deployment("first", { replicas: 2 })])
    await world.running("first", 2)
    const type = world.alive()[0]!.type
    await world.giveBack()
    const restock = world.cloud.soldOut(type, "us-ord")
    await world.apply([deployment("first", { replicas: 2 })])
    await world.running("first", 2)
    assert.notInclude(world.alive().map((each) => each.type), type)
    restock()
  })

  it("hands over to a second replica under load, within five seconds of being told to stop", async () => {
    const second = await world.start()
    const before = world.bought().length
    const usual = world.cloud.delays
    world.cloud.delays = { ...usual, join: [5_000, 8_000] }
    await world.apply([deployment("load", { replicas: 12 })])
    await until("the first order", async () => world.bought().length > before)
    await world.kubectl("scale", "deployment", "load", "--replicas", "30")
    const told = Date.now()
    assert.strictEqual(await controller.stop(), 0)
    const stopped = controller
    controller = second
    const acquired = await until("the lease to be taken", async () =>
      second.lines().find(({ message }) => message === "successfully acquired lease"), 10)
    assert.isBelow(Date.parse(String(acquired["time"])) - told, 5_000)
    const holder = await world.kubectl("get", "lease", "karpenter-leader-election", "-n", namespace, "-o", "jsonpath={.spec.holderIdentity}")
    assert.notStrictEqual(holder, "")
    await world.running("load", 30, 120)
    await world.kubectl("wait", "--for=condition=Ready", "nodeclaims", "--all", "--timeout=60s")
    world.cloud.delays = usual
    // One Linode for each claim, and none was bought that no claim has.
    const owned = (await world.claims()).map((claim) => claim.status?.nodeName).toSorted()
    assert.deepStrictEqual(world.alive().map(({ node }) => node).toSorted(), owned)
    assert.strictEqual(world.bought().length - before, owned.length)
    assert.isTrue(second.lines().some(({ message }) => message === "initialized nodeclaim"))
    assert.notInclude(stopped.output(), token)
  })
})
