/**
 * Karpenter's Go scheduler as a program (bench/karpenter), built once for each state of its source into a cache folder outside
 * the checkout.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import type { Requirement } from "../src/scheduling/index.ts"
import type { PeerProblem } from "./peer.ts"

const moduleDir = resolve(import.meta.dirname, "karpenter")

export interface RivalOffering {
  readonly instanceType: string
  readonly zone: string
  readonly capacityType: string
  readonly price: number
}

export interface RivalNode {
  readonly nodePool: string
  readonly podNames: ReadonlyArray<string>
  readonly requirements: ReadonlyArray<Requirement>
  /** Cheapest first; `solve` names the first alone. */
  readonly instanceTypeOptions: ReadonlyArray<string>
  /** What it is launched as; null where nothing can be launched. */
  readonly cheapest: RivalOffering | null
}

/** One answer to a problem. Pods are `name`, or `namespace/name` outside of the namespace default. */
export interface RivalRun {
  readonly newNodes: number
  readonly totalPrice: number
  readonly podsOnExisting: number
  readonly setupNs: number
  readonly elapsedNs: number
  readonly totalNs: number
  readonly newNodeClaims: ReadonlyArray<RivalNode>
  readonly existingNodes: ReadonlyArray<{ readonly name: string; readonly podNames: ReadonlyArray<string> }>
  /** By pod: why it was placed nowhere. */
  readonly errors: Readonly<Record<string, string>>
}

export interface RivalAnswer {
  /** The version of Karpenter's core. */
  readonly karpenter: string
  readonly maxRssBytes: number
  readonly runs: ReadonlyArray<RivalRun>
}

/** What one of Karpenter's methods would do. */
export interface RivalMethod {
  readonly setupNs: number
  readonly elapsedNs: number
  readonly commands: ReadonlyArray<{ readonly removed: ReadonlyArray<string>; readonly replacements: ReadonlyArray<RivalNode> }>
}

/** By method, in the order in which Karpenter asks them. */
export const rivalMethods = ["empty", "multi", "single"] as const

export interface Rival {
  /** The upstream benchmark's mix as JSON text: the same arguments give the same bytes. */
  readonly generate: (mix: "diverse" | "preference", pods: number) => Promise<string>
  /** Solves in a fresh process, with one worker as Karpenter does by default. */
  readonly solve: (file: string) => Promise<RivalAnswer>
  /** Which nodes would go by this method, in a fresh process; Karpenter's 15 seconds of waiting left out. */
  readonly consolidate: (file: string, method: typeof rivalMethods[number]) => Promise<RivalMethod>
  /** A process that answers problems one after the other, each with so many runs. */
  readonly serve: (runs: number) => RivalServer
}

export interface RivalServer {
  /** Refuses what the rival cannot read, and what it breaks on. */
  readonly ask: (problem: PeerProblem) => Promise<RivalAnswer>
  readonly close: () => void
}

const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" }

/** Runs to its end; what it wrote to stdout, or an error with what it said. */
const run = (command: string, args: ReadonlyArray<string>, cwd: string): Promise<string> => new Promise((done, failed) => {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
  const out: Array<Buffer> = []
  let errors = ""
  child.stdout.on("data", (chunk: Buffer) => { out.push(chunk) })
  child.stderr.on("data", (chunk: Buffer) => { errors += chunk.toString() })
  child.on("error", failed)
  child.on("close", (code) => code === 0
    ? done(Buffer.concat(out).toString())
    : failed(new Error(`${command} ${args[0]} ended with ${code}\n${errors.slice(-4000)}`)))
})

const fingerprint = (): string => {
  const hash = createHash("sha256")
  const sources = readdirSync(moduleDir).filter((name) => /\.(go|mod|sum)$/.test(name)).sort()
  for (const name of sources) hash.update(readFileSync(join(moduleDir, name)))
  return hash.digest("hex").slice(0, 12)
}

/** The program, built when it is missing; says so on stderr. Says clearly when Go is missing too. */
export const provideRival = async (): Promise<Rival> => {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "karpenter-linode", `rival-${fingerprint()}`)
  const program = join(cache, "karpenter")
  if (!existsSync(program)) {
    await run("go", ["version"], moduleDir).catch(() => {
      throw new Error("comparing with Karpenter's Go scheduler needs Go 1.26.8 or newer, to build it")
    })
    mkdirSync(cache, { recursive: true })
    process.stderr.write(`building Karpenter's Go scheduler once into ${cache} (2 to 3 minutes on 2 cores)\n`)
    const started = Date.now()
    const tick = setInterval(() => process.stderr.write(`  building, ${Math.round((Date.now() - started) / 1000)} s\n`), 30_000)
    // Built aside and moved in, so that an interrupted build leaves nothing half made.
    const aside = mkdtempSync(join(cache, "building-"))
    try {
      await run("go", ["build", "-trimpath", "-o", join(aside, "karpenter"), "."], moduleDir)
      renameSync(join(aside, "karpenter"), program)
    } finally {
      clearInterval(tick)
      rmSync(aside, { recursive: true, force: true })
    }
  }
  return {
    generate: (mix, pods) => run(program, ["gen", "-mix", mix, "-pods", String(pods)], tmpdir()),
    solve: async (file) => JSON.parse(
      await run(program, ["solve", "-concurrency", "1", "-options", "1", resolve(file)], tmpdir())
    ) as RivalAnswer,
    consolidate: async (file, method) => (JSON.parse(
      await run(program, ["consolidate", "-method", method, "-options", "1", resolve(file)], tmpdir())
    ) as { readonly [Method in typeof rivalMethods[number]]: RivalMethod })[method],
    serve: (runs) => serve(program, runs)
  }
}

const serve = (program: string, runs: number): RivalServer => {
  const args = ["serve", "-runs", String(runs), "-concurrency", "1"]
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "inherit"] })
  const waiting: Array<{ readonly done: (answer: RivalAnswer) => void; readonly failed: (why: Error) => void }> = []
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer = JSON.parse(line) as RivalAnswer & { readonly error?: string }
    const asked = waiting.shift()
    if (answer.error === undefined) asked?.done(answer)
    else asked?.failed(new Error(`the rival refuses: ${answer.error}`))
  })
  child.on("close", (code) => { for (const { failed } of waiting.splice(0)) failed(new Error(`the rival ended with ${code}`)) })
  return {
    ask: (problem) => new Promise((done, failed) => {
      waiting.push({ done, failed })
      child.stdin.write(`${JSON.stringify(problem)}\n`)
    }),
    close: () => { child.stdin.end() }
  }
}
