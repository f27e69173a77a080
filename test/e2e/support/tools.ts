/**
 * The real parts of a cluster: etcd, the Kubernetes servers, kwok, kubectl and helm. Taken from `KUBEBUILDER_ASSETS` where
 * they are there, else built once from `test/e2e/tools/go.mod` into a cache folder outside the checkout.
 */
import { execFile, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)
const moduleDir = resolve(import.meta.dirname, "../tools")

const packages = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
  kwok: "sigs.k8s.io/kwok/cmd/kwok",
  helm: "helm.sh/helm/v3/cmd/helm"
} as const

export type Tool = keyof typeof packages

export interface Tools {
  readonly bin: (tool: Tool) => string
  /** kwok's own stages: without them it refuses to start. */
  readonly kwokStages: string
}

const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" }
const go = (...args: ReadonlyArray<string>) => run("go", args, { cwd: moduleDir, env, maxBuffer: 1 << 26 })

const linkerFlags = (): string => {
  const version = /k8s\.io\/kubernetes v(\S+)/.exec(readFileSync(join(moduleDir, "go.mod"), "utf8"))![1]!
  const [major, minor] = version.split(".")
  const stamp = {
    gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: "clean", gitCommit: "unknown", buildDate: "1970-01-01T00:00:00Z"
  }
  return ["-s", "-w", ...Object.entries(stamp).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`)].join(" ")
}

const build = async (tools: ReadonlyArray<Tool>, into: string): Promise<void> => {
  const started = Date.now()
  const tick = setInterval(() => process.stderr.write(`  building, ${Math.round((Date.now() - started) / 1000)} s\n`), 30_000)
  try {
    await new Promise<void>((done, failed) => {
      const args = ["build", "-trimpath", "-gcflags=all=-dwarf=false", `-ldflags=${linkerFlags()}`, "-o", `${into}/`, ...tools.map((tool) => packages[tool])]
      const child = spawn("go", args, { cwd: moduleDir, env, stdio: ["ignore", "ignore", "pipe"] })
      let errors = ""
      child.stderr.on("data", (chunk: Buffer) => { errors += chunk.toString() })
      child.on("error", failed)
      child.on("exit", (code) => code === 0 ? done() : failed(new Error(`go build ended with ${code}\n${errors.slice(-4000)}`)))
    })
  } finally {
    clearInterval(tick)
  }
  // The package path ends in .../server/v3, so Go calls the binary `server`.
  if (tools.includes("etcd")) renameSync(join(into, "server"), join(into, "etcd"))
}

const stages = async (into: string): Promise<string> => {
  const file = join(into, "kwok-stages.yaml")
  if (existsSync(file)) return file
  await go("mod", "download", "sigs.k8s.io/kwok")
  const dir = (await go("list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")).stdout.trim()
  const parts = ["node/heartbeat-with-lease", "pod/fast"].flatMap((stage) =>
    readFileSync(join(dir, "kustomize/stage", stage, "kustomization.yaml"), "utf8")
      .split("\n").flatMap((line) => /^\s*-\s*(\S+\.yaml)\s*$/.exec(line)?.[1] ?? [])
      .map((name) => readFileSync(join(dir, "kustomize/stage", stage, name), "utf8")))
  writeFileSync(file, parts.join("\n---\n"))
  return file
}

/** Every tool, built when it is missing. Says clearly when Go is missing too. */
export const provideTools = async (): Promise<Tools> => {
  const given = process.env["KUBEBUILDER_ASSETS"]
  const fingerprint = createHash("sha256")
    .update(readFileSync(join(moduleDir, "go.mod"))).update(readFileSync(join(moduleDir, "go.sum"))).digest("hex").slice(0, 12)
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "karpenter-linode", `kubernetes-${fingerprint}`)
  const find = (tool: Tool): string | undefined =>
    [given, cache].flatMap((dir) => dir === undefined ? [] : [join(dir, tool)]).find((path) => existsSync(path))
  const missing = (Object.keys(packages) as ReadonlyArray<Tool>).filter((tool) => find(tool) === undefined)
  mkdirSync(cache, { recursive: true })
  if (missing.length > 0 || !existsSync(join(cache, "kwok-stages.yaml"))) {
    await run("go", ["version"]).catch(() => {
      throw new Error(`the end-to-end tests need ${missing.join(", ")}: install Go 1.26 or newer so that they can be built, or put them into KUBEBUILDER_ASSETS`)
    })
  }
  if (missing.length > 0) {
    process.stderr.write(`building ${missing.join(", ")} once into ${cache} (5 to 10 minutes on 2 cores)\n`)
    // Built aside and moved in one by one, so that an interrupted build leaves nothing half made.
    const aside = mkdtempSync(join(cache, "building-"))
    try {
      await build(missing, aside)
      for (const tool of missing) renameSync(join(aside, tool), join(cache, tool))
    } finally {
      rmSync(aside, { recursive: true, force: true })
    }
  }
  const kwokStages = await stages(cache)
  return { bin: (tool) => find(tool)!, kwokStages }
}
