/** What Linode checks of a node pool before it looks whether it can be had. Unknown fields are ignored. */
import { Refusal, type SimulatedTaint, type Tier } from "./world.ts"

export interface PoolRequest {
  readonly count: number | undefined
  readonly labels: Readonly<Record<string, string>> | undefined
  readonly taints: ReadonlyArray<SimulatedTaint> | undefined
  readonly tags: ReadonlyArray<string> | undefined
}

const mostNodesPerPool: Readonly<Record<Tier, number>> = { standard: 100, enterprise: 500 }
const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const value = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/
const prefix = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

export const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x)

const isKey = (key: string): boolean => {
  const slash = key.indexOf("/")
  if (slash < 0) return name.test(key)
  return key.length <= 128 && prefix.test(key.slice(0, slash)) && name.test(key.slice(slash + 1))
}

const count = (x: unknown, tier: Tier): number => {
  const most = mostNodesPerPool[tier]
  if (typeof x === "number" && Number.isInteger(x) && x >= 1 && x <= most) return x
  throw new Refusal(400, `Must be 1-${most}`, "count")
}

export const readTags = (x: unknown): ReadonlyArray<string> => {
  if (!Array.isArray(x) || x.some((tag) => typeof tag !== "string")) throw new Refusal(400, "Must be a list of strings", "tags")
  if (x.some((tag: string) => tag.length < 1 || tag.length > 50)) throw new Refusal(400, "Length must be 1-50 characters", "tags")
  return [...new Set<string>(x)]
}

const labels = (x: unknown): Readonly<Record<string, string>> => {
  const bad = (reason: string) => new Refusal(400, reason, "labels")
  if (!isRecord(x)) throw bad("Labels must be an object")
  const checked: Record<string, string> = {}
  for (const [key, text] of Object.entries(x)) {
    if (typeof text !== "string" || text.length > 63 || !value.test(text)) throw bad(`Invalid value of label ${key}`)
    if (!isKey(key)) throw bad(`Invalid label key ${key}`)
    if (/kubernetes\.io|linode\.com/.test(key)) throw bad(`Label key ${key} is reserved`)
    checked[key] = text
  }
  return checked
}

const taints = (x: unknown): ReadonlyArray<SimulatedTaint> => {
  const bad = (reason: string) => new Refusal(400, reason, "taints")
  if (!Array.isArray(x)) throw bad("Taints must be a list")
  return x.map((taint: unknown) => {
    if (!isRecord(taint)) throw bad("A taint must be an object")
    const { effect, key, value: text } = taint
    if (typeof key !== "string" || !isKey(key)) throw bad("Invalid taint key")
    if (/kubernetes\.io|linode\.com/.test(key)) throw bad(`Taint key ${key} is reserved`)
    if (typeof text !== "string" || text.length > 63 || !value.test(text)) throw bad(`Invalid value of taint ${key}`)
    if (typeof effect !== "string" || !effects.includes(effect)) throw bad(`Invalid effect of taint ${key}`)
    return { key, value: text, effect }
  })
}

/** @throws Refusal 400 that names the field */
export const readPoolRequest = (body: Readonly<Record<string, unknown>>, tier: Tier): PoolRequest => ({
  count: body.count === undefined ? undefined : count(body.count, tier),
  tags: body.tags === undefined || body.tags === null ? undefined : readTags(body.tags),
  labels: body.labels === undefined || body.labels === null ? undefined : labels(body.labels),
  taints: body.taints === undefined || body.taints === null ? undefined : taints(body.taints)
})
