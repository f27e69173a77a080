/** How a Linode joins: the user data that is made for it, and the token in it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { load } from "js-yaml"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { crds } from "../../src/apis/crds.ts"
import { unregisteredTaint } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { Bootstrap } from "../../src/cloud/instance/bootstrap.ts"
import type { Launch } from "../../src/cloud/instance/bootstrap.ts"
import { certificatesIn, k3sHash, publicKeyHash } from "../../src/cloud/instance/bootstrap/certificates.ts"
import { mayLabel } from "../../src/cloud/instance/bootstrap/kubelet.ts"
import { layer as bootstrapLayer } from "../../src/cloud/instance/bootstrap/layer.ts"
import { templateNames, userDataIssue } from "../../src/cloud/instance/bootstrap/template.ts"
import { Kube } from "../../src/kube/kube.ts"
import { KubeError, Invalid } from "../../src/kube/kubeError.ts"
import { layerWith, MemoryApiServer } from "../../src/kube/memory/layer.ts"
import type { ConfigMap, Secret } from "../../src/kube/objects.ts"
import { ConfigMaps, Secrets } from "../../src/kube/resources.ts"
import { readUserData } from "../../src/simulator/kubernetes/userData.ts"
import * as settings from "../../src/settings/load.ts"
import { clusterInfo, intermediatePem, rootCertificate, rootDerHash, rootFileHash, rootKeyHash, rootPem } from "../support/clusterAuthority.ts"

/** Random bytes that are none: the tests go by what is written with them. */
const counted = (first = 0): Layer.Layer<SecureRandom.SecureRandom> => {
  let next = first
  return Layer.succeed(SecureRandom.SecureRandom, SecureRandom.make((size) => Uint8Array.from({ length: size }, () => next++ % 251)))
}

interface World {
  readonly env?: Readonly<Record<string, string>>
  readonly version?: string
  readonly published?: ReadonlyArray<ConfigMap>
  readonly now?: string
}

const k3s = { BOOTSTRAP: "k3s", CLUSTER_ENDPOINT: "https://198.51.100.7:6443" }

/** A process of its own, whose random numbers begin as every other's. */
const another = (env: Readonly<Record<string, string>> = {}) => Layer.fresh(bootstrapLayer).pipe(
  Layer.provide(settings.layer({
    args: [], env: { CLUSTER_NAME: "prod", LINODE_TOKEN: "t", KARPENTER_MODE: "instance", CLUSTER_REGION: "us-ord", ...env }
  })),
  Layer.provide(counted())
)

const inWorld = (
  { env = {}, version = "v1.36.3", published = [clusterInfo(), rootCertificate()], now = "2026-05-04T03:02:01.500Z" }: World = {}
) =>
  <A, E>(test: Effect.Effect<A, E, Kube | MemoryApiServer | Bootstrap>) => Effect.gen(function*() {
    const { server } = yield* MemoryApiServer
    server.kubernetesVersion = version
    for (const configMap of published) server.create(ConfigMaps, configMap)
    return yield* test.pipe(Effect.provide(another(env)))
    // The server begins at that moment: it does something every minute.
  }).pipe(Effect.provide(layerWith({ crds }).pipe(Layer.provideMerge(Layer.effectDiscard(TestClock.setTime(Date.parse(now)))))))

const nodeClass = (spec: LinodeNodeClass["spec"] = {}): LinodeNodeClass => ({ metadata: { name: "default" }, spec })

const claimed = Effect.map(MemoryApiServer, ({ server }) => server.create(NodeClaims, {
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: { name: "default-abc12" },
  spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" } }
} as NodeClaim) as unknown as NodeClaim)

const launched = Effect.fnUntraced(function*(over: Partial<Launch> = {}) {
  const launch: Launch = {
    claim: yield* claimed,
    nodeClass: nodeClass(),
    nodeName: "default-abc12-0123abcd",
    labels: { "karpenter.sh/nodepool": "default", team: "a" },
    taints: [unregisteredTaint],
    ...over
  }
  const bootstrap = yield* Bootstrap
  return Redacted.value(yield* bootstrap.userData(launch))
})

const refused = (over: Partial<Launch> = {}) => Effect.flip(launched(over))

