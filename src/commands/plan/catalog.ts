/** What `--catalog` may hold: Linode's own reply of `/linode/types`, or instance types of any cloud in a form of ours. */
import { Effect, Result, Schema } from "effect"
import { label } from "../../apis/labels.ts"
import { LinodeType } from "../../linode/models.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import { BadInput, badInput } from "./badInput.ts"
import { LabelKey, Labels, Name, Natural, optional, ResourceList } from "./common.ts"
import { readDocuments } from "./documents.ts"
import type { Source } from "./documents.ts"
import { foundText, makeReader } from "./fieldProblems.ts"

export type Catalog =
  | { readonly _tag: "Linode"; readonly types: ReadonlyArray<LinodeType> }
  | { readonly _tag: "Given"; readonly types: ReadonlyArray<InstanceType>; readonly wellKnownLabels: ReadonlyArray<string> }

const Reply = Schema.Struct({ data: Schema.Array(LinodeType) })

const Price = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0, { expected: "a price in US dollars an hour, 0 or more" }))

const Offering = Schema.Struct({
  zone: Name,
  capacityType: Name,
  price: Price,
  available: optional(Schema.Boolean),
  reservationId: optional(Name),
  reservationCapacity: optional(Natural)
})

const Requirement = Schema.Struct({
  key: LabelKey,
  operator: Schema.Literals(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]),
  values: optional(Schema.Array(Schema.String))
})

const GivenType = Schema.Struct({
  name: Name,
  capacity: ResourceList,
  overhead: optional(ResourceList),
  labels: optional(Labels),
  requirements: optional(Schema.Array(Requirement)),
  offerings: Schema.Array(Offering),
  volumeLimits: optional(Schema.Record(Schema.String, Natural))
})

const Given = Schema.Struct({
  version: Schema.Literal(1),
  wellKnownLabels: optional(Schema.Array(LabelKey)),
  instanceTypes: Schema.Array(GivenType)
})

/** The architecture and the system of a type that does not tell them. */
const assumed: Readonly<Record<string, string>> = { [label.arch]: "amd64", [label.os]: "linux" }

const completed = (type: typeof GivenType.Type): InstanceType => {
  const says = (key: string): boolean =>
    type.labels?.[key] !== undefined || (type.requirements ?? []).some((requirement) => requirement.key === key)
  const missing = Object.entries(assumed).filter(([key]) => !says(key))
  return missing.length === 0 ? type : { ...type, labels: { ...Object.fromEntries(missing), ...type.labels } }
}

const twice = (list: string, names: ReadonlyArray<string>): ReadonlyArray<string> => names.flatMap((name, i) => {
  const first = names.indexOf(name)
  const again = `${list}[${i}]: found ${foundText(name)} again, which is at ${list}[${first}], expected each type once`
  return first === i ? [] : [again]
})

const reply = makeReader(Reply)
const given = makeReader(Given)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const read = (value: unknown): Result.Result<Catalog, ReadonlyArray<string>> => {
  if (!isObject(value)) {
    return Result.fail([`found ${foundText(value)}, expected an object with data or with version and instanceTypes`])
  }
  if ("data" in value) {
    return Result.flatMap(reply(value), ({ data }) => {
      const again = twice("data", data.map((type) => type.id))
      return again.length > 0 ? Result.fail(again) : Result.succeed<Catalog>({ _tag: "Linode", types: data })
    })
  }
  if (!("version" in value) && !("instanceTypes" in value)) {
    return Result.fail(["data: missing, expected Linode's reply of /linode/types, or an object with version and instanceTypes"])
  }
  return Result.flatMap(given(value), ({ instanceTypes, wellKnownLabels = [] }) => {
    const again = twice("instanceTypes", instanceTypes.map((type) => type.name))
    return again.length > 0
      ? Result.fail(again)
      : Result.succeed<Catalog>({ _tag: "Given", types: instanceTypes.map(completed), wellKnownLabels })
  })
}

/** JSON or YAML, one document. Problems name the file and the field. */
export const readCatalog = Effect.fnUntraced(function*(source: Source): Effect.fn.Return<Catalog, BadInput> {
  const documents = yield* readDocuments([source])
  const [only] = documents
  if (only === undefined || documents.length > 1) {
    return yield* badInput(`${source.name}: found ${documents.length} documents, expected one catalogue`)
  }
  const catalog = read(only.value)
  if (Result.isSuccess(catalog)) return catalog.success
  return yield* new BadInput({ problems: catalog.failure.map((problem) => `${source.name}: ${problem}`) })
})
