/** The arguments of `plan`. */
import { Effect, Result, Schema } from "effect"
import * as Kind from "../../settings/kinds.ts"
import { Problem } from "../../settings/load.ts"
import { parseSchedulerConfig } from "../../settings/schedulerConfig.ts"
import { table } from "../../settings/table.ts"
import type { SpreadConstraint } from "../../scheduling/problem.ts"

export interface PlanOptions {
  /** In the order given; `-` is standard input. None: the cluster of the current kubeconfig is read. */
  readonly files: ReadonlyArray<string>
  readonly catalog: string | undefined
  readonly region: { readonly flag: string | undefined; readonly variable: string | undefined }
  readonly output: "text" | "json"
  readonly searchMillis: number
  readonly preferencePolicy: "Respect" | "Ignore"
  readonly minValuesPolicy: "Strict" | "BestEffort"
  /** US dollars an hour on top of a node's price. */
  readonly nodePrice: number
  /** The topology spread of pods that have none of their own. */
  readonly defaultConstraints: ReadonlyArray<SpreadConstraint>
  /** What the user says of a plan's memory is lost; undefined for what LKE nodes really lose. */
  readonly memoryShare: number | undefined
  /** Which nodes can go, instead of what to buy; undefined where that is not asked. */
  readonly consolidate: ConsolidateOptions | undefined
}

export interface ConsolidateOptions {
  /** Every command that would follow, until there is none. */
  readonly untilStable: boolean
  /** US dollars an hour, as the settings of the same names. */
  readonly minimumSavings: number
  readonly podPrice: number | undefined
}

/** What has no value: it is there or not. */
const switches = ["consolidate", "until-stable"] as const
type Switch = typeof switches[number]

const isSwitch = (name: string): name is Switch => switches.some((known) => known === name)

/** Arguments that cannot be used, all of them at once. */
export class PlanUsage extends Schema.TaggedError<PlanUsage>()("PlanUsage", { problems: Schema.Array(Problem) }) {
  override get message(): string {
    return [
      ...this.problems.map((problem) => `${problem.name}: ${problem.found}, expected ${problem.expected}`),
      "See karpenter-linode plan --help."
    ].join("\n")
  }
}

const path: Kind.Kind<string> = { ...Kind.text, expected: "a file, a folder, or - for standard input" }

/** By flag, with what may stand for it in the environment. */
const flags = {
  filename: { kind: path, env: [] },
  catalog: { kind: { ...Kind.text, expected: "a file" }, env: [] },
  region: { kind: { ...Kind.text, expected: "a region of Linode such as us-ord" }, env: [] },
  output: { kind: Kind.oneOf(["text", "json"]), env: [] },
  "search-ms": { kind: Kind.integer(0, 3_600_000), env: [] },
  "preference-policy": table.preferencePolicy,
  "min-values-policy": table.minValuesPolicy,
  "node-price": table.nodePrice,
  "consolidation-minimum-savings": table.consolidationMinimumSavings,
  "consolidation-pod-price": table.consolidationPodPrice,
  "scheduler-config": table.schedulerConfig,
  "vm-memory-overhead-percent": table.vmMemoryOverheadPercent
} as const

type Flag = keyof typeof flags

const short: Readonly<Record<string, Flag>> = { f: "filename", o: "output" }

const isFlag = (name: string): name is Flag => Object.hasOwn(flags, name)

interface Word {
  readonly flag: Flag
  /** As the user wrote it. */
  readonly shown: string
  readonly value: string
}