interface Document {
  readonly hostname: string
  readonly write_files: ReadonlyArray<{ readonly path: string; readonly content: string; readonly permissions: string }>
  readonly runcmd: ReadonlyArray<ReadonlyArray<string>>
}

/** As cloud-init reads it on the Linode with id 4711. */
const booted = (userData: string): Document => {
  const lines = userData.split("\n")
  assert.deepStrictEqual(lines.slice(0, 2), ["## template: jinja", "#cloud-config"])
  const rendered = userData.replaceAll("{{ ds.meta_data.id }}", "4711").replaceAll("{{ '{' }}", "{")
  return load(rendered) as Document
}

const file = (document: Document, path: string): string => {
  const found = document.write_files.find((each) => each.path === path)
  if (found === undefined) assert.fail(`no file ${path}`)
  return found.content
}

interface Join {
  readonly apiVersion: string
  readonly discovery: { readonly bootstrapToken: { readonly token: string; readonly apiServerEndpoint: string; readonly caCertHashes: ReadonlyArray<string> } }
  readonly nodeRegistration: {
    readonly name: string
    readonly taints: ReadonlyArray<unknown>
    readonly kubeletExtraArgs: ReadonlyArray<{ readonly name: string; readonly value: string }> | Readonly<Record<string, string>>
  }
  readonly patches?: { readonly directory: string }
}

const joinOf = (userData: string): Join => load(file(booted(userData), "/var/lib/karpenter/join.yaml")) as Join

const tokens = Effect.map(MemoryApiServer, ({ server }) =>
  server.list(Secrets, { namespace: "kube-system" }).items as unknown as ReadonlyArray<Secret>)

const decoded = (secret: Secret): Record<string, string> =>
  Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]))

describe("the token of a launch", () => {
  it.effect("is a Secret that the API server takes for half an hour, owned by the claim", () => inWorld()(Effect.gen(function*() {
    const join = joinOf(yield* launched())
    const [secret, ...others] = yield* tokens
    assert.isEmpty(others)
    const [id, password] = join.discovery.bootstrapToken.token.split(".") as [string, string]
    assert.match(id, /^[a-z0-9]{6}$/)
    assert.match(password, /^[a-z0-9]{16}$/)
    const { metadata, type } = secret!
    assert.strictEqual(metadata.name, `bootstrap-token-${id}`)
    assert.strictEqual(type, "bootstrap.kubernetes.io/token")
    assert.deepStrictEqual(metadata.labels, { "karpenter.k8s.linode/nodeclaim": "default-abc12" })
    const kube = yield* Kube
    const { uid } = (yield* kube.get(NodeClaims, { name: "default-abc12" })).metadata
    assert.deepStrictEqual(metadata.ownerReferences, [{ apiVersion: "karpenter.sh/v1", kind: "NodeClaim", name: "default-abc12", uid: uid! }])
    assert.deepStrictEqual(decoded(secret!), {
      "token-id": id,
      "token-secret": password,
      expiration: "2026-05-04T03:32:01Z",
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
      description: "Made by Karpenter for NodeClaim default-abc12."
    })
  })))

  it.effect("is another one for each launch, valid from that launch on", () => inWorld()(Effect.gen(function*() {
    const bootstrap = yield* Bootstrap
    const claim = yield* claimed
    const launch: Launch = { claim, nodeClass: nodeClass(), nodeName: "n", labels: {}, taints: [] }
    yield* bootstrap.userData(launch)
    yield* TestClock.adjust("7 minutes")
    yield* bootstrap.userData(launch)
    const made = (yield* tokens).map(decoded)
    assert.strictEqual(new Set(made.map((each) => each["token-id"])).size, 2)
    assert.strictEqual(new Set(made.map((each) => each["token-secret"])).size, 2)
    assert.deepStrictEqual(made.map(({ expiration }) => expiration).toSorted(), ["2026-05-04T03:32:01Z", "2026-05-04T03:39:01Z"])
  })))

  it.effect("goes with its claim", () => inWorld()(Effect.gen(function*() {
    yield* launched()
    const kube = yield* Kube
    yield* kube.delete(NodeClaims, { name: "default-abc12" })
    assert.isEmpty(yield* tokens)
  })))

  it.effect("has another id where one is taken", () => inWorld()(Effect.gen(function*() {
    yield* launched()
    const [first] = yield* tokens
    const { server } = yield* MemoryApiServer
    const claim = (yield* (yield* Kube).get(NodeClaims, { name: "default-abc12" }))
    const launch: Launch = { claim, nodeClass: nodeClass(), nodeName: "n", labels: {}, taints: [] }
    yield* Bootstrap.use((bootstrap) => bootstrap.userData(launch)).pipe(Effect.provide(another()))
    const all = server.list(Secrets, { namespace: "kube-system" }).items
    assert.lengthOf(all, 2)
    assert.include(all.map(({ metadata }) => metadata.name), first!.metadata.name)
  })))

  it.effect("is in no error, though the server quotes it", () => inWorld()(Effect.gen(function*() {
    const kube = yield* Kube
    const sent: Array<string> = []
    const quoting = Kube.of({
      ...kube,
      create: (_, object) => Effect.suspend(() => {
        sent.push(...Object.values(decoded(object as Secret)), ...Object.values((object as Secret).data ?? {}))
        return Effect.fail(new KubeError({
          request: "POST /api/v1/namespaces/kube-system/secrets", status: 422, reason: new Invalid({ causes: [] }),
          detail: `bad: ${JSON.stringify(object)} ${decoded(object as Secret)["token-secret"]}`
        }))
      })
    })
    const launch: Launch = { claim: yield* claimed, nodeClass: nodeClass(), nodeName: "n", labels: {}, taints: [] }
    const error = yield* Effect.flip(Bootstrap.use((bootstrap) => bootstrap.userData(launch)).pipe(
      Effect.provide(another().pipe(Layer.provide(Layer.succeed(Kube, quoting))))
    ))
    const secret = sent[1]!
    assert.lengthOf(secret, 16)
    const text = error.message + JSON.stringify(error)
    assert.notInclude(text, secret)
    assert.notInclude(text, Buffer.from(secret).toString("base64"))
    assert.include(text, "<redacted>")
  })))
})

