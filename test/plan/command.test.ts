/** The command as it is started: exit codes, what goes to which stream, files, standard input, a cluster. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { crds } from "../../src/apis/crds.ts"
import { ConsolidationJson } from "../../src/commands/plan/consolidationJson.ts"
import { PlanJson } from "../../src/commands/plan/json.ts"
import { Kube } from "../../src/kube/kube.ts"
import { layerWith, MemoryApiServer } from "../../src/kube/memory/layer.ts"
import type { KubeObject } from "../../src/kube/objects.ts"
import { Pods } from "../../src/kube/resources.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import { serveKube } from "../support/kubeHttp.ts"
import { list, nodePool, placed, pod } from "./support.ts"

const root = resolve(import.meta.dirname, "../..")

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}, input = ""): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(process.execPath, [join(root, "src/main.ts"), "plan", ...args], { env: { PATH: process.env["PATH"], ...env }, cwd: root })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => { stdout += chunk.toString() })
    child.stderr.on("data", (chunk: Buffer) => { stderr += chunk.toString() })
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    child.stdin.end(input)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const json = (stdout: string) => Schema.decodeUnknownEffect(PlanJson)(JSON.parse(stdout))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "karpenter-plan-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("karpenter-linode plan", () => {
  it.live("tells its flags and exit codes", () => Effect.gen(function*() {
    const { code, stderr, stdout } = yield* run(["--help"])
    assert.deepStrictEqual([code, stderr], [0, ""])
    for (const words of ["-f, --filename", "--catalog", "--region", "-o, --output", "--search-ms", "with 2 when one has none"]) assert.include(stdout, words)
  }), 60_000)

  it.live("plans what comes in on standard input, and ends with 0 when every pod has a place", () => Effect.gen(function*() {
    const { code, stderr, stdout } = yield* run(["-f", "-", "-o", "json", "--search-ms", "20", "--region", "us-ord"], {}, list(nodePool(), pod("a")))
    assert.deepStrictEqual([code, stderr], [0, ""])
    const plan = yield* json(stdout)
    assert.deepStrictEqual(placed(plan), ["default/a"])
    assert.isAtMost(plan.totals.lowerBound, plan.totals.hourlyPrice)
  }), 60_000)

  it.live("ends with 2 when a pod has no place, and keeps all but the JSON off standard output", () => Effect.gen(function*() {
    const { code, stderr, stdout } = yield* run(["-f", "-", "-o", "json"], {}, list(pod("a")))
    assert.strictEqual(code, 2)
    assert.strictEqual((yield* json(stdout)).unschedulable[0]!.reasons[0]!.reason, "NoNodePools")
    assert.strictEqual(stderr, "note: nothing tells the region: prices are those of us-ord; --region takes another\n")
  }), 60_000)

  it.live("says with --consolidate which nodes can go, and takes no other words for it", () => Effect.gen(function*() {
    const { code, stderr, stdout } = yield* run(["--consolidate", "--until-stable", "-f", "examples/plan/fragmented.yaml", "-o", "json"])
    assert.strictEqual(code, 0)
    assert.match(stderr, /^note: no NodeClaim is in the input: [^\n]+\n$/)
    const found = yield* Schema.decodeUnknownEffect(ConsolidationJson)(JSON.parse(stdout))
    assert.isNotEmpty(found.disruptions)
    const waiting = yield* run(["--consolidate", "-f", "-", "--region", "us-ord"], {}, list(nodePool(), pod("a", { memory: "9000Gi" })))
    assert.strictEqual(waiting.code, 2)
    assert.include(waiting.stderr, "a pod that waits has no place")
    const wrong = yield* run(["--until-stable", "--consolidate=yes", "-f", "-"], {}, list())
    assert.deepStrictEqual([wrong.code, wrong.stdout], [1, ""])
    assert.include(wrong.stderr, "--consolidate: \"yes\", expected no value")
    assert.include(wrong.stderr, "--until-stable: no --consolidate, expected both or neither")
  }), 60_000)

  it.live("ends with 1 on bad input, with one line for it and nothing on standard output", () => Effect.gen(function*() {
    const ended = yield* run(["-f", "-"], {}, list(pod("a", { cpu: "x" })))
    assert.deepStrictEqual(ended, {
      code: 1,
      stdout: "",
      stderr: "karpenter-linode: standard input, document 1, items[0] (Pod default/a): spec.containers[0].resources.requests.cpu: " +
        "found \"x\", expected a quantity such as 500m or 2Gi\n"
    })
    const empty = yield* run(["-f", "-"], {}, "# nothing\n")
    assert.deepStrictEqual([empty.code, empty.stderr], [1, "karpenter-linode: standard input: nothing in it, expected Kubernetes objects\n"])
  }), 60_000)

  it.live("reads several files and the files of a folder, and tells of those it cannot read", () => Effect.gen(function*() {
    const dir = yield* folder
    mkdirSync(join(dir, "empty"))
    mkdirSync(join(dir, "all", "deeper"), { recursive: true })
    writeFileSync(join(dir, "pool.yaml"), JSON.stringify(nodePool()))
    writeFileSync(join(dir, "all", "b.yml"), JSON.stringify(pod("b")))
    writeFileSync(join(dir, "all", "c.json"), JSON.stringify(pod("c")))
    writeFileSync(join(dir, "all", "notes.txt"), "not read")
    writeFileSync(join(dir, "all", "deeper", "d.yaml"), JSON.stringify(pod("d")))
    const { code, stdout } = yield* run(["-f", join(dir, "pool.yaml"), "-f", join(dir, "all"), "-o", "json"])
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(placed(yield* json(stdout)), ["default/b", "default/c"])
    const missing = yield* run(["-f", join(dir, "nowhere.yaml"), "-f", join(dir, "empty")])
    assert.strictEqual(missing.code, 1)
    assert.deepStrictEqual(missing.stderr.split("\n").slice(1, 3), [
      `${join(dir, "nowhere.yaml")}: there is no such file`, `${join(dir, "empty")}: no .yaml, .yml or .json file in this folder`
    ])
  }).pipe(Effect.scoped), 60_000)

  it.live.each(["shop.yaml", "misfits.yaml"].map((file) => [file] as const))("shows a page for examples/plan/%s", ([file]) => Effect.gen(function*() {
    const { code, stderr, stdout } = yield* run(["-f", `examples/plan/${file}`, "--region", "nl-ams", "--search-ms", "0"])
    assert.deepStrictEqual([code, stderr], [file === "shop.yaml" ? 0 : 2, ""])
    for (const words of ["pods to place", "New nodes", "nl-ams", "Price: $"]) assert.include(stdout, words)
    assert.notInclude(stdout, "\u001b")
  }), 60_000)

  it.live("reads the cluster of the kubeconfig when it is given no file, and writes nothing", () => Effect.gen(function*() {
    const { server } = yield* MemoryApiServer
    server.create(NodePools, nodePool() as unknown as KubeObject as never)
    server.create(Pods, pod("waits", {}, {}, { namespace: "default" }) as never)
    const front = yield* serveKube(yield* Kube)
    const dir = yield* folder
    const kubeconfig = join(dir, "kubeconfig")
    writeFileSync(kubeconfig, JSON.stringify({
      apiVersion: "v1", kind: "Config", "current-context": "test", contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      clusters: [{ name: "test", cluster: { server: front.url } }], users: [{ name: "test", user: { token: "kube" } }]
    }))
    const { code, stderr, stdout } = yield* run(["-o", "json"], { KUBECONFIG: kubeconfig, LINODE_REGION: "us-ord" })
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.deepStrictEqual(placed(yield* json(stdout)), ["default/waits"])
    assert.deepStrictEqual([...new Set(front.requests.map(({ method }) => method))], ["GET"])
    const lost = yield* run([], { KUBECONFIG: join(dir, "nowhere") })
    assert.strictEqual(lost.code, 1)
    assert.match(lost.stderr, /^karpenter-linode: invalid kubeconfig .*nowhere\): there is no such file\n$/)
  }).pipe(Effect.scoped, Effect.provide(layerWith({ crds }))), 60_000)
})
