/** What a pod asks of its node, as kube-scheduler counts it. */
import type { Container, PodSpec, Quantity, Resources } from "./problem.ts"
import { compareQuantities, formatOf, formatQuantity, parseQuantity } from "./quantity.ts"

/** Requests, with limits standing in where a request is missing, as the API server defaults them. */
export const containerRequests = (container: Pick<Container, "resources">): Resources => ({
  ...container.resources?.limits,
  ...container.resources?.requests
})

/** The sum by resource, in canonical quantities. Throws `MalformedQuantity`. */
export const addResources = (...lists: ReadonlyArray<Resources | undefined>): { readonly [name: string]: string } => {
  const sums = new Map<string, bigint>()
  // Of many lists most say the same.
  const read = new Map<Quantity, bigint>()
  for (const list of lists) {
    for (const name in list) {
      const text = list[name]!
      let amount = read.get(text)
      if (amount === undefined) {
        amount = parseQuantity(text)
        read.set(text, amount)
      }
      sums.set(name, (sums.get(name) ?? 0n) + amount)
    }
  }
  return Object.fromEntries([...sums].map(([name, nanos]) => [name, formatQuantity(nanos, formatOf(name))]))
}

/** `a` less `b`, for the resources of `a`; may be negative. Throws `MalformedQuantity`. */
export const subtractResources = (a: Resources, b: Resources | undefined): { readonly [name: string]: string } =>
  Object.fromEntries(Object.keys(a).map((name) => [
    name,
    formatQuantity(parseQuantity(a[name]!) - parseQuantity(b?.[name] ?? 0), formatOf(name))
  ]))

/** The larger of each resource. */
const maxResources = (a: Resources, b: Resources): Resources => {
  const out: Record<string, Quantity> = { ...a }
  for (const name in b) if (out[name] === undefined || compareQuantities(b[name]!, out[name]) > 0) out[name] = b[name]!
  return out
}

/**
 * Effective requests of a pod, without the pod itself (`pods: 1`): its containers and sidecars together, or the largest init
 * container with the sidecars started before it, whichever is more; what is set on the pod as a whole overrides that; its
 * RuntimeClass' overhead comes on top. Throws `MalformedQuantity`.
 */
export const podRequests = (spec: Pick<PodSpec, "containers" | "initContainers" | "overhead" | "resources">): Resources => {
  let sidecars: Resources = {}
  let starting: Resources = {}
  for (const container of spec.initContainers ?? []) {
    const requests = containerRequests(container)
    if (container.restartPolicy === "Always") {
      sidecars = addResources(sidecars, requests)
      starting = maxResources(starting, sidecars)
    } else {
      starting = maxResources(starting, addResources(sidecars, requests))
    }
  }
  const running = addResources(sidecars, ...spec.containers.map(containerRequests))
  return addResources({ ...maxResources(running, starting), ...containerRequests(spec) }, spec.overhead)
}
