import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Kube } from "../../src/kube/kube.ts"
import { loadKubeConfig } from "../../src/kube/kubeconfig.ts"
import type { KubeConfig } from "../../src/kube/kubeconfig.ts"
import { layerOf } from "../../src/kube/live.ts"
import { makeCredentials } from "../../src/kube/liveAuth.ts"
import { layer as memory } from "../../src/kube/memory/layer.ts"
import { Nodes } from "../../src/kube/resources.ts"
import { serveKube } from "../support/kubeHttp.ts"

/** A folder with the given files, removed with the scope. */
const folder = (files: Readonly<Record<string, string>>) => Effect.acquireRelease(
  Effect.promise(async () => {
    const root = await mkdtemp(join(tmpdir(), "kubeconfig-"))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true })
      await writeFile(join(root, name), content)
    }
    return root
  }),
  (root) => Effect.promise(() => rm(root, { recursive: true }))
)
const write = (path: string, content: string) => Effect.promise(() => writeFile(path, content))

const good = `
apiVersion: v1
kind: Config
current-context: here
preferences: {}
clusters:
- name: c
  cluster: { server: "https://example.test:6443", certificate-authority: ca.crt }
users:
- name: u
  user: { token: s3cret-token }
contexts:
- name: here
  context: { cluster: c, user: u, namespace: apps }
`
const load = (root: string, env: Readonly<Record<string, string>>) =>
  loadKubeConfig({ env, serviceAccount: join(root, "account") })