describe("a machine of a kubeadm cluster", () => {
  it.effect("is told where the cluster is, how to know it, and what to register as", () => inWorld()(Effect.gen(function*() {
    const userData = yield* launched({
      taints: [unregisteredTaint, { key: "team", value: "a", effect: "NoSchedule" }],
      labels: {
        "karpenter.sh/nodepool": "default", "topology.kubernetes.io/region": "us-ord", team: "a",
        "node-role.kubernetes.io/worker": "", "node-restriction.kubernetes.io/secret": "x", "app.k8s.io/name": "x"
      }
    })
    const document = booted(userData)
    assert.strictEqual(document.hostname, "default-abc12-0123abcd")
    const { apiVersion, discovery, nodeRegistration, patches } = joinOf(userData)
    assert.strictEqual(apiVersion, "kubeadm.k8s.io/v1beta4")
    assert.strictEqual(discovery.bootstrapToken.apiServerEndpoint, "192.0.2.10:6443")
    assert.deepStrictEqual(discovery.bootstrapToken.caCertHashes, [rootKeyHash])
    assert.strictEqual(nodeRegistration.name, "default-abc12-0123abcd")
    assert.deepStrictEqual(nodeRegistration.taints, [
      { key: "karpenter.sh/unregistered", effect: "NoExecute" }, { key: "team", value: "a", effect: "NoSchedule" }
    ])
    assert.deepStrictEqual(nodeRegistration.kubeletExtraArgs, [
      { name: "cloud-provider", value: "external" },
      { name: "provider-id", value: "linode://4711" },
      { name: "node-labels", value: "karpenter.sh/nodepool=default,team=a,topology.kubernetes.io/region=us-ord" }
    ])
    assert.isUndefined(patches)
  })))

  it.effect("gets the cluster's own version, and joins by the file, which only root can read", () =>
    inWorld({ version: "v1.34.5" })(Effect.gen(function*() {
      const document = booted(yield* launched())
      const [prepare, join] = document.runcmd
      assert.deepStrictEqual(prepare?.slice(2), ["1.34.5", "1.34"])
      assert.deepStrictEqual(join, ["kubeadm", "join", "--config", "/var/lib/karpenter/join.yaml"])
      assert.strictEqual(document.write_files.find(({ path }) => path === join?.at(-1))?.permissions, "0600")
      assert.isDefined(document.write_files.find(({ path }) => path === prepare?.[1]))
    })))

  it.effect("of a release before 1.31 is told in kubeadm's older words", () => inWorld({ version: "v1.30.9" })(Effect.gen(function*() {
    const { apiVersion, nodeRegistration } = joinOf(yield* launched({ labels: {} }))
    assert.strictEqual(apiVersion, "kubeadm.k8s.io/v1beta3")
    assert.deepStrictEqual(nodeRegistration.kubeletExtraArgs, { "cloud-provider": "external", "provider-id": "linode://4711" })
  })))

  it.effect("has the kubelet settings of its class", () => inWorld()(Effect.gen(function*() {
    const kubelet: LinodeNodeClass["spec"]["kubelet"] = {
      clusterDNS: ["10.96.0.10"], maxPods: 50, podsPerCore: 0, cpuCFSQuota: false, systemReserved: { cpu: "100m" }, kubeReserved: {},
      evictionHard: { "memory.available": "5%" }, evictionSoft: { "nodefs.available": "10%" },
      evictionSoftGracePeriod: { "nodefs.available": "1m30s" }, evictionMaxPodGracePeriod: 60
    }
    const userData = yield* launched({ nodeClass: nodeClass({ kubelet }) })
    const directory = joinOf(userData).patches?.directory
    const { kubeReserved: _, ...given } = kubelet
    assert.deepStrictEqual(load(file(booted(userData), `${directory}/kubeletconfiguration+merge.yaml`)), {
      apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", ...given
    })
  })))

  it.effect("goes to the endpoint of the settings where they have one", () =>
    inWorld({ env: { CLUSTER_ENDPOINT: "k8s.example.com" } })(Effect.gen(function*() {
      assert.strictEqual(joinOf(yield* launched()).discovery.bootstrapToken.apiServerEndpoint, "k8s.example.com:6443")
    })))

  it.effect("trusts any certificate of a cluster that has several", () =>
    inWorld({ published: [clusterInfo("https://[2001:db8::1]:6443", intermediatePem + rootPem)] })(Effect.gen(function*() {
      const { apiServerEndpoint, caCertHashes } = joinOf(yield* launched()).discovery.bootstrapToken
      assert.strictEqual(apiServerEndpoint, "[2001:db8::1]:6443")
      assert.lengthOf(caCertHashes, 2)
      assert.include(caCertHashes, rootKeyHash)
    })))
})

