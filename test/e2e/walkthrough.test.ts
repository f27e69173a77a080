/** The walk-through that users follow, step by step, by kubectl and helm. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { until } from "./support/cli.ts"
import type { Running } from "./support/controllerProcess.ts"
import type { Node } from "../../src/kube/objects.ts"
import { namespace, openWorld, token } from "./support/world.ts"
import type { World } from "./support/world.ts"

describe("the walk-through", () => {
  let world: World
  let controller: Running
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(async () => {
    await world.close()
  })

  it("installs both charts with helm, word for word", async () => {
    await world.install()
    const pods = await world.kubectl("get", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=karpenter", "-o", "jsonpath={.items[*].spec.containers[*].name}")
    assert.include(pods.split(" "), "controller")
    controller = await world.start()
  })

  it("applies the examples and accepts them", async () => {
    await world.kubectl("apply", "-f", "examples/v1")
    await world.kubectl("wait", "--for=condition=Ready", "linodenodeclass/default", "nodepool/default", "--timeout=30s")
    assert.include(await world.kubectl("get", "lnc", "default"), "True")
  })

  it("brings nodes when inflate is scaled to 5, and 5 pods run on them", async () => {
    await world.kubectl("scale", "deployment", "inflate", "--replicas", "5")
    const pods = await world.running("inflate", 5)
    const ours = (await world.nodes()).map((node) => node.metadata.name)
    assert.isTrue(pods.every((pod) => ours.includes(pod.spec.nodeName ?? "")))
    await world.kubectl("wait", "--for=condition=Ready", "nodeclaims", "--all", "--timeout=60s")
    assert.strictEqual(world.alive().length, ours.length)
    for (const node of await world.nodes()) {
      assert.match(node.metadata.name, new RegExp(`^lke${world.cluster.id}-`))
      assert.match(node.spec?.providerID ?? "", /^linode:\/\/\d+$/)
      assert.strictEqual(node.metadata.labels?.["topology.kubernetes.io/zone"], "us-ord")
      assert.strictEqual(node.metadata.labels?.["karpenter.sh/registered"], "true")
    }
  })

  it("logs what it does as JSON lines with Karpenter's fields", () => {
    const launched = controller.lines().find((line) => line.message === "launched nodeclaim")
    assert.isDefined(launched, controller.output())
    for (const field of ["level", "time", "logger", "message", "commit", "controller", "controllerGroup", "controllerKind", "namespace", "name", "reconcileID", "NodeClaim"]) {
      assert.property(launched, field)
    }
    assert.notInclude(controller.output(), token)
  })

  it("drains and gives back a node that the user deletes, and leaves foreign nodes to Kubernetes", async () => {
    const victim = (await world.nodes())[0]!.metadata.name
    await world.kubectl("delete", "node", victim, "--timeout=120s")
    assert.isFalse(world.alive().some(({ node }) => node === victim))
    await world.running("inflate", 5)
    const foreign = (await world.get<Node>("nodes", "-l", "!karpenter.sh/nodepool"))[0]!
    assert.isUndefined(foreign.metadata.finalizers)
  })

  it("drains and gives back the node of a NodeClaim that the user deletes", async () => {
    const claim = (await until("a claim with a node", async () =>
      (await world.claims()).find((each) => each.metadata.deletionTimestamp === undefined && each.status?.nodeName !== undefined)))
    await world.kubectl("delete", "nodeclaim", claim.metadata.name, "--timeout=120s")
    assert.isFalse(world.alive().some(({ node }) => node === claim.status?.nodeName))
    await world.running("inflate", 5)
  })

  it("gives every node back when the deployment is deleted", async () => {
    await world.kubectl("delete", "deployment", "inflate")
    await until("every Linode to be given back", async () => world.alive().length === 0 && (await world.claims()).length === 0, 150)
    await until("the nodes to go", async () => (await world.nodes()).length === 0)
  })

  it("leaves CRDs and NodePools behind when the controller's chart is uninstalled", async () => {
    await controller.stop()
    await world.helm("uninstall", "karpenter", "-n", namespace)
    assert.include(await world.kubectl("get", "crds", "-o", "name"), "nodeclaims.karpenter.sh")
    assert.include(await world.kubectl("get", "nodepools", "-o", "name"), "default")
  })
})