/** `--name value`, `--name=value`, `-f value`, `-fvalue`. */
const readWords = (args: ReadonlyArray<string>, problems: Array<Problem>, given: Set<Switch>): ReadonlyArray<Word> => {
  const words: Array<Word> = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const long = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(arg)
    const brief = /^-([a-z])(?:=?([\s\S]+))?$/.exec(arg)
    const name = long?.[1] ?? short[brief?.[1] ?? ""] ?? ""
    if (isSwitch(name)) {
      if (long?.[2] === undefined) given.add(name)
      else problems.push({ name: `--${name}`, found: JSON.stringify(long[2]), expected: "no value" })
      continue
    }
    if (!isFlag(name)) {
      const hint = arg.startsWith("-") ? "a flag that --help lists" : "flags only; files come after -f"
      problems.push({ name: long === null ? arg : `--${name || long[1]!}`, found: "unknown argument", expected: hint })
      continue
    }
    const shown = long === null ? `-${brief![1]!}` : `--${name}`
    const value = (long ?? brief)?.[2] ?? args[++i]
    if (value === undefined) problems.push({ name: shown, found: "no value", expected: flags[name].kind.expected })
    else words.push({ flag: name, shown, value })
  }
  return words
}

/** How long is searched unless `--search-ms` says so. */
const usualMillis = { plan: 200, consolidate: 60_000 }

/** Flags win over variables; an empty variable counts as not set, an empty flag as given. */
export const readOptions = (
  args: ReadonlyArray<string>, env: Readonly<Record<string, string | undefined>>
): Effect.Effect<PlanOptions, PlanUsage> => Effect.gen(function*() {
  const problems: Array<Problem> = []
  const given = new Set<Switch>()
  const words = readWords(args, problems, given)
  const variable = (names: ReadonlyArray<string>): Pick<Word, "shown" | "value"> | undefined =>
    names.flatMap((name) => (env[name] ?? "") === "" ? [] : [{ shown: name, value: env[name]! }])[0]

  const parse = <A>(given: Pick<Word, "shown" | "value"> | undefined, kind: Kind.Kind<A>): A | undefined => {
    if (given === undefined) return undefined
    const parsed = given.value === "" ? Result.fail(undefined) : kind.parse(given.value)
    if (Result.isSuccess(parsed)) return parsed.success
    problems.push({ name: given.shown, found: JSON.stringify(given.value), expected: kind.expected })
    return undefined
  }
  const one = <A>(flag: Flag, kind: Kind.Kind<A>): A | undefined =>
    parse(words.findLast((word) => word.flag === flag) ?? variable(flags[flag].env), kind)

  const configured = words.findLast((word) => word.flag === "scheduler-config") ?? variable(table.schedulerConfig.env)
  const config = yield* Effect.result(parseSchedulerConfig(configured?.value ?? ""))
  if (configured !== undefined && Result.isFailure(config)) {
    problems.push({ name: configured.shown, found: config.failure, expected: table.schedulerConfig.kind.expected })
  }
  const consolidates = given.has("consolidate")
  const minimumSavings = one("consolidation-minimum-savings", table.consolidationMinimumSavings.kind) ?? 0
  const podPrice = one("consolidation-pod-price", table.consolidationPodPrice.kind)
  if (given.has("until-stable") && !consolidates) {
    problems.push({ name: "--until-stable", found: "no --consolidate", expected: "both or neither" })
  }
  const options: PlanOptions = {
    files: words.filter((word) => word.flag === "filename").flatMap((word) => parse(word, path) ?? []),
    catalog: one("catalog", flags.catalog.kind),
    region: { flag: one("region", flags.region.kind), variable: variable(["LINODE_REGION"])?.value },
    output: one("output", flags.output.kind) ?? "text",
    searchMillis: one("search-ms", flags["search-ms"].kind) ?? (consolidates ? usualMillis.consolidate : usualMillis.plan),
    preferencePolicy: one("preference-policy", table.preferencePolicy.kind) ?? "Respect",
    minValuesPolicy: one("min-values-policy", table.minValuesPolicy.kind) ?? "Strict",
    nodePrice: one("node-price", table.nodePrice.kind) ?? table.nodePrice.fallback!.value,
    defaultConstraints: Result.isSuccess(config) ? config.success.defaultConstraints : [],
    memoryShare: one("vm-memory-overhead-percent", table.vmMemoryOverheadPercent.kind),
    consolidate: consolidates ? { untilStable: given.has("until-stable"), minimumSavings, podPrice } : undefined
  }
  return problems.length > 0 ? yield* new PlanUsage({ problems }) : options
})
