/** What the tarball holds is complete, and holds together. */
import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, rmSync, symlinkSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join } from "node:path"
import { files, importsOf, manifest, read, root, run, target, unpacked } from "./support.ts"

const compiled = files.filter((file) => file.startsWith("dist/"))
const sourceOf = (file: string): string => file.replace(/^dist\//, "src/").replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, ".ts")

describe("the package", () => {
  it("holds what was compiled of its sources, and nothing that an earlier build left: if this fails here alone, remove dist", () => {
    assert.isNotEmpty(compiled)
    assert.deepStrictEqual(compiled.filter((file) => !files.includes(sourceOf(file))), [])
  })

  it("holds the declarations of every module, and maps that lead to the sources it holds", () => {
    const modules = compiled.filter((file) => file.endsWith(".js"))
    const missing = modules.flatMap((file) =>
      [".d.ts", ".d.ts.map", ".js.map"].map((ending) => file.replace(/\.js$/, ending)).filter((file) => !files.includes(file)))
    assert.deepStrictEqual(missing, [])
    const astray = compiled.filter((file) => file.endsWith(".map")).filter((file) => {
      const { sources } = JSON.parse(read(file)) as { readonly sources: ReadonlyArray<string> }
      return !sources.every((source) => join(dirname(file), source) === sourceOf(file))
    })
    assert.deepStrictEqual(astray, [])
  })

  it("keeps tests, tools and benchmarks to itself", () => {
    const tops = new Set(files.map((file) => file.split("/")[0]!))
    assert.deepStrictEqual([...tops].sort(), ["README.md", "crds", "data", "dist", "examples", "package.json", "src"])
  })

  it("imports what it holds, what Node brings, and what it declares as a dependency", () => {
    const nameOf = (to: string): string => to.split("/").slice(0, to.startsWith("@") ? 2 : 1).join("/")
    const wrong = compiled.filter((file) => file.endsWith(".js")).flatMap((file) => importsOf(file).filter((to) =>
      to.startsWith(".") ? !files.includes(target(file, to)) : !isBuiltin(to) && manifest.dependencies[nameOf(to)] === undefined
    ).map((to) => `${file} → ${to}`))
    assert.deepStrictEqual(wrong, [])
  })

  it("starts as a program, with its declared dependencies beside it", () => {
    const modules = join(unpacked, "node_modules")
    try {
      for (const name of Object.keys(manifest.dependencies)) {
        mkdirSync(dirname(join(modules, name)), { recursive: true })
        symlinkSync(join(root, "node_modules", name), join(modules, name))
      }
      const program = join(unpacked, manifest.bin["karpenter-linode"]!)
      const ended = run(process.execPath, [program, "--version"])
      assert.deepStrictEqual(ended, { status: 0, stdout: `karpenter-linode ${manifest.version} (unspecified)\n`, stderr: "" })
      for (const command of ["controller", "demo"]) {
        const { status, stderr } = run(process.execPath, [program, command, "--help"])
        assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" }, command)
      }
    } finally {
      rmSync(modules, { recursive: true, force: true })
    }
  })
})
