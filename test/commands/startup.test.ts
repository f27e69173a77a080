/** What a person sees who starts the controller the wrong way: one clear line and exit code 1, and never the token. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { crds } from "../../src/apis/crds.ts"
import { Kube } from "../../src/kube/kube.ts"
import { layerWith } from "../../src/kube/memory/layer.ts"
import * as simulator from "../../src/simulator/linode/linodeSimulator.ts"
import { LinodeServer, layer as serverLayer } from "../../src/simulator/linode/server.ts"
import { serveKube } from "../support/kubeHttp.ts"

const main = resolve(import.meta.dirname, "../../src/main.ts")
const token = "a-token-that-nobody-may-see"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Effect.Effect<Ended> => Effect.callback<Ended>((resume) => {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", "pipe", "pipe"] })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk: Buffer) => { stdout += chunk.toString() })
  child.stderr.on("data", (chunk: Buffer) => { stderr += chunk.toString() })
  child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
  return Effect.sync(() => child.kill("SIGKILL"))
})

/** A cluster called `real` at a Linode that knows the token, and an API server; gives the environment that works. */
const surroundings = Effect.gen(function*() {
  const { cloud } = yield* simulator.LinodeSimulator
  cloud.addCluster({ label: "real", region: "us-ord", systemPool: { type: "g6-standard-1", count: 1 } })
  const front = yield* serveKube(yield* Kube)
  const dir = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "karpenter-start-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const kubeconfig = (server: string): string => {
    const file = join(dir, `${encodeURIComponent(server)}.kubeconfig`)
    writeFileSync(file, JSON.stringify({
      apiVersion: "v1", kind: "Config", "current-context": "test", contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      clusters: [{ name: "test", cluster: { server } }], users: [{ name: "test", user: { token: "kube" } }]
    }))
    return file
  }
  const env = {
    HOME: dir, KUBECONFIG: kubeconfig(front.url), CLUSTER_NAME: "real", LINODE_TOKEN: token, LINODE_URL: (yield* LinodeServer).url,
    METRICS_PORT: "0", HEALTH_PROBE_PORT: "0"
  }
  return { env, kubeconfig }
})

const world = serverLayer().pipe(
  Layer.provideMerge(simulator.layer({ tokens: [token] })),
  Layer.merge(layerWith({ crds }))
)

const oneLine = (ended: Ended, ...words: ReadonlyArray<string>): void => {
  assert.strictEqual(ended.code, 1, ended.stdout + ended.stderr)
  const lines = ended.stderr.trim().split("\n")
  assert.strictEqual(lines.length, 1, ended.stderr)
  for (const word of words) assert.include(lines[0], word)
  assert.notInclude(ended.stdout + ended.stderr, token)
}

describe("starting the controller", () => {
  const cases: ReadonlyArray<readonly [string, (given: Effect.Success<typeof surroundings>) => Record<string, string>, ReadonlyArray<string>]> = [
    ["a token that Linode does not accept", ({ env }) => ({ ...env, LINODE_TOKEN: "wrong" }), ["LINODE_TOKEN", "Invalid Token", "401"]],
    ["the name of no cluster", ({ env }) => ({ ...env, CLUSTER_NAME: "unreal" }), ["unreal", "no LKE cluster"]],
    ["another region than the cluster's", ({ env }) => ({ ...env, LINODE_REGION: "us-sea" }), ["us-ord", "us-sea"]],
    ["an API server that nobody can reach", ({ env, kubeconfig }) => ({ ...env, KUBECONFIG: kubeconfig("http://127.0.0.1:9") }), ["http://127.0.0.1:9", "cannot reach"]],
    ["a kubeconfig that is not there", ({ env }) => ({ ...env, KUBECONFIG: "/nowhere/config" }), ["/nowhere/config"]],
    ["instance mode in a region that Linode has not", ({ env }) => ({ ...env, KARPENTER_MODE: "instance", CLUSTER_REGION: "us-nowhere" }), ["--cluster-region", "us-nowhere"]],
    ["a Linode that nobody can reach", ({ env }) => ({ ...env, LINODE_URL: "http://127.0.0.1:9" }), ["Linode", "/lke/clusters"]]
  ]
  it.live.each(cases)("with %s says so in one line", ([, env, words]) => Effect.gen(function*() {
    oneLine(yield* run(["controller"], env(yield* surroundings)), ...words)
  }).pipe(Effect.scoped, Effect.provide(world)), 60_000)

  it.live("with settings missing or wrong lists all of them", () => Effect.gen(function*() {
    const ended = yield* run([], { BATCH_IDLE_DURATION: "soon", METRICS_PORT: "-1" })
    assert.strictEqual(ended.code, 1)
    for (const name of ["--cluster-name (CLUSTER_NAME)", "LINODE_TOKEN", "--batch-idle-duration", "--metrics-port"]) assert.include(ended.stderr, name)
    assert.strictEqual(ended.stdout, "")
  }), 60_000)

  it.live("in instance mode needs no LKE cluster, and serves", () => Effect.gen(function*() {
    const { env } = yield* surroundings
    const line = yield* Effect.callback<string>((resume) => {
      const child = spawn(process.execPath, [main, "controller", "--mode=instance", "--cluster-region=us-ord"], {
        env: { PATH: process.env["PATH"], ...env, CLUSTER_NAME: "unreal" }, stdio: ["ignore", "pipe", "pipe"]
      })
      let text = ""
      const read = (chunk: Buffer): void => {
        text += chunk.toString()
        if (/acquired|leads?|lease/i.test(text) || child.exitCode !== null) resume(Effect.succeed(text))
      }
      child.stdout.on("data", read)
      child.stderr.on("data", read)
      child.on("close", () => resume(Effect.succeed(text)))
      return Effect.sync(() => child.kill("SIGKILL"))
    })
    assert.include(line, "\"starting\"")
    assert.include(line, "\"name\":\"unreal\",\"region\":\"us-ord\"")
    assert.notInclude(line, token)
  }).pipe(Effect.scoped, Effect.provide(world)), 60_000)

  it.live("with an unknown command shows the ones there are", () => Effect.gen(function*() {
    const ended = yield* run(["fly"], {})
    assert.strictEqual(ended.code, 1)
    for (const word of ["\"fly\"", "controller", "demo"]) assert.include(ended.stderr, word)
  }), 60_000)

  it.live.each([["--help"], ["controller", "--help"], ["demo", "--help"], ["--version"]].map((args) => [args] as const))(
    "%j answers on stdout and does nothing else", ([args]) => Effect.gen(function*() {
      const ended = yield* run(args, {})
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, "karpenter-linode")
      assert.strictEqual(ended.stderr, "")
    }), 60_000)
})
