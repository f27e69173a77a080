import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../src")

/** Which floors a floor may import from. Not listed: none but itself. */
const below: Readonly<Record<string, ReadonlyArray<string>>> = {
  scheduling: [],
  // The plain shapes of Kubernetes objects are the only thing these two share.
  apis: ["kube/objects.ts", "kube/resources.ts"],
  kube: ["apis"],
  linode: [],
  settings: ["scheduling", "apis"],
  runtime: ["apis", "kube", "settings"],
  cloud: ["scheduling", "apis", "kube", "linode", "settings", "runtime"],
  cluster: ["scheduling", "apis", "kube", "linode", "settings", "runtime", "cloud"],
  controllers: ["scheduling", "apis", "kube", "linode", "settings", "runtime", "cloud", "cluster"],
  simulator: ["scheduling", "apis", "kube", "linode"],
  commands: ["scheduling", "apis", "kube", "linode", "settings", "runtime", "cloud", "cluster", "controllers", "simulator", "version.ts"],
  "cli.ts": ["commands", "version.ts"],
  "main.ts": ["cli.ts"]
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))

const imports = files.flatMap((file) => {
  const source = readFileSync(join(root, file), "utf8")
  return [...source.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map((match) => ({ file, to: match[1]! }))
})

const floorOf = (file: string): string => file.split("/")[0]!

describe("the floors of the house", () => {
  it("let imports point downwards only", () => {
    const wrong = imports.flatMap(({ file, to }) => {
      if (!to.startsWith(".")) return []
      const target = relative(root, resolve(root, dirname(file), to))
      const from = floorOf(file)
      if (target.startsWith("..") || floorOf(target) === from) return target.startsWith("..") && !target.endsWith(".json") ? [`${file} → ${to}`] : []
      const allowed = below[from] ?? []
      return allowed.includes(floorOf(target)) || allowed.includes(target) ? [] : [`${file} → ${target}`]
    })
    assert.deepStrictEqual(wrong, [])
  })

  it("keep the scheduler free of every package", () => {
    assert.deepStrictEqual(imports.filter(({ file, to }) => floorOf(file) === "scheduling" && !to.startsWith(".")), [])
  })

  it("keep clients of the outside world where they belong", () => {
    const homes: Readonly<Record<string, ReadonlyArray<string>>> = {
      "@kubernetes/client-node": ["kube"],
      "@kubernetes/client-node/dist/config.js": ["kube"],
      "@linode/api-v4": ["linode"],
      axios: ["linode", "simulator"],
      "prom-client": ["runtime"]
    }
    const wrong = imports.filter(({ file, to }) => homes[to] !== undefined && !homes[to].includes(floorOf(file)))
    assert.deepStrictEqual(wrong, [])
  })
})
