/** What an object says it is. Pure. */
import { Result } from "effect"
import { group, providerGroup } from "../../apis/labels.ts"
import { foundText } from "./fieldProblems.ts"
import { kinds } from "./kinds.ts"

export type KindName = keyof typeof kinds

/** `name` is undefined for a kind that planning has no use for. */
export interface Said {
  readonly kind: string
  readonly name: KindName | undefined
}

const names = Object.keys(kinds) as ReadonlyArray<KindName>
const split = (name: string): readonly [group: string, kind: string] => {
  const slash = name.indexOf("/")
  return [name.slice(0, slash), name.slice(slash + 1)]
}

/** Kubernetes' own groups, of today and of before: a kind of ours in the wrong one of them is a mistake. */
const builtIn: ReadonlySet<string> = new Set([...names.map((name) => split(name)[0]), "extensions"])

/** Of these groups every kind is known here. */
const own: ReadonlySet<string> = new Set([group, providerGroup])
const passedOver: ReadonlySet<string> = new Set(["NodeOverlay"])

const found = (field: unknown): string => field === undefined ? "missing" : `found ${foundText(field)}`

/** The problem where an API server would know no such kind, though one that is nearly so. */
const misspelled = (groupName: string, apiVersion: string, kind: string): string | undefined => {
  if (!builtIn.has(groupName)) return undefined
  const near = names.find((name) => split(name)[1].toLowerCase() === kind.toLowerCase())
  if (near === undefined) {
    if (!own.has(groupName) || passedOver.has(kind)) return undefined
    const known = names.filter((name) => split(name)[0] === groupName).map((name) => split(name)[1])
    return `kind: ${found(kind)}, expected ${known.join(" or ")}`
  }
  const [right, spelled] = split(near)
  if (spelled !== kind) return `kind: ${found(kind)}, expected ${spelled}`
  return `apiVersion: ${found(apiVersion)}, expected ${right === "" ? "v1" : `${right}/v1`} for a ${kind}`
}

/** A problem where the object does not say what it is, or misspells it. */
export const kindOf = ({ apiVersion, kind }: Readonly<Record<string, unknown>>): Result.Result<Said, string> => {
  if (typeof kind !== "string") return Result.fail(`kind: ${found(kind)}, expected the kind of a Kubernetes object such as Pod`)
  if (typeof apiVersion !== "string") {
    return Result.fail(`apiVersion: ${found(apiVersion)}, expected the version of the API such as v1 or karpenter.sh/v1`)
  }
  const groupName = apiVersion.includes("/") ? split(apiVersion)[0] : ""
  const name = names.find((each) => each === `${groupName}/${kind}`)
  const problem = name === undefined ? misspelled(groupName, apiVersion, kind) : undefined
  return problem === undefined ? Result.succeed({ kind, name }) : Result.fail(problem)
}