describe("a machine of a k3s cluster", () => {
  const world = { env: k3s, version: "v1.33.3+k3s1", published: [rootCertificate()] }

  it.effect("is an agent of the server's version, with all that it registers as", () => inWorld(world)(Effect.gen(function*() {
    const userData = yield* launched({
      taints: [unregisteredTaint, { key: "team", value: "a", effect: "NoSchedule" }],
      labels: { team: "a", "node-role.kubernetes.io/worker": "" },
      nodeClass: nodeClass({ kubelet: { maxPods: 50, clusterDNS: ["10.43.0.10", "10.43.0.11"], cpuCFSQuota: false, evictionHard: { "memory.available": "200Mi", "nodefs.available": "5%" }, systemReserved: { memory: "1Gi", cpu: "100m" } } })
    })
    const document = booted(userData)
    const { token, ...config } = load(file(document, "/etc/rancher/k3s/config.yaml")) as Record<string, unknown>
    const [secret] = (yield* tokens).map(decoded)
    assert.strictEqual(token, `K10${rootFileHash}::${secret?.["token-id"]}.${secret?.["token-secret"]}`)
    assert.strictEqual(secret?.["auth-extra-groups"], "system:bootstrappers:k3s:default-node-token")
    assert.deepStrictEqual(config, {
      server: "https://198.51.100.7:6443",
      "node-name": "default-abc12-0123abcd",
      "node-label": ["team=a"],
      "node-taint": ["karpenter.sh/unregistered:NoExecute", "team=a:NoSchedule"],
      "kubelet-arg": [
        "cloud-provider=external", "provider-id=linode://4711", "cluster-dns=10.43.0.10,10.43.0.11", "max-pods=50",
        "system-reserved=cpu=100m,memory=1Gi", "eviction-hard=memory.available<200Mi,nodefs.available<5%", "cpu-cfs-quota=false"
      ]
    })
    assert.includeMembers([...document.runcmd.at(-1) ?? []], ["INSTALL_K3S_VERSION=v1.33.3+k3s1", "INSTALL_K3S_EXEC=agent"])
    assert.strictEqual(document.write_files.find(({ path }) => path === "/etc/rancher/k3s/config.yaml")?.permissions, "0600")
  })))

  it("knows the cluster by k3s's own hash: of the file, or of the root of a chain", () => {
    assert.strictEqual(k3sHash(rootPem, certificatesIn(rootPem)!), rootFileHash)
    assert.strictEqual(k3sHash(intermediatePem + rootPem, certificatesIn(intermediatePem + rootPem)!), rootDerHash)
    assert.notInclude([rootFileHash, rootDerHash], k3sHash(rootPem + intermediatePem, certificatesIn(rootPem + intermediatePem)!))
    assert.strictEqual(publicKeyHash(certificatesIn(rootPem)![0]!), rootKeyHash)
  })
})

