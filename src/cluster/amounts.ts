/** Sums and comparisons of Kubernetes resource lists, exactly. */
import type { ResourceList } from "../kube/objects.ts"
import { addResources, formatOf, formatQuantity, parseQuantity } from "../scheduling/index.ts"

const zero = 0n
const nanos = (quantity: string | number | undefined): bigint => quantity === undefined ? zero : parseQuantity(quantity)
const format = (resource: string, amount: bigint): string => formatQuantity(amount, formatOf(resource))

/** Resource by resource; what only `a` has stays, and nothing goes below zero. */
export const minus = (a: ResourceList, b: ResourceList): ResourceList => Object.fromEntries(
  Object.entries(a).map(([name, quantity]) => {
    const left = nanos(quantity) - nanos(b[name])
    return [name, b[name] === undefined ? quantity : format(name, left < zero ? zero : left)]
  })
)

/** Resource by resource over all lists. */
export const sum = (lists: ReadonlyArray<ResourceList>): Readonly<Record<string, string>> => addResources(...lists)

/** Resource by resource, the most of any list. */
export const most = (lists: ReadonlyArray<ResourceList>): ResourceList => {
  const out: Record<string, string | number> = {}
  const amounts = new Map<string, bigint>()
  for (const [name, quantity] of lists.flatMap((list) => Object.entries(list))) {
    const amount = nanos(quantity)
    if (amount <= (amounts.get(name) ?? -1n)) continue
    amounts.set(name, amount)
    out[name] = quantity
  }
  return out
}

/** The resources of which `wanted` has more than `available`, in the order of `wanted`. */
export const excess = (wanted: ResourceList, available: ResourceList): ReadonlyArray<string> =>
  Object.entries(wanted).filter(([name, quantity]) => nanos(quantity) > nanos(available[name])).map(([name]) => name)

/** Whether each of the requests is within what is there. */
export const fits = (requests: ResourceList, available: ResourceList): boolean => excess(requests, available).length === 0

/** Cores, bytes or pieces, for metrics: as near as a floating point number comes. */
export const toNumber = (quantity: string | number | undefined): number => Number(nanos(quantity)) / 1e9
