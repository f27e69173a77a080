import type { Bits } from "./bits.ts"
import { allBits, intersectBits, noBits, setBit } from "./bits.ts"
import type { Model, PodClass } from "./model.ts"
import type { Run } from "./runs.ts"
import type { State } from "./states.ts"
import { holds } from "./states.ts"

/** How many demands on labels are looked at for the types that they allow; the pods of others are taken to allow all. */
const mostDemands = 48

/** More than any catalogue has types. */
const placesOfPool = 0x100000

/** A type of a pool, at its cheapest. */
export interface Sold {
  readonly pool: number
  readonly type: number
  readonly price: number
}

/** Positions in the list of types, and what is equal for equal ones. */
interface Able {
  readonly among: Bits
  readonly key: string
}

interface OfClass {
  /** The types that labels and taints allow. */
  readonly among: Bits
  /** By the types that have room. */
  readonly bySize: Map<Bits, Able>
}

/** Which types can take a pod, alone on an empty node, whichever of its wishes are given up. */
export class PodTypes {
  readonly all: Bits
  private readonly model: Model
  private readonly types: ReadonlyArray<Sold>
  private readonly bases: ReadonlyArray<State>
  private readonly position: ReadonlyMap<number, number>
  private readonly byClass: Map<PodClass, OfClass> = new Map()
  private readonly bySize: Map<string, Bits> = new Map()
  private readonly byRequest: Map<Float64Array, Bits> = new Map()
  private readonly looked: Set<number> = new Set()

  constructor(model: Model, types: ReadonlyArray<Sold>) {
    this.model = model
    this.types = types
    this.all = allBits(types.length)
    this.bases = model.pools.map((pool) => model.states.empty(pool))
    this.position = new Map(types.map(({ pool, type }, t) => [pool * placesOfPool + type, t]))
  }

  of({ podClass, request }: Run): Able {
    let ofClass = this.byClass.get(podClass)
    if (ofClass === undefined) this.byClass.set(podClass, ofClass = { among: this.allowing(podClass), bySize: new Map() })
    const size = this.holding(request)
    let found = ofClass.bySize.get(size)
    if (found === undefined) {
      const among = size.slice()
      intersectBits(among, ofClass.among)
      ofClass.bySize.set(size, found = { among, key: among.join(",") })
    }
    return found
  }

  /** The types that have room for the request. */
  private holding(request: Float64Array): Bits {
    let among = this.byRequest.get(request)
    if (among !== undefined) return among
    const key = request.join(",")
    among = this.bySize.get(key)
    if (among === undefined) {
      const bits = noBits(this.types.length)
      this.types.forEach(({ pool, type }, t) => {
        if (holds(this.model.pools[pool]!.room, type * request.length, request, 0, request.length)) setBit(bits, t)
      })
      this.bySize.set(key, among = bits)
    }
    this.byRequest.set(request, among)
    return among
  }

  /** The types whose labels and taints let the pods in, at some step of their ladder. */
  private allowing({ steps }: PodClass): Bits {
    for (const { alternatives } of steps) for (const { id } of alternatives) this.looked.add(id)
    if (this.looked.size > mostDemands) return this.all
    const out = noBits(this.types.length)
    for (const { alternatives, pools } of steps) {
      for (const demand of alternatives) {
        this.bases.forEach((base, i) => {
          const after = pools[i]! ? this.model.states.after(base, demand) : undefined
          for (const type of after?.order ?? []) setBit(out, this.position.get(i * placesOfPool + type)!)
        })
      }
    }
    return out
  }
}
