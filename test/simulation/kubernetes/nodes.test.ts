/** Linodes by themselves in the lives: they join as their user data says, or never. */
import { assert, beforeAll, it } from "@effect/vitest"
import type { Secret } from "../../../src/kube/objects.ts"
import { ConfigMaps, Nodes, Secrets } from "../../../src/kube/resources.ts"
import { clusterInfo } from "../../support/clusterAuthority.ts"
import { kubeadm, machineLabel, tokenSecret } from "../../support/ownMachine.ts"
import { readGround } from "../ground.ts"
import type { Ground } from "../life.ts"
import { minute, region, Stage } from "../stage.ts"
import { NodeLife } from "./nodes.ts"

let ground: Ground
beforeAll(async () => {
  ground = await readGround("instance")
})

const begin = (secret: Secret, userData = kubeadm()) => {
  const stage = new Stage({ mode: "instance", seed: 7, types: ground.types, regions: ground.regions, invariants: [] })
  const nodes = new NodeLife(stage, 0)
  stage.server.create(ConfigMaps, clusterInfo())
  stage.server.create(Secrets, secret)
  const instance = stage.act({ by: "controller" }, () => stage.cloud.createInstance({
    label: machineLabel, type: "g6-standard-2", region, image: "linode/ubuntu24.04", root_pass: "Very-Secret-1",
    metadata: { user_data: Buffer.from(userData).toString("base64") }
  }))
  const pass = (minutes: number) => {
    const until = stage.now + minutes * minute
    stage.after(minutes * minute, () => {})
    return stage.time.pass(() => stage.now >= until)
  }
  const node = () => stage.get(Nodes, { name: machineLabel })
  return { stage, nodes, instance, pass, node }
}

const good = () => tokenSecret({ expiration: "2126-01-01T00:00:00Z" })
const ready = (is: string) => (one: { readonly status?: { readonly conditions?: ReadonlyArray<{ readonly status: string }> } } | undefined) =>
  assert.strictEqual(one?.status?.conditions?.[0]?.status, is)

it("a machine joins with what its user data says, and its node goes when it is deleted", async () => {
  const { instance, node, pass, stage } = begin(good())
  await pass(5)
  ready("True")(node())
  assert.strictEqual(node()?.spec?.providerID, `linode://${instance.id}`)
  assert.strictEqual(node()?.metadata.labels?.["karpenter.sh/nodepool"], "default")
  assert.deepStrictEqual(node()?.spec?.taints, [{ key: "karpenter.sh/unregistered", effect: "NoExecute" }])
  stage.act({ by: "user" }, () => stage.cloud.deleteInstance(instance))
  await pass(5)
  assert.isUndefined(node())
})

it("a machine that was switched off comes back, though its token is gone, also when its node was deleted", async () => {
  const { instance, node, pass, stage } = begin(good())
  await pass(5)
  stage.server.delete(Secrets, { namespace: "kube-system", name: "bootstrap-token-abcdef" })
  for (const deleted of [false, true]) {
    stage.act({ by: "user" }, () => stage.cloud.power.shutDown(instance))
    await pass(5)
    ready("Unknown")(node())
    if (deleted) stage.server.delete(Nodes, { name: machineLabel })
    stage.act({ by: "user" }, () => stage.cloud.power.boot(instance))
    await pass(5)
    ready("True")(node())
  }
})

it("a machine whose token the cluster does not take never joins, and the trace says why", async () => {
  const { node, pass, stage } = begin(tokenSecret({ expiration: "2001-01-01T00:00:00Z" }))
  await pass(30)
  assert.isUndefined(node())
  assert.isTrue(stage.record.lines.some(({ text }) => text.includes("does not join: the token abcdef expired")))
})