describe("user data of one's own", () => {
  const mine = "#!/bin/sh\n# {{ ds.meta_data.id }}\njoin {{ karpenter.clusterEndpoint }} {{karpenter.token}} {{- karpenter.caCertHash -}} {% if x %}\n" +
    "{{ karpenter.clusterName }} {{ karpenter.caBundle }} {{ karpenter.nodeName }} {{ karpenter.labels }} {{ karpenter.taints }} {{ karpenter.kubernetesVersion }}\n"

  it.effect("is sent as it is, with the names filled in", () => inWorld()(Effect.gen(function*() {
    const userData = yield* launched({ nodeClass: nodeClass({ userData: mine, kubelet: { maxPods: 1 } }) })
    const [secret] = (yield* tokens).map(decoded)
    assert.strictEqual(userData, [
      "#!/bin/sh",
      "# {{ ds.meta_data.id }}",
      `join 192.0.2.10:6443 ${secret?.["token-id"]}.${secret?.["token-secret"]} ${rootKeyHash} {% if x %}`,
      `prod ${Buffer.from(rootPem).toString("base64")} default-abc12-0123abcd karpenter.sh/nodepool=default,team=a ` +
        "karpenter.sh/unregistered:NoExecute v1.36.3",
      ""
    ].join("\n"))
  })))

  it.effect("speaks k3s's language for k3s, whatever the server calls itself", () =>
    inWorld({ env: k3s, version: "v1.33.3+custom" })(Effect.gen(function*() {
      const userData = yield* launched({ nodeClass: nodeClass({ userData: "{{ karpenter.clusterEndpoint }} {{ karpenter.token }}" }) })
      assert.match(userData, new RegExp(`^https://198\\.51\\.100\\.7:6443 K10${rootFileHash}::[a-z0-9]{6}\\.[a-z0-9]{16}$`))
    })))

  it.effect("is refused where it is longer than Linode takes", () => inWorld()(Effect.gen(function*() {
    const error = yield* refused({ nodeClass: nodeClass({ userData: `#!/bin/sh\n${"{{ karpenter.caBundle }}\n".repeat(600)}` }) })
    assert.match(error.message, /the user data has \d+ bytes, Linode takes 65535 at most/)
    assert.deepInclude(error.reason, { _tag: "CreateFailed", condition: "UserDataInvalid" })
    assert.deepStrictEqual((yield* (yield* Kube).list(Secrets)).items, [])
  })))

  it.each([
    ["", true], ["no names", true], ["{{ ds.meta_data.id }}", true], ["{{ karpenterish }}", true],
    ...templateNames.map((name) => [`{{ karpenter.${name} }}`, true] as const),
    ["{{karpenter.token}}", true],
    ["{{ karpenter.tokens }}", false], ["{{ karpenter.Token }}", false], ["{{ karpenter }}", false], ["{{ karpenter. }}", false],
    ["{{ karpenter.token | upper }}", false], ["{{ karpenter.token }", false], ["{{ karpenter.token", false], ["{{ karpenter.toString }}", false]
  ] as ReadonlyArray<readonly [string, boolean]>)("%j may be used: %s", (text, good) => {
    const issue = userDataIssue(text)
    assert.strictEqual(issue === undefined, good)
    if (issue !== undefined) assert.include(issue, "kubernetesVersion")
  })
})

