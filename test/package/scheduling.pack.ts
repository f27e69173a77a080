/** `karpenter-linode/scheduling` as somebody else uses it: from the packed tarball, with no other module in reach. */
import { assert, describe, it } from "@effect/vitest"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { consumer, files, importsOf, manifest, read, root, run, target } from "./support.ts"

/** This project's Node, and the machine's, which may be older. */
const nodes = [...new Set([process.execPath, process.env["npm_node_execpath"] ?? process.execPath])]

/** Everything that a module of the package reaches. */
const reached = (entry: string): ReadonlyArray<string> => {
  const seen = new Set([entry])
  for (const file of seen) {
    // A specifier that is not relative stays as it is, and is no file of the package.
    for (const to of importsOf(file)) seen.add(to.startsWith(".") ? target(file, to) : to)
  }
  return [...seen]
}

/** The code blocks of a document, in one language. */
const blocks = (file: string, language: string): ReadonlyArray<string> =>
  [...read(file).matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(([, code]) => code!)
    .filter((code) => code.includes("karpenter-linode/scheduling"))

const evaluate = (node: string, code: string) => run(node, ["--input-type=module", "-"], code)

describe("karpenter-linode/scheduling", () => {
  it.each(["types", "default"] as const)("reaches only its own files, as its %s", (condition) => {
    const all = reached(manifest.exports["./scheduling"][condition].slice("./".length))
    assert.isAbove(all.length, 5)
    assert.deepStrictEqual(all.filter((file) => !file.startsWith("dist/scheduling/") || !files.includes(file)), [])
  })

  it("names its types first, as TypeScript takes the first condition that it knows", () => {
    assert.deepStrictEqual(Object.keys(manifest.exports["./scheduling"]), ["types", "default"])
  })

  it.each(nodes)("is imported by %s", (node) => {
    const { status, stdout, stderr } = evaluate(node, `
      const { schedule } = await import("karpenter-linode/scheduling")
      process.stdout.write(typeof schedule)
    `)
    assert.deepStrictEqual({ status, stdout, stderr }, { status: 0, stdout: "function", stderr: "" })
  })

  it("can be required", () => {
    const { status, stdout } = run(process.execPath, ["-p", `typeof require("karpenter-linode/scheduling").schedule`])
    assert.deepStrictEqual({ status, stdout }, { status: 0, stdout: "function\n" })
  })

  it.each([
    "karpenter-linode", "karpenter-linode/scheduling/model.js", "karpenter-linode/dist/scheduling/index.js",
    "karpenter-linode/dist/main.js", "karpenter-linode/src/scheduling/index.ts"
  ])("is the only way in: %s is refused", (name) => {
    const { stdout } = evaluate(process.execPath, `await import("${name}").catch(({ code }) => process.stdout.write(code))`)
    assert.strictEqual(stdout, "ERR_PACKAGE_PATH_NOT_EXPORTED")
  })

  it("exports these names: whoever adds or takes away one means it", () => {
    const { stdout } = evaluate(process.execPath, `
      import * as library from "karpenter-linode/scheduling"
      process.stdout.write(Object.keys(library).join(" "))
    `)
    assert.deepStrictEqual(stdout.split(" "), [
      "MalformedQuantity", "addResources", "anything", "both", "compareQuantities", "compatible", "conflict", "consolidate",
      "consolidating", "coreWellKnownLabels", "describeRequirements", "describeTaint", "describeValues", "formatOf", "formatQuantity", "hasValue", "intersection", "intersects",
      "isContradiction", "isRestrictedLabel", "matchesLabels", "noRequirements", "noValue", "normalizeLabelKey", "operatorOf",
      "overlaps", "parseQuantity", "podRequests", "requirementsOf", "requirementsOfLabels", "schedule", "serializeRequirements",
      "solve", "solving", "someValue", "subtractResources", "toMillis", "toRequirements", "toUnits", "tolerationMatches", "untilStable", "untolerated", "valueSet",
      "valuesIn"
    ])
  })

  it("answers with the same plan from frozen JSON, which it leaves as it was", () => {
    const { stdout, stderr } = evaluate(process.execPath, `
      import { schedule } from "karpenter-linode/scheduling"
      const pod = (i) => ({ metadata: { name: "p" + i }, spec: { containers: [{ resources: { requests: { cpu: "700m" } } }] } })
      const problem = {
        version: 1, pods: [1, 2, 3].map(pod), nodes: [], daemonSets: [],
        nodePools: [{ metadata: { name: "default" }, spec: { template: { spec: { requirements: [] } } } }],
        instanceTypes: { default: [{
          name: "two", capacity: { cpu: 2, memory: "4Gi", pods: 110 },
          offerings: [{ zone: "a", capacityType: "on-demand", price: 0.036 }]
        }] }
      }
      const frozen = JSON.parse(JSON.stringify(problem), (_, value) => Object.freeze(value))
      const plan = schedule(frozen)
      const again = JSON.stringify(JSON.parse(JSON.stringify(plan)))
      process.stdout.write(String(JSON.stringify(schedule(problem)) === again && plan.newNodes.length === 2))
    `)
    assert.deepStrictEqual({ stdout, stderr }, { stdout: "true", stderr: "" })
  })
})

describe("the examples", () => {
  it.each(nodes)("plan.mjs runs on %s", (node) => {
    const { status, stdout, stderr } = run(node, ["plan.mjs"])
    assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
    assert.match(stdout, /^buy default-1, g6-standard-/m)
  })

  it("deadline.ts runs as it is", () => {
    const { status, stdout, stderr } = run(process.execPath, ["deadline.ts"])
    assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
    assert.match(stdout, /^by the deadline: \d+ nodes/m)
  })

  it.each(["README.md", "src/scheduling/README.md"])("in %s run", (file) => {
    const found = blocks(file, "js")
    assert.isNotEmpty(found)
    for (const code of found) {
      const { status, stderr } = evaluate(process.execPath, code)
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" }, code)
    }
  })
})

/** Compiles files of the consumer's folder with this project's TypeScript; says what was wrong. */
const check = (options: Readonly<Record<string, unknown>>, ...names: ReadonlyArray<string>): string => {
  const config = join(consumer, "tsconfig.json")
  writeFileSync(config, JSON.stringify({
    compilerOptions: { noEmit: true, strict: true, skipLibCheck: false, target: "es2022", types: [], ...options },
    files: names
  }))
  const { status, stdout, stderr } = run(join(root, "node_modules", ".bin", "tsc"), ["-p", config])
  return status === 0 ? "" : stdout + stderr
}

const resolutions = [
  { module: "node16", moduleResolution: "node16" },
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
  { module: "preserve", moduleResolution: "bundler", exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
]

describe("the declarations", () => {
  it("say of every exported name what it is", () => {
    const lines = (file: string): ReadonlyArray<string> => read(`dist/scheduling/${file}.d.ts`).split("\n")
    const everything = ["problem", "plan"].flatMap((file) => lines(file).flatMap((line) => {
      const name = /^export (?:interface|type) (\w+)/.exec(line)?.[1]
      return name === undefined ? [] : [{ file, name }]
    }))
    const named = [...read("dist/scheduling/index.d.ts").matchAll(/^export (?:type )?\{([^}]*)\} from "\.\/(\w+)\.ts"/gm)]
      .flatMap(([, names, file]) => names!.split(",").map((name) => ({ file: file!, name: name.trim() })))
    const silent = [...everything, ...named].filter(({ file, name }) => {
      const text = lines(file)
      const at = text.findIndex((line) => new RegExp(`^export (?:declare )?\\w+ ${name}\\b`).test(line))
      return !text[at - 1]?.trimEnd().endsWith("*/")
    })
    assert.deepStrictEqual(silent, [])
  })

  const node = { lib: ["es2022"], typeRoots: [join(root, "node_modules", "@types")], types: ["node"] }

  it.each(resolutions)("fit the examples under %o", (resolution) => {
    assert.strictEqual(check({ ...resolution, ...node, checkJs: true }, "plan.mjs", "deadline.ts"), "")
  })

  it.each(resolutions)("need neither the types of Node nor those of a browser under %o", (resolution) => {
    writeFileSync(join(consumer, "alone.ts"), `
      import { schedule, type Plan, type Problem } from "karpenter-linode/scheduling"
      export const cost = (problem: Problem): number => schedule(problem).totals.hourlyPrice
      export const first = (plan: Plan): string | undefined => plan.newNodes[0]?.instanceType
    `)
    assert.strictEqual(check({ ...resolution, lib: ["es2022"] }, "alone.ts"), "")
  })

  it.each(resolutions)("say what is wrong with a problem, and know no other way in under %o", (resolution) => {
    writeFileSync(join(consumer, "wrong.ts"), `
      import { schedule } from "karpenter-linode/scheduling"
      import { compile } from "karpenter-linode/dist/scheduling/model.js"
      schedule({ version: 2, pods: [], nodePools: [], instanceTypes: {}, nodes: [], daemonSets: [] })
      compile(schedule)
    `)
    const said = [...check({ ...resolution, lib: ["es2022"] }, "wrong.ts").matchAll(/error (TS\d+)/g)].map(([, code]) => code)
    assert.deepStrictEqual(said, ["TS2307", "TS2322"])
  })
})
