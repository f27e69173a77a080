/** Quantities, and what a pod asks of its node. */
import type { Container, PodSpec, Resources } from "../../../src/scheduling/index.ts"

/** Thousandths of a unit by resource. */
export type Amounts = ReadonlyMap<string, number>

const factors: Readonly<Record<string, number>> = {
  n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4
}

export const thousandths = (quantity: string | number): number => {
  const [, number = "", suffix = ""] = /^(-?[\d.]+)([a-zA-Z]*)$/.exec(String(quantity)) ?? []
  return Math.round(Number(number) * factors[suffix]! * 1000)
}

export const none: Amounts = new Map()

export const amounts = (list: Resources | undefined): Amounts => new Map(
  Object.entries(list ?? {}).map(([name, quantity]) => [name, thousandths(quantity)])
)

export const plus = (a: Amounts, b: Amounts): Amounts => {
  const out = new Map(a)
  for (const [name, amount] of b) out.set(name, (out.get(name) ?? 0) + amount)
  return out
}

/** What `a` is more than `b`, never below nothing. */
export const beyond = (a: Amounts, b: Amounts): Amounts =>
  new Map([...a].map(([name, amount]) => [name, Math.max(0, amount - (b.get(name) ?? 0))]))

const most = (a: Amounts, b: Amounts): Amounts => {
  const out = new Map(a)
  for (const [name, amount] of b) out.set(name, Math.max(out.get(name) ?? 0, amount))
  return out
}

/** "If you specify a limit for a resource, but do not specify any request, Kubernetes copies the limit." */
const asks = ({ resources }: Pick<Container, "resources">): Amounts => amounts({ ...resources?.limits, ...resources?.requests })

/**
 * "The highest of any init container, with the sidecars before it, and the sum of all that runs together"; resources of the pod
 * as a whole stand in the place of that sum; its overhead and its place among the node's pods come on top.
 */
export const needs = (spec: PodSpec): Amounts => {
  const init = spec.initContainers ?? []
  const isSidecar = (container: Container): boolean => container.restartPolicy === "Always"
  let out = [...spec.containers, ...init.filter(isSidecar)].map(asks).reduce(plus, none)
  init.forEach((container, i) => {
    out = most(out, [...init.slice(0, i).filter(isSidecar), container].map(asks).reduce(plus, none))
  })
  const whole = new Map([...out, ...asks(spec)])
  return plus(plus(whole, amounts(spec.overhead)), new Map([["pods", 1000]]))
}
