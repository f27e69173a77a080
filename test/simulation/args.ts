/** What `npm run simulate` is told. */

import type { Mode } from "./world.ts"

export const help = `npm run simulate -- [options]

Plays lives of a cluster on virtual time, with a seeded adversary, and judges them. Ends with one line:
N lives, M violations, F faults in S kinds, T s

  --seeds N       how many lives (1)
  --seed K        the first seed (1): lives have the seeds K, K+1, ...
  --mode M        how machines are bought: as nodes of LKE pools (lke, the default), or as Linodes of their own (instance)
  --keep-going    go on after a violation
  --trace         print all that happens in each life
  --kinds         print how often each kind of fault was injected
  --coverage      print which share of the branches of src/controllers and src/cloud the lives reached;
                  what is the other mode's alone is left out
  --workers W     processes that share the work (as many as there are cores; one with --trace)
`

export interface Options {
  readonly mode: Mode
  readonly seeds: number
  readonly seed: number
  readonly keepGoing: boolean
  readonly trace: boolean
  readonly kinds: boolean
  readonly coverage: boolean
  readonly workers: number
}

export type Parsed =
  | { readonly is: "options"; readonly options: Options }
  | { readonly is: "help" }
  | { readonly is: "wrong"; readonly message: string }

const flags = ["--keep-going", "--trace", "--kinds", "--coverage"] as const
const values = ["--seeds", "--seed", "--mode", "--workers"] as const
const known: ReadonlyArray<string> = [...values, ...flags]

const isValue = (name: string): name is typeof values[number] => (values as ReadonlyArray<string>).includes(name)

class Wrong extends Error {}

const whole = (name: string, given: string | undefined, fallback: number, from: number, to: number): number => {
  if (given === undefined) return fallback
  if (/^\d+$/.test(given) && Number(given) >= from && Number(given) <= to) return Number(given)
  throw new Wrong(`${name}: found "${given}", expected a whole number from ${from} to ${to}`)
}

const read = (args: ReadonlyArray<string>): Map<string, string> => {
  const given = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const [name, ...rest] = args[i]!.split("=") as [string, ...Array<string>]
    if (!known.includes(name)) throw new Wrong(`found "${args[i]}", expected one of ${known.join(", ")}`)
    if (given.has(name)) throw new Wrong(`${name}: found twice, expected once`)
    if (!isValue(name)) {
      if (rest.length > 0) throw new Wrong(`${name}: found "${rest.join("=")}", expected no value`)
      given.set(name, "")
      continue
    }
    const value = rest.length > 0 ? rest.join("=") : args[++i]
    if (value === undefined || value === "") throw new Wrong(`${name}: found nothing, expected a value`)
    given.set(name, value)
  }
  return given
}

const most = 1_000_000_000

/** One clear sentence when something is wrong: the option, what was found, what was expected. */
export const parse = (args: ReadonlyArray<string>, cores: number): Parsed => {
  if (args.includes("--help") || args.includes("-h")) return { is: "help" }
  try {
    const given = read(args)
    const mode = given.get("--mode") ?? "lke"
    if (mode !== "lke" && mode !== "instance") throw new Wrong(`--mode: found "${mode}", expected "lke" or "instance"`)
    const seeds = whole("--seeds", given.get("--seeds"), 1, 1, most)
    const trace = given.has("--trace")
    return {
      is: "options",
      options: {
        mode, seeds, trace, seed: whole("--seed", given.get("--seed"), 1, 0, most),
        keepGoing: given.has("--keep-going"), kinds: given.has("--kinds"), coverage: given.has("--coverage"),
        workers: Math.min(whole("--workers", given.get("--workers"), trace ? 1 : cores, 1, 256), seeds)
      }
    }
  } catch (error) {
    if (error instanceof Wrong) return { is: "wrong", message: error.message }
    throw error
  }
}