describe("the examples of instance mode", () => {
  const folder = resolve(import.meta.dirname, "../../examples/instance")

  it.effect.each(readdirSync(folder))("%s makes a machine that joins", (name) => inWorld()(Effect.gen(function*() {
    const { server } = yield* MemoryApiServer
    const example = load(readFileSync(join(folder, name), "utf8")) as LinodeNodeClass
    const nodeClass = server.create(LinodeNodeClasses, example) as unknown as LinodeNodeClass
    const userData = yield* launched({ nodeClass })
    assert.strictEqual(example.spec.userData === undefined, userData.startsWith("## template: jinja"))
    const read = readUserData(userData.replace("$id", "4711"), { id: 4711, label: "default-abc12-0123abcd", region: "us-ord", type: "g6-standard-2" })
    const node = yield* Effect.fromResult(read)
    assert.strictEqual(node.endpoint, "192.0.2.10:6443")
  })))
})

describe("a reader of user data that was written apart from ours", () => {
  const metadata = { id: 4711, label: "default-abc12-0123abcd", region: "us-ord", type: "g6-standard-2" }
  const kubelet = { maxPods: 42, evictionHard: { "memory.available": "5%" } }
  const taints: Launch["taints"] = [unregisteredTaint, { key: "team", value: "a", effect: "NoSchedule" }]
  const labels = { team: "a", "node-role.kubernetes.io/worker": "", "topology.kubernetes.io/zone": "us-ord" }
  const custom = "#!/bin/sh\nhostnamectl set-hostname {{ karpenter.nodeName }}\n" +
    "kubeadm join {{ karpenter.clusterEndpoint }} --token {{ karpenter.token }} --discovery-token-ca-cert-hash {{ karpenter.caCertHash }} --node-name {{ karpenter.nodeName }}\n"

  it.effect.each<readonly [string, World, LinodeNodeClass["spec"], "kubeadm" | "k3s", string]>([
    ["kubeadm", {}, { kubelet }, "kubeadm", rootKeyHash],
    ["kubeadm before 1.31", { version: "v1.30.1" }, { kubelet }, "kubeadm", rootKeyHash],
    ["k3s", { env: k3s, version: "v1.33.3+k3s1" }, { kubelet }, "k3s", rootFileHash],
    ["a script of one's own", {}, { userData: custom }, "kubeadm", rootKeyHash]
  ])("makes of %s the node that was meant", ([, world, spec, by, hash]) => inWorld(world)(Effect.gen(function*() {
    const userData = yield* launched({ taints, labels, nodeClass: nodeClass(spec) })
    const join = yield* Effect.fromResult(readUserData(userData, metadata))
    const [secret] = (yield* tokens).map(decoded)
    assert.strictEqual(join.by, by)
    assert.strictEqual(join.nodeName, metadata.label)
    assert.deepStrictEqual(join.token, { id: secret!["token-id"]!, secret: secret!["token-secret"]! })
    assert.deepStrictEqual(join.caHashes, [hash])
    if (spec.userData !== undefined) return
    assert.strictEqual(join.providerID, "linode://4711")
    assert.isTrue(join.externalCloud)
    assert.strictEqual(join.maxPods, 42)
    assert.deepStrictEqual(join.labels, { team: "a", "topology.kubernetes.io/zone": "us-ord" })
    assert.deepStrictEqual(join.taints, taints)
  })))
})

