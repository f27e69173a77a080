/** Requests that are made to fail, for tests and for simulations. */
import type { KubeErrorReason } from "../kubeError.ts"
import type { Ref } from "../objects.ts"
import type { AnyResource } from "./server.ts"

export type Verb = "get" | "list" | "create" | "update" | "updateStatus" | "patch" | "delete" | "evict" | "watch"

/** A request as faults and counters see it. */
export interface Call {
  readonly verb: Verb
  readonly resource: AnyResource
  readonly ref?: Partial<Ref> | undefined
  /** What a write sends. */
  readonly body?: unknown
}

/** Which requests fail, and how. What is not said matches every request. */
export interface Fault {
  readonly verb?: Verb
  readonly resource?: AnyResource
  readonly name?: string
  readonly reason: KubeErrorReason
  /** The HTTP status; 0, as when there was no reply, unless told. */
  readonly status?: number
  /** `after`: the request is carried out and its reply is lost. `before`, unless told. */
  readonly when?: "before" | "after"
  /** How many requests fail: one unless told. */
  readonly times?: number
}

const isOf = (resource: AnyResource | undefined, call: Call): boolean =>
  resource === undefined || (resource.group === call.resource.group && resource.plural === call.resource.plural)

const hits = (fault: Fault, call: Call): boolean =>
  (fault.verb === undefined || fault.verb === call.verb) &&
  isOf(fault.resource, call) &&
  (fault.name === undefined || fault.name === call.ref?.name)

/** Faults are used up in the order in which they were added. */
export class Faults {
  #faults: ReadonlyArray<{ readonly fault: Fault; readonly left: number }> = []

  add(fault: Fault): void {
    this.#faults = [...this.#faults, { fault, left: fault.times ?? 1 }]
  }

  clear(): void {
    this.#faults = []
  }

  take(call: Call): Fault | undefined {
    const found = this.#faults.find(({ fault }) => hits(fault, call))
    this.#faults = this.#faults
      .map((each) => each === found ? { ...each, left: each.left - 1 } : each)
      .filter(({ left }) => left > 0)
    return found?.fault
  }
}

const keyOf = (verb: Verb, resource: AnyResource | undefined): string =>
  resource === undefined ? verb : `${verb} ${resource.group}/${resource.plural}`

/** How many requests there were. */
export class Counters {
  readonly #counts = new Map<string, number>()

  add({ verb, resource }: Call): void {
    for (const key of [verb, keyOf(verb, resource)]) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  get(verb: Verb, resource: AnyResource | undefined): number {
    return this.#counts.get(keyOf(verb, resource)) ?? 0
  }
}
