/** A cluster as the Go provider leaves it is taken over on a real API server: see test/house/takeover.test.ts for all of it. */
import { Effect } from "effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { nodeClassHashVersion, nodePoolHashVersion } from "../../src/apis/hash.ts"
import { annotation, label } from "../../src/apis/labels.ts"
import { Kube } from "../../src/kube/kube.ts"
import * as go from "../house/goProvider.ts"
import type { SimulatedPool } from "../../src/simulator/linode/world.ts"
import type { ClaimOptions } from "../house/goProvider.ts"
import { until } from "./support/cli.ts"
import { deployment, nodeClass, nodePool } from "./support/manifests.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

describe("a cluster of the Go provider", () => {
  let world: World
  let pool: SimulatedPool
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.apply([{ ...nodeClass(), apiVersion: "karpenter.k8s.linode/v1alpha1" }, nodePool("default", {
      disruption: { consolidationPolicy: "WhenEmpty", budgets: [{ nodes: "100%" }] }
    })])
  })
  afterAll(async () => {
    await world.close()
  })

  it("is left as it is", async () => {
    const { cloud, cluster } = world
    pool = go.poolOf(world, "g6-standard-2", 3)
    const nodes = await until("the nodes to join", async () => {
      const joined = await world.nodes()
      const ready = joined.filter(({ status }) => status?.conditions?.some(({ status: is, type }) => type === "Ready" && is === "True"))
      return ready.length === 3 && ready
    })
    // The third is one that it forgot.
    const options: ClaimOptions = { stage: "initialized", types: ["g6-standard-2", "g6-standard-4"] }
    await world.asAdmin(Effect.flatMap(Kube, (kube) => Effect.gen(function*() {
      const place = { cloud, cluster, kube }
      yield* go.claimFor(place, "default-x7k2p", pool.nodes[0], options)
      yield* go.claimFor(place, "default-9qwzt", pool.nodes[1], options)
      yield* go.wasHere(place)
    })))
    await world.apply([deployment("kept", { replicas: 6, nodeSelector: { [label.nodePool]: "default" } })])
    const before = (await world.running("kept", 6)).map(({ metadata }) => metadata.uid).toSorted()

    await world.start()
    await until("the claims to be taken over", async () => (await world.claims()).every(({ metadata }) =>
      metadata.annotations?.[annotation.lkeNode] !== undefined &&
      metadata.annotations[annotation.nodePoolHashVersion] === nodePoolHashVersion &&
      metadata.annotations[annotation.nodeClassHashVersion] === nodeClassHashVersion), 90)
    // One turn of everything that looks for something to take away.
    await new Promise((resume) => setTimeout(resume, 30_000))
    assert.deepStrictEqual(world.api.log.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`), [])
    assert.deepStrictEqual((await world.pods("kept")).map(({ metadata }) => metadata.uid).toSorted(), before)
    const claims = await world.claims()
    assert.deepStrictEqual(claims.map(({ metadata }) => metadata.name).toSorted(), ["default-9qwzt", "default-x7k2p"])
    assert.isTrue(claims.every(({ metadata, status }) => metadata.deletionTimestamp === undefined &&
      status?.conditions?.every(({ type }) => type !== "Drifted")))
    assert.deepStrictEqual((await world.nodes()).map(({ metadata }) => metadata.uid).toSorted(), nodes.map(({ metadata }) => metadata.uid).toSorted())
  })

  it("grows and shrinks", async () => {
    await world.kubectl("scale", "deployment", "kept", "--replicas", "8")
    await world.running("kept", 8)
    assert.strictEqual(world.cloud.pools.get(pool.id)?.count, 3, "its pools do not grow")
    await world.kubectl("delete", "deployment", "kept")
    // The forgotten one went to the claim that came for the new pods.
    await until("everything to be given back", async () => (await world.claims()).length === 0 && world.alive().length === 0, 150)
    assert.isFalse(world.cloud.pools.has(pool.id))
  })
})
