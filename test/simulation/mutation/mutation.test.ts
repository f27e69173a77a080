/** The simulation proves something because it can fail: bugs put into the product on purpose are caught, each by what it breaks. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { nodeOptions } from "../work.ts"
import type { Caught } from "./mutant.ts"
import type { Mutation } from "./mutations.ts"
import { mutations } from "./mutations.ts"
import { productRoot, rewritten } from "./rewrite.ts"

const processes = 2

/** What becomes of one process that plays these seeds; `stop` ends it. */
const begin = (which: number, seeds: ReadonlyArray<number>) => {
  const args = [...nodeOptions, new URL("mutant.ts", import.meta.url).pathname, String(which), ...seeds.map(String)]
  let child: ChildProcess | undefined
  const caught = new Promise<Caught>((resolve, reject) => {
    child = execFile(process.execPath, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Caught)
      else reject(new Error(stderr.slice(0, 2000)))
    })
  })
  return { caught, stop: () => child?.kill("SIGKILL") }
}

/** Undefined where the bug lived. */
const play = async (which: number, { lives, likely }: Mutation): Promise<Caught | undefined> => {
  const seeds = [...new Set([...likely, ...Array.from({ length: lives }, (_, i) => i + 1)])]
  const begun = Array.from({ length: processes }, (_, n) => begin(which, seeds.filter((_, i) => i % processes === n)))
  try {
    return await Promise.any(begun.map(({ caught }) => caught.then((one) => {
      if (one.violation === undefined) throw new Error("it lived")
      return one
    })))
  } catch (error) {
    const other = (error as AggregateError).errors.find((one: Error) => one.message !== "it lived")
    if (other === undefined) return undefined
    throw other
  } finally {
    for (const { stop } of begun) stop()
  }
}

describe("a bug that is put into the product on purpose", () => {
  for (const { edits, name } of mutations) {
    it(`is a rewritten line that there is: ${name}`, () => {
      for (const edit of edits) assert.include(rewritten(readFileSync(new URL(edit.file, productRoot), "utf8"), edit), edit.becomes)
    })
  }

  it("is refused where its line is not there, or not alone", () => {
    const edit = { file: "a.ts", line: "b", becomes: "c" }
    assert.throws(() => rewritten("aaa", edit), "src/a.ts: found 0 times, expected once: b")
    assert.throws(() => rewritten("abab", edit), "src/a.ts: found 2 times, expected once: b")
  })
})

describe("lives", () => {
  for (const [which, mutation] of mutations.entries()) {
    it(`catch a controller that ${mutation.name}`, async () => {
      const caught = await play(which, mutation)
      assert.isDefined(caught, `it lived through ${mutation.lives} lives`)
      const { invariant = "", text } = caught?.violation ?? {}
      assert.isTrue(mutation.tells.some((words) => invariant.startsWith(words)), `seed ${caught?.seed}: ${invariant}: ${text}`)
    }, 180_000)
  }
})
