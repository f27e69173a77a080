/** A handful of lives, those that went wrong once, and what makes any of them worth something: they can be played again. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { parse } from "./args.ts"
import { readGround } from "./ground.ts"
import type { Ground, Life } from "./life.ts"
import { live } from "./life.ts"
import { minimalTrace, replayCommand } from "./report.ts"
import { seal } from "./seal.ts"
import { failedOnce } from "./seeds.ts"
import { Deployments, Pods } from "../../src/kube/resources.ts"
import type { Invariant, Mode } from "./world.ts"

const modes: ReadonlyArray<Mode> = ["lke", "instance"]
let grounds: Readonly<Record<Mode, Ground>>
beforeAll(async () => {
  grounds = { lke: await readGround("lke"), instance: await readGround("instance") }
})

const explain = (mode: Mode, { lines, seed, violation }: Life): string => violation === undefined ? "" : [
  `${violation.invariant}: ${violation.text}`, ...minimalTrace(lines, violation), replayCommand(mode, seed)
].join("\n")

describe.each(modes)("a life in mode %s", (mode) => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`goes well from seed ${seed}`, async () => {
      assert.strictEqual(explain(mode, await live(seed, grounds[mode])), "")
    }, 120_000)
  }

  for (const [seed, why] of Object.entries(failedOnce[mode])) {
    it(`goes well from seed ${seed}, which once found: ${why}`, async () => {
      assert.strictEqual(explain(mode, await live(Number(seed), grounds[mode])), "")
    }, 120_000)
  }
})

describe.each(modes)("the same seed in mode %s", (mode) => {
  const seeds = [11, 12, 13, 14]

  it("gives the same life, line by line, alone or among others, and touches no real clock and no real chance", async () => {
    const ground = grounds[mode]
    // What is loaded late is loaded now: modules may ask for the time while they are.
    await live(10, ground)
    const sealed = seal()
    const alone = new Map<number, Life>()
    let together: ReadonlyArray<Life>
    try {
      for (const seed of seeds) alone.set(seed, await live(seed, ground))
      together = await Promise.all(seeds.toReversed().map((seed) => live(seed, ground)))
    } finally {
      sealed.open()
    }
    assert.deepStrictEqual([...sealed.escapes], [])
    for (const life of together) {
      const first = alone.get(life.seed)!
      const differs = first.lines.findIndex(({ at, text }, i) => text !== life.lines[i]?.text || at !== life.lines[i]?.at)
      assert.strictEqual(differs, -1, `seed ${life.seed}: ${JSON.stringify([first.lines[differs], life.lines[differs]])}`)
      assert.strictEqual(life.lines.length, first.lines.length)
      assert.strictEqual(life.hash, first.hash)
    }
    assert.strictEqual(new Set(together.map(({ hash }) => hash)).size, seeds.length, "different seeds are different lives")
  }, 240_000)
})

describe("a violation", () => {
  const never = (name: string, invariant: Omit<Invariant, "name">): Ground => ({ ...grounds.lke, invariants: [() => ({ name, ...invariant })] })

  it("of a step ends the life at that step", async () => {
    const life = await live(1, never("no pods", { step: (world) => world.list(Pods).length > 1 ? "there are pods" : undefined }))
    assert.strictEqual(life.violation?.invariant, "no pods")
    assert.strictEqual(life.lines.find(({ topic }) => topic === "violation")?.text, "no pods: there are pods")
    assert.isBelow(life.minutes, 5)
  }, 60_000)

  it("of what must settle is one only when it does not come to hold", async () => {
    const life = await live(2, never("no Deployment", { settled: (world) => world.list(Deployments).length > 0 ? "one is left" : undefined }))
    assert.strictEqual(life.violation?.invariant, "no Deployment")
    assert.isAbove(life.minutes, 60)
  }, 60_000)
})

describe("the command line", () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["--seeds", "--seeds: found nothing, expected a value"],
    ["--seeds many", '--seeds: found "many", expected a whole number from 1 to 1000000000'],
    ["--seeds 0", '--seeds: found "0", expected a whole number from 1 to 1000000000'],
    ["--seed=-1", '--seed: found "-1", expected a whole number from 0 to 1000000000'],
    ["--seed 1 --seed 2", "--seed: found twice, expected once"],
    ["--trace=yes", '--trace: found "yes", expected no value'],
    ["--mode capi", '--mode: found "capi", expected "lke" or "instance"'],
    ["--workers 0", '--workers: found "0", expected a whole number from 1 to 256'],
    ["--forever", 'found "--forever", expected one of --seeds, --seed, --mode, --workers, --keep-going, --trace, --kinds, --coverage']
  ]
  for (const [line, message] of cases) {
    it(`says of "${line}" what is wrong`, () => {
      assert.deepStrictEqual(parse(line.split(" "), 2), { is: "wrong", message })
    })
  }

  it("ends with one line that counts", async () => {
    const out = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [new URL("main.ts", import.meta.url).pathname, "--seeds", "3", "--workers", "2"], (error, stdout) =>
        error === null ? resolve(stdout) : reject(error))
    })
    assert.match(out, /^3 lives, 0 violations, \d+ faults in \d+ kinds, \d+\.\d s\n$/)
  }, 120_000)
})
