/** From a claim to a node: the user data that is made for a machine is what makes it join, as machines read it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { label } from "../../src/apis/labels.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { layer as bootstrapLayer } from "../../src/cloud/instance/bootstrap/layer.ts"
import * as instanceCluster from "../../src/cloud/instance/cluster.ts"
import * as instance from "../../src/cloud/instance/layer.ts"
import * as cacheLayer from "../../src/kube/cacheLayer.ts"
import { Kube } from "../../src/kube/kube.ts"
import { MemoryApiServer } from "../../src/kube/memory/layer.ts"
import { ConfigMaps, Nodes } from "../../src/kube/resources.ts"
import type { SettingsShape } from "../../src/settings/settings.ts"
import { joining } from "../../src/simulator/kubernetes/joining.ts"
import { readUserData } from "../../src/simulator/kubernetes/userData.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import { clusterInfo, rootCertificate, rootFileHash, rootKeyHash } from "../support/clusterAuthority.ts"
import { addClaims, type ClaimOptions, duringWith, outside, pass, play, region, setUp } from "./instanceWorld.ts"
import { settings } from "./lkeWorld.ts"

const program = (over: Partial<SettingsShape>) => instance.layer.pipe(
  Layer.provideMerge(instanceCluster.layer),
  Layer.provideMerge(bootstrapLayer),
  Layer.provideMerge(cacheLayer.layer),
  Layer.provideMerge(settings({ clusterRegion: region, mode: "instance", ...over })),
  Layer.provide(Layer.succeed(SecureRandom.SecureRandom, SecureRandom.make((size) => crypto.getRandomValues(new Uint8Array(size))))),
  Layer.fresh
)

interface Case {
  readonly version: string
  readonly settings: Partial<SettingsShape>
  readonly spec?: LinodeNodeClass["spec"]
}

const bought = Effect.map(LinodeSimulator, ({ cloud }) => [...cloud.instances.values()].at(-1)!)

/** Buys a machine for a claim; everything that joins machines is there. */
const launch = Effect.fnUntraced(function*({ settings: over, spec, version }: Case, options: ClaimOptions = {}) {
  const { server } = yield* MemoryApiServer
  const { cloud } = yield* LinodeSimulator
  server.kubernetesVersion = version
  server.create(ConfigMaps, clusterInfo())
  server.create(ConfigMaps, rootCertificate())
  yield* setUp(spec)
  const [claim] = yield* addClaims(["general-a"], options)
  yield* Effect.forkScoped(joining({ cloud }))
  return yield* duringWith(program(over))((provider) => play(provider.create(claim!)))
})

const nodes = Effect.flatMap(Kube, (kube) => Effect.map(kube.list(Nodes), ({ items }) => items))

const k3s: Partial<SettingsShape> = { bootstrap: "k3s", clusterEndpoint: "198.51.100.7:6443" }
const kubelet = { maxPods: 42, clusterDNS: ["10.0.0.10"], evictionHard: { "memory.available": "5%" } }
const kubeadmTemplate = `#!/bin/bash
# {{ karpenter.clusterName }} {{ karpenter.kubernetesVersion }}
kubeadm join {{ karpenter.clusterEndpoint }} --token {{ karpenter.token }} --discovery-token-ca-cert-hash {{ karpenter.caCertHash }}
`
const k3sTemplate = `## template: jinja
#cloud-config
hostname: {{ karpenter.nodeName }}
write_files:
  - path: /etc/rancher/k3s/config.yaml
    content: |
      server: {{ karpenter.clusterEndpoint }}
      token: {{ karpenter.token }}
      kubelet-arg: ["provider-id=linode://{{ ds.meta_data.id }}", "node-labels={{ karpenter.labels }}", "register-with-taints={{ karpenter.taints }}"]
runcmd:
  - curl -sfL https://get.k3s.io | INSTALL_K3S_VERSION={{ karpenter.kubernetesVersion }} sh -s - agent
`

const cases: ReadonlyArray<readonly [string, Case]> = [
  ["kubeadm", { version: "v1.36.3", settings: {} }],
  ["kubeadm before its arguments were a list", { version: "v1.30.2", settings: {} }],
  ["kubeadm at an address that was given", { version: "v1.36.3", settings: { clusterEndpoint: "api.example.com:443" } }],
  ["kubeadm with settings of the kubelet", { version: "v1.36.3", settings: {}, spec: { kubelet } }],
  ["k3s", { version: "v1.34.1+k3s1", settings: k3s }],
  ["k3s with settings of the kubelet", { version: "v1.34.1+k3s1", settings: k3s, spec: { kubelet } }],
  ["the user's own words for k3s", { version: "v1.34.1+k3s1", settings: k3s, spec: { userData: k3sTemplate } }]
]

