/** The X-Filter header, with Linode's semantics. */
import { isRecord } from "./poolRules.ts"
import { Refusal } from "./world.ts"

export type Row = Readonly<Record<string, unknown>>

const refuse = (reason: string) => new Refusal(400, reason, "X-Filter")

const compare = (a: unknown, b: unknown): number =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0

const operators: Readonly<Record<string, (value: unknown, wanted: unknown) => boolean>> = {
  // A substring, not a member: `nodepool=12` is in `nodepool=123`.
  "+contains": (value, wanted) => String(value).toLowerCase().includes(String(wanted).toLowerCase()),
  "+gt": (value, wanted) => compare(value, wanted) > 0,
  "+gte": (value, wanted) => compare(value, wanted) >= 0,
  "+lt": (value, wanted) => compare(value, wanted) < 0,
  "+lte": (value, wanted) => compare(value, wanted) <= 0,
  "+neq": (value, wanted) => value !== wanted
}

/** One condition on one field; on a list it holds when it holds for a member. */
const matchesField = (value: unknown, condition: unknown): boolean => {
  const values: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
  if (!isRecord(condition)) return values.some((one) => one === condition)
  return Object.entries(condition).map(([operator, wanted]) => {
    const test = operators[operator]
    if (test === undefined) throw refuse(`Invalid operator ${operator}`)
    return operator === "+neq" ? values.every((one) => test(one, wanted)) : values.some((one) => test(one, wanted))
  }).every(Boolean)
}

const matches = (row: Row, filter: unknown, fields: ReadonlyArray<string>): boolean => {
  if (!isRecord(filter)) throw refuse("Invalid filter")
  // All of it is looked at, so that a wrong part never goes unnoticed.
  return Object.entries(filter).map(([key, condition]) => {
    if (key === "+and" || key === "+or") {
      if (!Array.isArray(condition)) throw refuse(`${key} takes a list`)
      const results = condition.map((part) => matches(row, part, fields))
      return key === "+and" ? results.every(Boolean) : results.some(Boolean)
    }
    if (key === "+order" || key === "+order_by") return true
    if (!fields.includes(key)) throw refuse(`Cannot filter on ${key}`)
    return matchesField(row[key], condition)
  }).every(Boolean)
}

/**
 * The rows that a filter lets through, in its order. `fields` may be filtered on.
 * @throws Refusal 400 on field X-Filter
 */
export const filterRows = (
  rows: ReadonlyArray<Row>, header: string | undefined, fields: ReadonlyArray<string>
): ReadonlyArray<Row> => {
  if (header === undefined || header === "") return rows
  let filter: unknown
  try {
    // As in any JSON, of two conditions under the same key only the last one is left.
    filter = JSON.parse(header)
  } catch {
    throw refuse("Cannot parse filter")
  }
  // A filter is wrong or right whatever the rows.
  matches({}, filter, fields)
  const passed = rows.filter((row) => matches(row, filter, fields))
  if (!isRecord(filter) || filter["+order_by"] === undefined) return passed
  const by = filter["+order_by"]
  if (typeof by !== "string" || !fields.includes(by)) throw refuse(`Cannot order by ${String(by)}`)
  const sign = filter["+order"] === "desc" ? -1 : 1
  return passed.toSorted((a, b) => sign * compare(a[by], b[by]))
}

/**
 * The page that was asked for, in Linode's envelope.
 * @throws Refusal 400 on page or page_size, 404 past the end
 */
export const page = (rows: ReadonlyArray<Row>, query: URLSearchParams): Row => {
  const whole = (name: string, usual: number, least: number, most: number, reason: string): number => {
    const text = query.get(name)
    if (text === null) return usual
    const number = Number(text)
    if (!Number.isInteger(number) || number < least || number > most) throw new Refusal(400, reason, name)
    return number
  }
  const size = whole("page_size", 100, 25, 500, "Must be 25-500")
  const index = whole("page", 1, 1, Number.MAX_SAFE_INTEGER, "Must be 1 or more")
  const pages = Math.max(1, Math.ceil(rows.length / size))
  if (index > pages) throw new Refusal(404, "Not found")
  return { data: rows.slice((index - 1) * size, index * size), page: index, pages, results: rows.length }
}
