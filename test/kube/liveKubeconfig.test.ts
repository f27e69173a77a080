import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { vi } from "vitest"
import { Kube } from "../../src/kube/kube.ts"
import { loadKubeConfig } from "../../src/kube/kubeconfig.ts"
import type { KubeConfig } from "../../src/kube/kubeconfig.ts"
import { layerOf } from "../../src/kube/live.ts"
import { makeCredentials } from "../../src/kube/liveAuth.ts"
import { layer as memory } from "../../src/kube/memory/layer.ts"
import { Nodes } from "../../src/kube/resources.ts"
import { configOf } from "../support/kubeconfig.ts"
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
const load = (root: string, env: Readonly<Record<string, string>>) => loadKubeConfig({ env, root })
const credentialsOf = (config: KubeConfig) => Effect.flatMap(makeCredentials(config), ({ current }) => current)

describe("the configuration", () => {
  it.effect("is the current context of the file in KUBECONFIG, with paths relative to the file", () => Effect.gen(function*() {
    const root = yield* folder({ "sub/config": good, "sub/ca.crt": "CA" })
    const config = yield* load(root, { KUBECONFIG: join(root, "sub/config") })
    assert.strictEqual(config.server, "https://example.test:6443")
    assert.strictEqual(config.namespace, "apps")
    assert.deepStrictEqual(yield* credentialsOf(config), {
      headers: { authorization: "Bearer s3cret-token" }, tls: { ca: "CA", rejectUnauthorized: true }
    })
  }))

  it.effect("may be spread over several files, where the first to name a thing wins", () => Effect.gen(function*() {
    const root = yield* folder({
      a: "current-context: here\nusers: null\nclusters:\n- name: c\n  cluster: { server: 'https://first' }\n",
      b: good.replace("current-context: here", "current-context: there")
    })
    const config = yield* load(root, { KUBECONFIG: `${join(root, "a")}:${join(root, "absent")}:${join(root, "b")}` })
    assert.strictEqual(config.server, "https://first")
    assert.strictEqual((yield* credentialsOf(config)).headers.authorization, "Bearer s3cret-token")
  }))

  it.effect("is the pod's own account when KUBECONFIG is not set", () => Effect.gen(function*() {
    const account = "var/run/secrets/kubernetes.io/serviceaccount"
    const root = yield* folder({
      [`${account}/token`]: "t\n", [`${account}/ca.crt`]: "CA", [`${account}/namespace`]: "kube-system\n", ".kube/config": good
    })
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "fd00::1").stubEnv("KUBERNETES_SERVICE_PORT", "443")
    yield* Effect.addFinalizer(() => Effect.sync(() => vi.unstubAllEnvs()))
    const config = yield* load(root, { KUBERNETES_SERVICE_HOST: "fd00::1", HOME: root })
    assert.strictEqual(config.source, "in-cluster")
    assert.strictEqual(config.server, "https://[fd00::1]:443")
    assert.strictEqual(config.namespace, "kube-system")
    assert.deepStrictEqual(yield* credentialsOf(config), {
      headers: { authorization: "Bearer t" }, tls: { ca: "CA", rejectUnauthorized: true }
    })
  }))

  it.effect("is ~/.kube/config when nothing else is there", () => Effect.gen(function*() {
    const root = yield* folder({ ".kube/config": good })
    assert.strictEqual((yield* load(root, { HOME: root })).server, "https://example.test:6443")
    const outside = { HOME: root, KUBERNETES_SERVICE_HOST: "10.0.0.1" }
    assert.strictEqual((yield* load(root, outside)).server, "https://example.test:6443")
  }))

  it.effect("needs no user, and trusts the cluster's authority all the same", () => Effect.gen(function*() {
    const root = yield* folder({ config: good.replace("user: u, ", ""), "ca.crt": "CA" })
    const config = yield* load(root, { KUBECONFIG: join(root, "config") })
    assert.deepStrictEqual(yield* credentialsOf(config), { headers: {}, tls: { ca: "CA", rejectUnauthorized: true } })
  }))

  const bad: ReadonlyArray<readonly [name: string, content: string, expected: RegExp]> = [
    ["has no current context", good.replace("current-context: here", ""), /no current-context is set$/],
    ["names a context that is not there", good.replace("context: here", "context: x"), /context "x" is not among/],
    ["names a cluster that is not there", good.replace("cluster: c,", "cluster: x,"), /cluster "x" of context "here"/],
    ["names a user that is not there", good.replace("user: u,", "user: x,"), /user "x" of context "here" is not there$/],
    ["holds a value of the wrong type", good.replace("s3cret-token", "12345"), /value: token of context "here" is no text$/],
    ["has a server of the wrong type", good.replace('"https://example.test:6443"', "12345"), /has not the shape of a/],
    ["has a cluster without a server", good.replace("server:", "s:"), /clusters\[0\]\.cluster\.server is missing$/],
    ["is no mapping", "null", /no current-context is set$/],
    ["is empty", "", /not YAML: .*empty$/],
    ["is not YAML", good.replace("s3cret-token", "'s3cret-token"), /not YAML: .* in line \d+$/],
    ["has an alias for a token", good.replace("s3cret-token", "*s3cret"), /not YAML: unidentified alias in line \d+$/],
    ["has a tag for a token", good.replace("s3cret-token", "!s3cret x"), /not YAML: unknown scalar tag in line \d+$/]
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
  const https = { server: "https://example.test" }
  const of = (user: object, cluster: object = {}) => Effect.flatMap(configOf({ ...https, ...cluster }, user), credentialsOf)
  const base64 = (text: string) => Buffer.from(text).toString("base64")
  const verified = { rejectUnauthorized: true }

  it.effect("may be a token, a name and password, or a certificate, and may impersonate", () => Effect.gen(function*() {
    const token = yield* of({ token: "t", as: "somebody" })
    assert.deepStrictEqual(token, { headers: { authorization: "Bearer t", "impersonate-user": "somebody" }, tls: verified })
    assert.deepStrictEqual((yield* of({ username: "u", password: "p" })).headers, { authorization: `Basic ${base64("u:p")}` })
    assert.deepStrictEqual((yield* of({ username: "u" })).headers, { authorization: `Basic ${base64("u:")}` })
    const certificate = yield* of({ "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") })
    assert.deepStrictEqual(certificate, { headers: {}, tls: { cert: "CERT", key: "KEY", ...verified } })
  }))

  it.effect("come with what the cluster says about TLS, and inline data goes before files", () => Effect.gen(function*() {
    const cluster = { "certificate-authority-data": base64("CA"), "certificate-authority": "/nowhere", "tls-server-name": "api" }
    assert.deepStrictEqual((yield* of({}, cluster)).tls, { ca: "CA", servername: "api", ...verified })
    const user = {
      "client-certificate-data": base64("CERT"), "client-certificate": "/nowhere",
      "client-key-data": base64("KEY"), "client-key": "/nowhere"
    }
    assert.deepStrictEqual((yield* of(user)).tls, { cert: "CERT", key: "KEY", ...verified })
    assert.deepStrictEqual((yield* of({}, { "insecure-skip-tls-verify": true })).tls, { rejectUnauthorized: false })
  }))

  it.effect("from a token file are read again every minute, and kept when that fails", () => Effect.gen(function*() {
    const root = yield* folder({ token: "one\n" })
    // client-node looks at the real clock, so both have to move.
    vi.useFakeTimers({ toFake: ["Date"] })
    yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
    const { current } = yield* makeCredentials(yield* configOf(https, { token: "old", tokenFile: join(root, "token") }))
    const header = Effect.map(current, ({ headers }) => headers.authorization)
    const later = Effect.andThen(TestClock.adjust("61 seconds"), Effect.sync(() => vi.setSystemTime(Date.now() + 61_000)))
    yield* write(join(root, "token"), "two\n")
    assert.strictEqual(yield* header, "Bearer one")
    yield* later
    assert.strictEqual(yield* header, "Bearer two")
    yield* Effect.promise(() => rm(join(root, "token")))
    yield* later
    assert.strictEqual(yield* header, "Bearer two")
  }))

  const apiVersion = "client.authentication.k8s.io/v1"
  const plugin = (command: string, ...args: ReadonlyArray<string>) =>
    ({ exec: { apiVersion, command, args, interactiveMode: "Never" } })

  it.live("may come from a plugin", () => Effect.gen(function*() {
    const status = { token: "from-plugin", clientCertificateData: "CERT", clientKeyData: "KEY" }
    const credentials = yield* of(plugin("echo", JSON.stringify({ apiVersion, kind: "ExecCredential", status })))
    assert.deepStrictEqual(credentials, {
      headers: { authorization: "Bearer from-plugin" }, tls: { cert: "CERT", key: "KEY", ...verified }
    })
  }))

  it.effect("may come from an auth provider", () => Effect.gen(function*() {
    const config = { "id-token": "a.b.c", "access-token": "from-provider", expiry: "2999-01-01T00:00:00Z" }
    const { headers } = yield* of({ "auth-provider": { name: "gcp", config } })
    assert.deepStrictEqual(headers, { authorization: "Bearer from-provider" })
  }))

  const oidc = (token: string) => ({ "auth-provider": { name: "oidc", config: { "id-token": token } } })
  const refused: ReadonlyArray<readonly [name: string, user: object, expected: RegExp]> = [
    ["a plugin refuses to give", plugin("sh", "-c", "echo log in >&2; echo first >&2; exit 1"), /plugin failed: log in first$/],
    ["a plugin gives in no known form", plugin("echo", "s3cret"), /plugin failed: its answer is no credential$/],
    ["a plugin that is not there should give", plugin("/nowhere/plugin"), /plugin failed: spawn \/nowhere\/plugin ENOENT$/],
    ["an auth provider cannot read", oidc("s3cret.s3cret.x"), /cannot be read: \w+$/],
    ["are in a file that is not there", { "client-certificate": "/nowhere/client.crt" }, /ENOENT.*\/nowhere\/client\.crt'$/]
  ]
  for (const [name, user, expected] of refused) {
    it.live(`that ${name} are told of in one line that holds no secret`, () => Effect.gen(function*() {
      const error = yield* Effect.flip(of(user))
      assert.match(error.message, /^invalid kubeconfig \(.*config\): /)
      assert.match(error.message, expected)
      assert.notMatch(error.message, /\n|s3cret/)
    }))
  }

  it.effect("that hold another client certificate open another connection, without losing a call", () => Effect.gen(function*() {
    const root = yield* folder({ "client.crt": "one", "client.key": "one" })
    const server = yield* serveKube(yield* Kube.pipe(Effect.provide(memory)))
    const config = yield* configOf(
      { server: server.url },
      { "client-certificate": join(root, "client.crt"), "client-key": join(root, "client.key") }
    )
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
