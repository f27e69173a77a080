/** Karpenter's `scheduler-config`: the part of kube-scheduler's configuration that nodes have to be planned by. */
import { Effect, Result } from "effect"
import { defaultSpreadProblems } from "../scheduling/defaultSpread.ts"
import type { SpreadConstraint } from "../scheduling/problem.ts"

export interface SchedulerConfig {
  /** The topology spread of pods that have none of their own, as kube-scheduler's `PodTopologySpread` has it. */
  readonly defaultConstraints: ReadonlyArray<SpreadConstraint>
}

export const noSchedulerConfig: SchedulerConfig = { defaultConstraints: [] }

const where = "podTopologySpread.defaultConstraints"
const fields: ReadonlyArray<string> = [
  "maxSkew", "topologyKey", "whenUnsatisfiable", "minDomains", "nodeAffinityPolicy", "nodeTaintsPolicy", "labelSelector",
  "matchLabelKeys"
]

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)

/** The first thing that is wrong with the shape: a field that nobody knows, or a value that is no map. */
const misshapen = (value: unknown, path: string, known: ReadonlyArray<string>): string | undefined => {
  if (!isFields(value)) return `${path === "" ? "the document" : path} is ${JSON.stringify(value)}, must be a map`
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown === undefined) return undefined
  const expected = known.length === 1 ? known[0] : `one of ${known.join(", ")}`
  return `${path === "" ? "" : `${path}.`}${unknown} is not known, must be ${expected}`
}

const check = (document: unknown): Result.Result<SchedulerConfig, string> => {
  if (document === undefined || document === null) return Result.succeed(noSchedulerConfig)
  const wrong = misshapen(document, "", ["podTopologySpread"])
  if (wrong !== undefined) return Result.fail(wrong)
  const spread = (document as Fields)["podTopologySpread"] ?? {}
  const wrongSpread = misshapen(spread, "podTopologySpread", ["defaultConstraints"])
  if (wrongSpread !== undefined) return Result.fail(wrongSpread)
  const constraints = (spread as Fields)["defaultConstraints"] ?? []
  if (!Array.isArray(constraints)) return Result.fail(`${where} is ${JSON.stringify(constraints)}, must be a list`)
  const wrongItems = constraints.flatMap((item: unknown, i) => misshapen(item, `${where}[${i}]`, fields) ?? [])
  const problems = wrongItems.length > 0
    ? wrongItems
    : defaultSpreadProblems(constraints as ReadonlyArray<SpreadConstraint>).map((problem) => where + problem)
  return problems.length > 0
    ? Result.fail(problems.join("; "))
    : Result.succeed({ defaultConstraints: constraints as ReadonlyArray<SpreadConstraint> })
}

const readYaml = Effect.fnUntraced(function*(text: string) {
  // Most controllers never need it.
  const { CORE_SCHEMA, loadAll } = yield* Effect.promise(() => import("js-yaml"))
  const documents = yield* Effect.try({
    try: (): ReadonlyArray<unknown> => loadAll(text, { schema: CORE_SCHEMA }),
    catch: (error) => `no YAML: ${error instanceof Error ? error.message.split("\n")[0]! : String(error)}`
  })
  return documents.length > 1 ? yield* Effect.fail(`${documents.length} documents, must be one`) : documents[0]
})

/**
 * YAML or JSON, read strictly: a field that is not known is a mistake. Fails with what is wrong, by field. An empty document is
 * no configuration.
 */
export const parseSchedulerConfig = (text: string): Effect.Effect<SchedulerConfig, string> =>
  text.trim() === "" ? Effect.succeed(noSchedulerConfig)
    : Effect.flatMap(readYaml(text), (document) => Effect.fromResult(check(document)))
