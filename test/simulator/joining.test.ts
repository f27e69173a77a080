/** Linodes by themselves become nodes of the cluster that lets them in, and of no other. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import { Kube } from "../../src/kube/kube.ts"
import { layer as memoryLayer } from "../../src/kube/memory/layer.ts"
import type { ConfigMap, Secret } from "../../src/kube/objects.ts"
import { ConfigMaps, Nodes, Secrets } from "../../src/kube/resources.ts"
import { joining, type JoiningOptions } from "../../src/simulator/kubernetes/joining.ts"
import { layer as simulatorLayer, LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import { clusterInfo, rootCertificate, rootKeyHash } from "../support/clusterAuthority.ts"
import { k3s, kubeadm, machineLabel as label, tokenSecret } from "../support/ownMachine.ts"

const delays = { boot: [1_000, 1_000], run: [1_000, 1_000], join: [8_000, 8_000], vanish: [2_000, 2_000] } as const

interface World {
  readonly userData?: string
  readonly secret?: Secret | undefined
  readonly info?: ReadonlyArray<ConfigMap>
  readonly joining?: Partial<JoiningOptions>
}

/** Buys a machine in a cluster that has a token, 10 s before it runs its user data. */
const begin = Effect.fnUntraced(function*(world: World = {}) {
  const { cloud } = yield* LinodeSimulator
  const kube = yield* Kube
  const { info = [clusterInfo(), rootCertificate()], secret = tokenSecret(), userData = kubeadm() } = world
  for (const one of info) yield* kube.create(ConfigMaps, one)
  if (!("secret" in world) || world.secret !== undefined) yield* kube.create(Secrets, secret)
  yield* Effect.forkScoped(joining({ cloud, ...world.joining }))
  yield* TestClock.adjust(1)
  return cloud.createInstance({
    label, type: "g6-standard-2", region: "us-ord", image: "linode/ubuntu24.04", root_pass: "Very-Secret-1",
    metadata: { user_data: Buffer.from(userData).toString("base64") }
  })
})

const node = Effect.flatMap(Kube, (kube) => Effect.map(kube.list(Nodes), ({ items }) => items[0]))
const readyOf = (one: { readonly status?: { readonly conditions?: ReadonlyArray<{ readonly status: string }> } } | undefined) => one?.status?.conditions?.[0]?.status
const keys = (one: { readonly spec?: { readonly taints?: ReadonlyArray<{ readonly key: string }> } } | undefined) => one?.spec?.taints?.map(({ key }) => key)

const run = <A, E>(test: Effect.Effect<A, E, Kube | LinodeSimulator | Scope.Scope>) =>
  Effect.scoped(test).pipe(Effect.provide(Layer.mergeAll(memoryLayer, simulatorLayer({ delays }))))

