/** Reads the settings from flags and environment. A flag wins over a variable, a variable over the default. */
import { Duration, Effect, Layer, Result, Schema } from "effect"
import { noSchedulerConfig, parseSchedulerConfig } from "./schedulerConfig.ts"
import type { SchedulerConfig } from "./schedulerConfig.ts"
import { Settings } from "./settings.ts"
import type { SettingsShape } from "./settings.ts"
import { table } from "./table.ts"
import type { Setting, Values } from "./table.ts"

export const Problem = Schema.Struct({ name: Schema.String, found: Schema.String, expected: Schema.String })
export type Problem = typeof Problem.Type

/** Everything that is wrong with the settings, at once. */
export class SettingsInvalid extends Schema.TaggedError<SettingsInvalid>()("SettingsInvalid", { problems: Schema.Array(Problem) }) {
  override get message(): string {
    return this.problems.map((p) => `${p.name}: ${p.found}, expected ${p.expected}`).join("\n")
  }
}

export interface Source {
  /** Arguments after the command's name. */
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
}

const all: ReadonlyArray<[keyof Values, Setting<unknown>]> = Object.entries(table) as ReadonlyArray<[keyof Values, Setting<unknown>]>

const title = (setting: Setting<unknown>): string =>
  setting.flag === undefined ? setting.env[0]! : `--${setting.flag} (${setting.env.join(" or ")})`

/** Splits `--name=value`, `--name value` and bare `--name` into texts; what fits no setting becomes a problem. */
const readFlags = (args: ReadonlyArray<string>, problems: Array<Problem>): Map<string, string> => {
  const flags = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const match = /^--?([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/.exec(arg)
    const setting = match === null ? undefined : all.find(([, each]) => each.flag === match[1])?.[1]
    if (match === null || setting === undefined) {
      problems.push({ name: match === null ? arg : `--${match[1]}`, found: "unknown argument", expected: "a flag that --help lists" })
      continue
    }
    const next = args[i + 1]
    if (match[2] !== undefined) flags.set(match[1]!, match[2])
    else if (setting.kind.bare !== undefined && (next === undefined || Result.isFailure(setting.kind.parse(next)))) flags.set(match[1]!, setting.kind.bare)
    else if (next === undefined) problems.push({ name: title(setting), found: "no value", expected: setting.kind.expected })
    else flags.set(match[1]!, args[++i]!)
  }
  return flags
}

/** What instance mode cannot find out by itself. */
const missingForInstances = (values: Partial<Values>): ReadonlyArray<Problem> => {
  if (values.mode !== "instance") return []
  const needed = (setting: Setting<unknown>, value: string | undefined, expected: string): ReadonlyArray<Problem> =>
    value === "" ? [{ name: title(setting), found: "missing", expected }] : []
  return [
    ...needed(table.clusterRegion, values.clusterRegion, "the region to buy in, such as us-ord, with --mode=instance"),
    ...values.bootstrap === "k3s"
      ? needed(table.clusterEndpoint, values.clusterEndpoint, "the address of a k3s server, such as https://192.0.2.10:6443, with --bootstrap=k3s")
      : []
  ]
}

/** Everything that could be read, and everything that could not. */
const collect = (source: Source): { readonly values: Partial<Values>; readonly problems: ReadonlyArray<Problem> } => {
  const problems: Array<Problem> = []
  const flags = readFlags(source.args, problems)
  const values: Record<string, unknown> = {}
  for (const [key, setting] of all) {
    const flag = setting.flag === undefined ? undefined : flags.get(setting.flag)
    const given = flag ?? setting.env.map((name) => source.env[name]).find((text) => text !== undefined && text !== "")
    if (given === undefined || (given === "" && setting.fallback === undefined)) {
      if (setting.fallback === undefined) problems.push({ name: title(setting), found: "missing", expected: setting.kind.expected })
      else values[key] = setting.fallback.value
      continue
    }
    const parsed = setting.kind.parse(given)
    if (Result.isSuccess(parsed)) values[key] = parsed.success
    else problems.push({ name: title(setting), found: setting.kind.secret ? "not usable" : JSON.stringify(given), expected: setting.kind.expected })
  }
  return { values: values as Partial<Values>, problems: [...problems, ...missingForInstances(values as Partial<Values>)] }
}

/** All settings, or everything that is wrong with them. Empty variables count as not set, as charts write them. */
export const read = (source: Source): Result.Result<Values, SettingsInvalid> => {
  const { problems, values } = collect(source)
  return problems.length > 0 ? Result.fail(new SettingsInvalid({ problems })) : Result.succeed(values as Values)
}

const orDefault = (given: Duration.Duration, fallback: Duration.Duration): Duration.Duration =>
  Duration.toMillis(given) === 0 ? fallback : given

/** The process stands still while it searches, so the search must stay small beside what pods wait for anyway. */
const defaultSearchBudget = (batchMax: Duration.Duration): Duration.Duration =>
  Duration.millis(Math.min(200, Duration.toMillis(batchMax) / 10))

const shape = (v: Values, schedulerConfig: SchedulerConfig): SettingsShape => ({
  ...v,
  schedulerConfig,
  searchBudget: v.searchBudget ?? defaultSearchBudget(v.batchMaxDuration),
  lkeCreateDeadline: orDefault(v.lkeCreateDeadline, table.lkeCreateDeadline.fallback!.value)
})

/** As `read`, with what takes more than a look: the scheduler's configuration is parsed and checked by field. */
export const load = Effect.fnUntraced(function*(source: Source): Effect.fn.Return<SettingsShape, SettingsInvalid> {
  const { problems, values } = collect(source)
  const setting = table.schedulerConfig
  const config = yield* Effect.result(parseSchedulerConfig(values.schedulerConfig ?? ""))
  const all = Result.isSuccess(config)
    ? problems
    : [...problems, { name: title(setting), found: config.failure, expected: setting.kind.expected }]
  if (all.length > 0) return yield* new SettingsInvalid({ problems: all })
  return shape(values as Values, Result.isSuccess(config) ? config.success : noSchedulerConfig)
})

/** The settings as a service. */
export const layer = (source: Source): Layer.Layer<Settings, SettingsInvalid> => Layer.effect(Settings, load(source))
