/** Nodes that are replaced, and how their pods fare meanwhile; NodePools that keep a number of nodes. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { annotation } from "../../src/apis/labels.ts"
import type { Pod } from "../../src/kube/objects.ts"
import { until } from "./support/cli.ts"
import { deployment, nodeClass, statefulSet } from "./support/manifests.ts"
import { scenario } from "./support/scenario.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

const clings = { [annotation.doNotDisrupt]: "true" }
const isReady = ({ metadata, status }: Pod): boolean => metadata.deletionTimestamp === undefined &&
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true

describe.concurrent("a node that is replaced", () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.apply([nodeClass()])
    await world.start({ FEATURE_GATES: "NodeRepair=true,StaticCapacity=true" })
  })
  afterAll(async () => {
    try {
      await world.giveBack()
    } finally {
      await world.close()
    }
  })

  it("because it will not get well takes its pods along, whatever they say", async () => {
    const repair = scenario(world, "repair")
    await world.apply([repair.pool(), deployment("repair", { replicas: 1, annotations: clings, ...repair.at })])
    await repair.running(1)
    await repair.wait("Ready")
    const [ill] = await repair.claims()
    const nodeName = ill!.status!.nodeName!
    // Half an hour is the least for this condition: it has been like that for an hour.
    const since = new Date(Date.now() - 3_600_000).toISOString()
    await world.kubectl("patch", "node", nodeName, "--subresource=status", "--type=strategic", "-p", JSON.stringify({ status: {
      conditions: [{ type: "StorageReady", status: "False", reason: "Broken", lastTransitionTime: since, lastHeartbeatTime: since }]
    } }))
    await until("the ill node to go", async () =>
      (await repair.claims()).every(({ metadata }) => metadata.uid !== ill!.metadata.uid), 90)
    const [pod] = await repair.running(1)
    assert.notStrictEqual(pod!.spec.nodeName, nodeName)
    assert.isFalse(world.alive().some(({ node }) => node === nodeName))
  })

  it("because it expired keeps a pod that must not be disrupted until its grace period is over", async () => {
    const old = scenario(world, "expiring")
    await world.apply([
      old.pool({ expireAfter: "45s", terminationGracePeriod: "20s" }),
      deployment("expiring", { replicas: 1, annotations: clings, ...old.at })
    ])
    const [pod] = await old.running(1)
    const [claim] = await old.claims()
    // What comes in its place is to stay.
    await old.patchPool({ template: { spec: { expireAfter: "Never" } } })
    const expired = await until("the claim to expire", async () =>
      (await old.claims()).find(({ metadata }) => metadata.uid === claim!.metadata.uid && metadata.deletionTimestamp !== undefined &&
        metadata.annotations?.[annotation.terminationTimestamp] !== undefined))
    const deadline = Date.parse(expired.metadata.annotations![annotation.terminationTimestamp]!)
    assert.strictEqual(deadline - Date.parse(expired.metadata.deletionTimestamp!), 20_000)
    await until("the pod to be deleted", async () =>
      !(await old.pods()).some(({ metadata }) => metadata.uid === pod!.metadata.uid && metadata.deletionTimestamp === undefined))
    // Times in objects are whole seconds.
    assert.isAtLeast(Date.now(), deadline - 1_000)
    await until("the claim to go", async () => (await old.claims()).every(({ metadata }) => metadata.uid !== claim!.metadata.uid))
    const [next] = await old.running(1)
    assert.notStrictEqual(next!.spec.nodeName, pod!.spec.nodeName)
    assert.isFalse(world.alive().some(({ node }) => node === pod!.spec.nodeName))
  })

  it("with others at the same time loses the pods of a StatefulSet one by one, as its budget says", async () => {
    const db = scenario(world, "database")
    await world.apply([db.pool(), ...statefulSet("database", { replicas: 3, ...db.at })])
    const before = await db.running(3)
    await db.wait("Ready")
    const old = new Set((await db.claims()).map(({ metadata }) => metadata.uid))
    assert.strictEqual(old.size, 3)
    await world.kubectl("delete", "nodeclaims", "-l", "karpenter.sh/nodepool=database", "--wait=false")
    let least = 3
    await until("every old node to go", async () => {
      least = Math.min(least, (await db.pods()).filter(isReady).length)
      return (await db.claims()).every(({ metadata }) => !old.has(metadata.uid))
    }, 150)
    assert.strictEqual(least, 2, "ready pods at any time")
    const after = await db.running(3)
    const places = (pods: ReadonlyArray<Pod>) => pods.map(({ spec }) => spec.nodeName)
    assert.isFalse(places(after).some((place) => places(before).includes(place)))
    await world.kubectl("delete", "statefulset,pdb", "database")
  })

  it("is not what a static NodePool is for: it keeps as many nodes as it is told, up and down", async () => {
    const fixed = scenario(world, "static")
    const size = async (replicas: number) => {
      await until(`${replicas} nodes`, async () => {
        const claims = await fixed.claims()
        return claims.length === replicas && claims.every(({ metadata }) => metadata.deletionTimestamp === undefined)
      }, 120)
      if (replicas > 0) await fixed.wait("Ready")
      await until("the nodes themselves", async () => (await fixed.nodes()).length === replicas)
    }
    await world.apply([fixed.pool({ replicas: 2, limits: { nodes: 4 } })])
    await size(2)
    await world.kubectl("scale", "nodepool", "static", "--replicas", "4")
    await size(4)
    await world.apply([deployment("static", { replicas: 1, ...fixed.at })])
    const [pod] = await fixed.running(1)
    await world.kubectl("scale", "nodepool", "static", "--replicas", "1")
    await size(1)
    assert.strictEqual((await fixed.running(1))[0]!.metadata.uid, pod!.metadata.uid, "empty nodes go first")
    await world.kubectl("scale", "nodepool", "static", "--replicas", "0")
    await size(0)
  })
})
