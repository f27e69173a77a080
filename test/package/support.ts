/** The unpacked package, read: what it holds, and what its modules import. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { spawnSync } from "node:child_process"
import { inject } from "vitest"

export const root = resolve(import.meta.dirname, "../..")
export const consumer = inject("consumer")
export const unpacked = join(consumer, "node_modules", "karpenter-linode")

export interface Manifest {
  readonly version: string
  readonly bin: { readonly [name: string]: string }
  readonly exports: { readonly "./scheduling": { readonly types: string; readonly default: string } }
  readonly dependencies: { readonly [name: string]: string }
}

export const manifest = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as Manifest

/** Every file of the package, from its root. */
export const files: ReadonlyArray<string> = readdirSync(unpacked, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(unpacked.length + 1))

export const read = (file: string): string => readFileSync(join(unpacked, file), "utf8")

const specifiers = [/^(?:import|export)\s[^"'=;()]*\bfrom\s*["']([^"']+)["']/gm, /^import\s*["']([^"']+)["']/gm, /\bimport\(\s*["']([^"']+)["']/g]

/** What a module of the package imports, statically or not, as written there. */
export const importsOf = (file: string): ReadonlyArray<string> => {
  const text = read(file)
  return specifiers.flatMap((specifier) => [...text.matchAll(specifier)].map(([, to]) => to!))
}

/** The file of the package that a relative import of another leads to; a declaration that names a `.ts` means its `.d.ts`. */
export const target = (from: string, to: string): string => {
  const path = join(dirname(from), to)
  return from.endsWith(".d.ts") ? path.replace(/\.ts$/, ".d.ts") : path
}

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program in the consumer's folder, without what this process was started with. */
export const run = (program: string, args: ReadonlyArray<string>, input = ""): Ended => {
  const { NODE_OPTIONS: _, NODE_PATH: __, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: consumer, env, input, encoding: "utf8" })
  return { status, stdout, stderr }
}