describe("a Linode by itself", () => {
  for (const [name, userData] of [["kubeadm", kubeadm()], ["k3s", k3s()]] as const) {
    it.effect(`joins by ${name} with labels, taints and provider id from its first second, and is ready a little later`, () => run(Effect.gen(function*() {
      const { id } = yield* begin({ userData })
      yield* TestClock.adjust("9998 millis")
      assert.isUndefined(yield* node)
      yield* TestClock.adjust("3 millis")
      const first = yield* node
      assert.strictEqual(first?.metadata.name, label)
      assert.containsSubset(first?.metadata.labels, { "karpenter.sh/nodepool": "default", "kubernetes.io/hostname": label })
      assert.deepStrictEqual(keys(first), ["node.cloudprovider.kubernetes.io/uninitialized", "node.kubernetes.io/not-ready", "karpenter.sh/unregistered"])
      assert.strictEqual(first?.spec?.providerID, `linode://${id}`)
      assert.strictEqual(readyOf(first), "False")
      yield* TestClock.adjust("8 seconds")
      const last = yield* node
      assert.deepStrictEqual([readyOf(last), keys(last)], ["True", ["karpenter.sh/unregistered"]])
      assert.strictEqual(last?.metadata.labels?.["topology.kubernetes.io/region"], "us-ord")
    })))
  }

  const strangers: ReadonlyArray<readonly [string, World]> = [
    ["whose token is unknown", { secret: undefined }],
    ["whose token has another secret", { secret: tokenSecret({ "token-secret": "fedcba9876543210" }) }],
    ["whose token has expired", { secret: tokenSecret({ expiration: "1970-01-01T00:00:05Z" }) }],
    ["whose token ends at no time that can be read", { secret: tokenSecret({ expiration: "soon" }) }],
    ["whose token is not for authentication", { secret: tokenSecret({ "usage-bootstrap-authentication": "false" }) }],
    ["whose token signs nothing", { secret: tokenSecret({ "usage-bootstrap-signing": "" }) }],
    ["whose token is in no group", { secret: tokenSecret({ "auth-extra-groups": "" }) }],
    ["whose token is no bootstrap token", { secret: tokenSecret({}, "Opaque") }],
    ["of a cluster that publishes nothing", { info: [] }],
    ["of a cluster that publishes no certificate", { info: [clusterInfo("https://192.0.2.10:6443", "none")] }],
    ["that trusts another authority", { userData: kubeadm(`sha256:${"0".repeat(64)}`) }],
    ["that trusts another k3s", { userData: k3s("0".repeat(64)) }],
    ["without a way to join", { userData: "#cloud-config\n" }]
  ]
  for (const [name, world] of strangers) {
    it.effect(`${name} never joins`, () => run(Effect.gen(function*() {
      yield* begin(world)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(yield* node)
    })))
  }

  it.effect("without a cloud controller manager is ready by its provider id, unless it waits for one", () => run(Effect.gen(function*() {
    const { id } = yield* begin({ userData: kubeadm(rootKeyHash, false), joining: { cloudController: false } })
    yield* TestClock.adjust("1 minute")
    const one = yield* node
    assert.deepStrictEqual([one?.spec?.providerID, readyOf(one), keys(one)], [`linode://${id}`, "True", ["karpenter.sh/unregistered"]])
  })))

  it.effect("that waits for a cloud controller manager stays tainted without one", () => run(Effect.gen(function*() {
    yield* begin({ joining: { cloudController: false } })
    yield* TestClock.adjust("1 hour")
    assert.deepStrictEqual(keys(yield* node), ["node.cloudprovider.kubernetes.io/uninitialized", "karpenter.sh/unregistered"])
  })))

  it.effect("that is deleted takes its node with it", () => run(Effect.gen(function*() {
    const { cloud } = yield* LinodeSimulator
    const instance = yield* begin()
    yield* TestClock.adjust("1 minute")
    cloud.deleteInstance(instance)
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(readyOf(yield* node), "Unknown")
    yield* TestClock.adjust("10 seconds")
    assert.isUndefined(yield* node)
  })))

  it.effect("that is switched off and on again comes back without a token, also when its node was deleted", () => run(Effect.gen(function*() {
    const { cloud } = yield* LinodeSimulator
    const kube = yield* Kube
    const instance = yield* begin()
    yield* TestClock.adjust("1 minute")
    yield* kube.delete(Secrets, { namespace: "kube-system", name: "bootstrap-token-abcdef" })
    for (const deleted of [false, true]) {
      cloud.power.shutDown(instance)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(readyOf(yield* node), "Unknown")
      if (deleted) yield* kube.delete(Nodes, { name: label })
      cloud.power.boot(instance)
      yield* TestClock.adjust("1 minute")
      const back = yield* node
      assert.deepStrictEqual([readyOf(back), back?.spec?.providerID], ["True", `linode://${instance.id}`])
    }
    assert.isAbove(yield* Clock.currentTimeMillis, 300_000)
  })))
})