describe("a machine that is bought for a claim joins", () => {
  const options: ClaimOptions = {
    labels: { team: "a", "example.com/zone": "x.y_z", "kubernetes.io/reserved": "no", "node-restriction.kubernetes.io/a": "no" },
    taints: [{ key: "dedicated", value: "a", effect: "NoSchedule" }, { key: "example.com/gpu", effect: "NoExecute" }]
  }
  for (const [name, one] of cases) {
    it.effect(`by ${name}, with its labels, taints and provider id`, () => Effect.scoped(Effect.gen(function*() {
      const machine = yield* launch(one, options)
      yield* pass("10 minutes")
      const [node, ...others] = yield* nodes
      assert.isEmpty(others)
      assert.strictEqual(node?.metadata.name, machine.nodeName)
      assert.strictEqual(node?.spec?.providerID, machine.providerID)
      assert.include(node?.metadata.labels, { team: "a", "example.com/zone": "x.y_z", [label.nodePool]: "general" })
      assert.notProperty(node?.metadata.labels, "kubernetes.io/reserved")
      assert.deepStrictEqual(node?.spec?.taints, [
        { key: "dedicated", value: "a", effect: "NoSchedule" }, { key: "example.com/gpu", effect: "NoExecute" },
        { key: "karpenter.sh/unregistered", effect: "NoExecute" }
      ])
      assert.strictEqual(node?.status?.conditions?.find(({ type }) => type === "Ready")?.status, "True")
      assert.strictEqual(node?.status?.capacity?.["pods"], one.spec?.kubelet === undefined ? "110" : "42")
    })).pipe(Effect.provide(outside())))
  }

  it.effect("by the user's own words for kubeadm, as far as they go", () => Effect.scoped(Effect.gen(function*() {
    const machine = yield* launch({ version: "v1.36.3", settings: {}, spec: { userData: kubeadmTemplate } }, options)
    yield* pass("10 minutes")
    assert.deepStrictEqual((yield* nodes).map(({ metadata }) => metadata.name), [machine.nodeName])
  })).pipe(Effect.provide(outside())))
})

describe("user data", () => {
  const joinOf = Effect.fnUntraced(function*(one: Case) {
    yield* launch(one)
    const made = yield* bought
    const read = readUserData(made.userData, made)
    return Result.isSuccess(read) ? read.success : assert.fail(read.failure)
  })

  it.effect("names the cluster's address and authority for kubeadm", () => Effect.scoped(Effect.gen(function*() {
    assert.deepInclude(yield* joinOf({ version: "v1.36.3", settings: {} }), { endpoint: "192.0.2.10:6443", caHashes: [rootKeyHash] })
  })).pipe(Effect.provide(outside())))

  it.effect("names the cluster's address and authority for k3s", () => Effect.scoped(Effect.gen(function*() {
    assert.deepInclude(yield* joinOf({ version: "v1.34.1+k3s1", settings: k3s }), { endpoint: "198.51.100.7:6443", caHashes: [rootFileHash] })
  })).pipe(Effect.provide(outside())))

  it.effect("lets no machine in that boots after half an hour", () => Effect.scoped(Effect.gen(function*() {
    const { cloud } = yield* LinodeSimulator
    cloud.delays = { ...cloud.delays, join: [31 * 60_000, 31 * 60_000] }
    yield* launch({ version: "v1.36.3", settings: {} })
    yield* TestClock.adjust("1 hour")
    assert.isEmpty(yield* nodes)
  })).pipe(Effect.provide(outside())))

  it.effect("lets no machine in whose claim is gone", () => Effect.scoped(Effect.gen(function*() {
    yield* launch({ version: "v1.36.3", settings: {} })
    const kube = yield* Kube
    yield* kube.patch(NodeClaims, { name: "general-a" }, { metadata: { finalizers: null } }, { kind: "merge" })
    yield* kube.delete(NodeClaims, { name: "general-a" })
    yield* pass("1 hour")
    assert.isEmpty(yield* nodes)
  })).pipe(Effect.provide(outside())))
})
