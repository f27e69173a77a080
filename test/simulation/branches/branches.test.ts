/** What counts as a branch that the lives reached, on a small program that V8 counts as it counts the real one. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { armsOf } from "./arms.ts"
import { coverageOf, summary } from "./reached.ts"

const program = `
interface Thing { readonly n?: number }
const size = (thing: Thing): number => thing.n ?? 0
const never = (): number => 1
export const judge = (n: number): string => {
  if (n > 2) return "many"
  else if (n === 2 && size({ n }) > 0) return "two"
  for (const each of [] as ReadonlyArray<number>) never()
  switch (n) {
    case 1: return "one"
    default: return n < 0 ? "debt" : "none"
  }
}
`

describe("the arms of a program", () => {
  it("are its functions, and what is done or not done by condition", () => {
    assert.deepStrictEqual(armsOf(program).map(({ at, kind }) => `${kind}: ${program.slice(at, program.indexOf("\n", at)).slice(0, 14)}`), [
      "function: thing.n ?? 0", "&&: 0", "function: 1", "function: {", 'if: return "many"', "else: if (n === 2 &&", 'if: return "two"',
      "&&: size({ n }) > ", "loop: never()", 'case: return "one"', "case: return n < 0 ?", '?:: "debt" : "none', '?:: "none"'
    ])
  })

  it("count as reached when any of several processes reached them", () => {
    const root = mkdtempSync(join(tmpdir(), "arms-"))
    try {
      mkdirSync(join(root, "src/part"), { recursive: true })
      writeFileSync(join(root, "package.json"), '{ "type": "module" }')
      writeFileSync(join(root, "src/part/judge.ts"), program)
      writeFileSync(join(root, "src/part/unused.ts"), "export const unused = () => 1\n")
      const run = (n: number) => execFileSync(process.execPath, ["--input-type=module", "-e", `import { judge } from "./src/part/judge.ts"; judge(${n})`], {
        cwd: root, env: { ...process.env, NODE_V8_COVERAGE: join(root, "counts") }
      })
      run(1)
      run(2)
      const files = coverageOf(join(root, "counts"), join(root, "src"), ["part"])
      assert.deepStrictEqual(files[0]!.missed.map(({ at, kind }) => `${kind} ${program.slice(at, at + 4).trim().split("\n")[0]}`), [
        // The first of them: the thing always has a number.
        "&& 0", "function 1", "if retu", "loop neve", "case retu", '?: "deb', '?: "non'
      ])
      assert.deepStrictEqual(summary(files, ["part"]), [
        " 46.2 %       6/13  part/judge.ts", "  0.0 %        0/1  part/unused.ts", " 42.9 %       6/14  branches of part"
      ])
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})