describe("what stands against joining", () => {
  const unreadable = Buffer.from("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").toString()
  it.effect.each<readonly [string, World, string]>([
    ["no cluster-info", { published: [] }, "ConfigMap kube-public/cluster-info is not there"],
    ["a cluster-info of somebody else", { published: [{ ...clusterInfo(), data: { kubeconfig: "a: 1" } }] }, "ConfigMap kube-public/cluster-info names no server and certificate"],
    ["an empty cluster-info", { published: [{ ...clusterInfo(), data: {} }] }, "ConfigMap kube-public/cluster-info has no kubeconfig"],
    ["a cluster-info that is no YAML", { published: [{ ...clusterInfo(), data: { kubeconfig: "{" } }] }, "ConfigMap kube-public/cluster-info holds no YAML"],
    ["an unreadable certificate", { published: [clusterInfo("https://192.0.2.1:6443", unreadable)] }, "ConfigMap kube-public/cluster-info holds no certificate that can be read"],
    ["a server that is no address", { published: [clusterInfo("nowhere at all")] }, "ConfigMap kube-public/cluster-info names the server \"nowhere at all\""],
    ["no root certificate of k3s", { published: [], env: k3s, version: "v1.33.3+k3s1" }, "ConfigMap kube-system/kube-root-ca.crt is not there"]
  ])("%s is waited for, and no token is made", ([, world, expected]) => inWorld(world)(Effect.gen(function*() {
    const error = yield* refused()
    assert.include(error.message, expected)
    assert.strictEqual(error.reason._tag, "CloudUnavailable")
    assert.isEmpty(yield* tokens)
  })))

  it.effect("a certificate that has expired is waited for", () => inWorld({ now: "2127-01-01T00:00:00Z" })(Effect.gen(function*() {
    const error = yield* refused()
    assert.include(error.message, "the certificate in ConfigMap kube-public/cluster-info expired on Oct 28")
    assert.strictEqual(error.reason._tag, "CloudUnavailable")
  })))

  it.effect.each<readonly [string, World, Partial<Launch>, string]>([
    ["a k3s server and kubeadm", { version: "v1.33.3+k3s1" }, {}, "it needs --bootstrap=k3s"],
    ["k3s and another server", { env: k3s }, {}, "which is not k3s"],
    ["a version that is none", { version: "latest; rm -rf /" }, {}, "calls its version \"latest; rm -rf /\""],
    ["a node name with a command in it", {}, { nodeName: "a; reboot" }, "is no name of a node"],
    ["a node name with braces", {}, { nodeName: "{{ ds }}" }, "is no name of a node"],
    ["a label with a comma", {}, { labels: { a: "b,node-role.kubernetes.io/x=" } }, "is no label"],
    ["a label with a new line", {}, { labels: { "a\nb": "c" } }, "is no label"],
    ["a taint with a quote", {}, { taints: [{ key: "a", value: "'\"", effect: "NoSchedule" }] }, "is no taint"],
    ["DNS servers that are none", {}, { nodeClass: nodeClass({ kubelet: { clusterDNS: ["{% x %}"] } }) }, "expected IP addresses"],
    ["a template with an unknown name", {}, { nodeClass: nodeClass({ userData: "{{ karpenter.ca }}" }) }, "spec.userData: found \"{{ karpenter.ca }}\""]
  ])("%s are refused with the reason", ([, world, over, expected]) => inWorld(world)(Effect.gen(function*() {
    const error = yield* refused(over)
    assert.include(error.message, expected)
    assert.strictEqual(error.reason._tag, "CreateFailed")
    assert.isEmpty(yield* tokens)
  })))

  it.effect("text of others reaches the machine as it is, whatever jinja would make of it", () => inWorld()(Effect.gen(function*() {
    // No quantity looks like this; the document must hold all the same.
    const kubelet = { systemReserved: { cpu: "{{ ds.x }}{% raw %}{# c #}: '\"\n- y: {{{" } }
    const userData = yield* launched({ nodeClass: nodeClass({ kubelet }) })
    assert.notInclude(userData.replaceAll("{{ '{' }}", "").replaceAll("{{ ds.meta_data.id }}", ""), "{{")
    assert.notMatch(userData, /\{%|\{#/)
    assert.deepInclude(load(file(booted(userData), "/var/lib/karpenter/patches/kubeletconfiguration+merge.yaml")) as object, kubelet)
  })))
})

describe("the labels that a kubelet may put on its node", () => {
  it.each([
    ["team", true], ["example.com/team", true], ["karpenter.sh/nodepool", true], ["karpenter.k8s.linode/instance-cpu", true],
    ["topology.linode.com/region", true], ["topology.kubernetes.io/zone", true], ["kubernetes.io/hostname", true],
    ["node.kubernetes.io/instance-type", true], ["node.kubernetes.io/exclude-from-external-load-balancers", true],
    ["x.node.kubernetes.io/y", true], ["kubelet.kubernetes.io/x", true],
    ["kubernetes.io/role", false], ["node-role.kubernetes.io/worker", false], ["node-restriction.kubernetes.io/x", false],
    ["app.kubernetes.io/name", false], ["k8s.io/x", false], ["x.k8s.io/y", false], ["notkubernetes.io/x", true]
  ] as const)("%s: %s", (key, may) => assert.strictEqual(mayLabel(key), may))
})
