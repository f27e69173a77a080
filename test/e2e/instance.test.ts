/** Instance mode on a real API server: Linodes of their own, which join by the user data that they were given. */
import { afterAll, assert, beforeAll, describe, inject, it } from "vitest"
import type { Secret } from "../../src/kube/objects.ts"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { clusterInfo } from "../support/clusterAuthority.ts"
import { until } from "./support/cli.ts"
import type { Running } from "./support/controllerProcess.ts"
import { namespace, openWorld, token } from "./support/world.ts"
import type { World } from "./support/world.ts"

describe("instance mode", () => {
  let world: World
  let controller: Running
  beforeAll(async () => {
    world = await openWorld({ mode: "instance" })
  })
  afterAll(async () => {
    await world.kubectl("delete", "configmap", "cluster-info", "-n", "kube-public", "--ignore-not-found")
    await world.close()
  })

  const secrets = async () => (await world.get<Secret>("secrets", "-n", namespace)).filter(({ type }) => type === "bootstrap.kubernetes.io/token")

  it("is a value of the chart", async () => {
    const { dir, server } = inject("kubernetes")
    // What kubeadm leaves in every cluster for those who are to join it.
    await world.apply([clusterInfo(server, readFileSync(join(dir, "certs", "apiserver.crt"), "utf8"))])
    await world.install()
    controller = await world.start()
    await world.kubectl("apply", "-f", "examples/v1")
    await world.kubectl("wait", "--for=condition=Ready", "linodenodeclass/default", "nodepool/default", "--timeout=30s")
  })

  it("brings Linodes that join as nodes of their own name, and 5 pods run on them", async () => {
    await world.kubectl("scale", "deployment", "inflate", "--replicas", "5")
    const pods = await world.running("inflate", 5)
    await world.kubectl("wait", "--for=condition=Ready", "nodeclaims", "--all", "--timeout=60s")
    const nodes = await world.nodes()
    assert.isTrue(pods.every((pod) => nodes.some(({ metadata }) => metadata.name === pod.spec.nodeName)))
    assert.sameMembers(world.alive().map(({ node }) => node), nodes.map(({ metadata }) => metadata.name))
    for (const { metadata, spec } of nodes) {
      const linode = [...world.cloud.instances.values()].find(({ label }) => label === metadata.name)!
      assert.strictEqual(spec?.providerID, `linode://${linode.id}`)
      assert.include(linode.tags, "karpenter.sh/nodepool=default")
      assert.deepStrictEqual(spec?.taints ?? [], [], "the unregistered taint has gone")
    }
  })

  it("gives each a token of its own, which ends with its claim and is never told", async () => {
    const claims = await world.claims()
    const made = await secrets()
    for (const { metadata: { name, uid } } of claims) {
      const own = made.find(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
      assert.isDefined(own, name)
      assert.isDefined(own!.data?.["expiration"])
      assert.notInclude(controller.output(), Buffer.from(own!.data!["token-secret"]!, "base64").toString())
    }
    assert.notInclude(controller.output(), token)
  })

  it("drains and gives back the Linode of a NodeClaim that the user deletes", async () => {
    const [claim] = await world.claims()
    await world.kubectl("delete", "nodeclaim", claim!.metadata.name, "--timeout=120s")
    assert.isFalse(world.alive().some(({ node }) => node === claim!.status?.nodeName))
    await world.running("inflate", 5)
    await until("its token to go", async () => (await secrets()).every(({ metadata }) =>
      metadata.ownerReferences?.every(({ uid }) => uid !== claim!.metadata.uid) === true))
  })

  it("buys no second Linode after it was killed between buying and recording", async () => {
    await world.kubectl("delete", "deployment", "inflate")
    await until("every Linode to be given back", async () => world.alive().length === 0 && (await world.claims()).length === 0, 150)
    const before = world.bought().length
    world.api.faults.on("POST /linode/instances", { kind: "hung" })
    await world.kubectl("apply", "-f", "examples/v1/inflate.yaml")
    await world.kubectl("scale", "deployment", "inflate", "--replicas", "1")
    await until("the order", async () => world.bought().length > before)
    await controller.kill()
    world.api.faults.clear()
    controller = await world.start()
    await world.running("inflate", 1, 120)
    assert.strictEqual(world.bought().length, before + 1)
    assert.strictEqual(world.alive().length, (await world.claims()).length)
  })

  it("leaves a Linode alone that only looks like ours, and gives every one of ours back", async () => {
    const stranger = world.cloud.addInstance({
      label: "default-abcde-0123456789ab", type: "g6-standard-1", region: "us-ord",
      tags: [`kubernetes.io/cluster/${world.cluster.label}=owned`, "karpenter.sh/nodepool=default"]
    })
    await world.giveBack(150)
    assert.isTrue(world.cloud.instances.has(stranger.id))
  })
})