describe("the configuration", () => {
  it.effect("is the current context of the file in KUBECONFIG, with paths relative to the file", () => Effect.gen(function*() {
    const root = yield* folder({ "sub/config": good })
    const config = yield* load(root, { KUBECONFIG: join(root, "sub/config") })
    assert.strictEqual(config.cluster.server, "https://example.test:6443")
    assert.strictEqual(config.cluster["certificate-authority"], join(root, "sub/ca.crt"))
    assert.strictEqual(config.user.token, "s3cret-token")
    assert.strictEqual(config.namespace, "apps")
  }))

  it.effect("may be spread over several files, where the first to name a thing wins", () => Effect.gen(function*() {
    const root = yield* folder({
      a: "current-context: here\nusers: null\nclusters:\n- name: c\n  cluster: { server: 'https://first' }\n",
      b: good
    })
    const config = yield* load(root, { KUBECONFIG: `${join(root, "a")}:${join(root, "absent")}:${join(root, "b")}` })
    assert.strictEqual(config.cluster.server, "https://first")
    assert.strictEqual(config.user.token, "s3cret-token")
  }))

  it.effect("is the pod's own account when KUBECONFIG is not set", () => Effect.gen(function*() {
    const account = { "account/token": "t", "account/ca.crt": "", "account/namespace": "kube-system\n" }
    const root = yield* folder({ ...account, ".kube/config": good })
    const config = yield* load(root, { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443", HOME: root })
    assert.strictEqual(config.source, "in-cluster")
    assert.strictEqual(config.cluster.server, "https://[fd00::1]:443")
    assert.strictEqual(config.namespace, "kube-system")
  }))

  it.effect("is ~/.kube/config when nothing else is there", () => Effect.gen(function*() {
    const root = yield* folder({ ".kube/config": good })
    assert.strictEqual((yield* load(root, { HOME: root })).cluster.server, "https://example.test:6443")
  }))

  const bad: ReadonlyArray<readonly [name: string, content: string, expected: RegExp]> = [
    ["has no current context", good.replace("current-context: here", ""), /no current-context is set$/],
    ["names a context that is not there", good.replace("context: here", "context: x"), /context "x" is not among/],
    ["names a cluster that is not there", good.replace("cluster: c,", "cluster: x,"), /cluster "x" of context "here"/],
    ["names a user that is not there", good.replace("user: u,", "user: x,"), /user "x" of context "here" is not there$/],
    ["holds a value of the wrong type", good.replace("s3cret-token", "12345"), /unexpected value \["users"\]\[0\]\["user"\]/],
    ["is not YAML", good.replace("s3cret-token", "'s3cret-token"), /not YAML: .* in line \d+$/]
  ]
  for (const [name, content, expected] of bad) {
    it.effect(`that ${name} is refused in one line that holds no secret`, () => Effect.gen(function*() {
      const root = yield* folder({ config: content })
      const error = yield* Effect.flip(load(root, { KUBECONFIG: join(root, "config") }))
      assert.match(error.message, expected)
      assert.notMatch(error.message, /\n|s3cret|12345/)
      assert.include(error.message, join(root, "config"))
    }))
  }

  it.effect("that is nowhere is told of in one line", () => Effect.gen(function*() {
    const root = yield* folder({})
    assert.match((yield* Effect.flip(load(root, { HOME: root }))).message, /^invalid kubeconfig \(KUBECONFIG\): no kubeconfig/)
    const absent = yield* Effect.flip(load(root, { KUBECONFIG: join(root, "absent") }))
    assert.match(absent.message, /absent\): there is no such file$/)
  }))
})

describe("credentials", () => {
  const of = (user: KubeConfig["user"]): KubeConfig =>
    ({ source: "test", cluster: { server: "https://example.test" }, user, namespace: undefined })
  const credentialsOf = (user: KubeConfig["user"]) => Effect.flatMap(makeCredentials(of(user)), ({ current }) => current)

  it.effect("may be a token, a name and password, or a certificate, and may impersonate", () => Effect.gen(function*() {
    const data = Buffer.from("PEM").toString("base64")
    const token = yield* credentialsOf({ token: "t", as: "somebody" })
    assert.deepStrictEqual(token.headers, { authorization: "Bearer t", "impersonate-user": "somebody" })
    const basic = yield* credentialsOf({ username: "u", password: "p" })
    assert.deepStrictEqual(basic.headers, { authorization: `Basic ${Buffer.from("u:p").toString("base64")}` })
    const certificate = yield* credentialsOf({ "client-certificate-data": data, "client-key-data": data })
    assert.deepStrictEqual(certificate, { headers: {}, cert: "PEM", key: "PEM" })
  }))

  it.effect("from a token file are read again every minute, and kept when that fails", () => Effect.gen(function*() {
    const root = yield* folder({ token: "one\n" })
    const { current } = yield* makeCredentials(of({ tokenFile: join(root, "token") }))
    const header = Effect.map(current, ({ headers }) => headers.authorization)
    yield* write(join(root, "token"), "two\n")
    assert.strictEqual(yield* header, "Bearer one")
    yield* TestClock.adjust("61 seconds")
    assert.strictEqual(yield* header, "Bearer two")
    yield* Effect.promise(() => rm(join(root, "token")))
    yield* TestClock.adjust("61 seconds")
    assert.strictEqual(yield* header, "Bearer two")
  }))

  it.live("may come from a plugin", () => Effect.gen(function*() {
    const apiVersion = "client.authentication.k8s.io/v1"
    const credential = { apiVersion, kind: "ExecCredential", status: { token: "from-plugin" } }
    const exec = { apiVersion, command: "echo", args: [JSON.stringify(credential)], interactiveMode: "Never" }
    const { headers } = yield* credentialsOf({ exec })
    assert.strictEqual(headers.authorization, "Bearer from-plugin")
  }))

  it.live("that a plugin refuses to give are told of in one error", () => Effect.gen(function*() {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "false", interactiveMode: "Never" }
    const error = yield* Effect.flip(makeCredentials(of({ exec })))
    assert.match(error.message, /^invalid kubeconfig \(test\): the credential plugin failed/)
  }))

  it.effect("whose certificate file is not there are refused", () => Effect.gen(function*() {
    const error = yield* Effect.flip(makeCredentials(of({ "client-certificate": "/nowhere/client.crt" })))
    assert.include(error.message, "/nowhere/client.crt")
  }))

  it.effect("that hold another client certificate open another connection, without losing a call", () => Effect.gen(function*() {
    const root = yield* folder({ "client.crt": "one", "client.key": "one" })
    const server = yield* serveKube(yield* Kube.pipe(Effect.provide(memory)))
    const config: KubeConfig = {
      ...of({ "client-certificate": join(root, "client.crt"), "client-key": join(root, "client.key") }),
      cluster: { server: server.url }
    }
    yield* Effect.gen(function*() {
      const kube = yield* Kube
      for (let n = 0; n < 10; n++) yield* kube.list(Nodes)
      const before = server.connections()
      yield* write(join(root, "client.crt"), "two")
      yield* kube.list(Nodes)
      assert.strictEqual(server.connections(), before)
      yield* TestClock.adjust("61 seconds")
      yield* kube.list(Nodes)
      assert.strictEqual(server.connections(), before + 1)
    }).pipe(Effect.provide(layerOf(config, { qps: 1000, burst: 1000 })))
  }))
})
