/**
 * The pods on nodes to be bought, as items: pods of one kind and size, which can change places. Work then grows with the number
 * of different pods. Items come in the order of the model's runs, so the order of the input makes no difference.
 */
import { members } from "../bits.ts"
import type { FirstFit } from "../firstFit.ts"
import type { Model, PodClass } from "../model.ts"
import type { PackedNode } from "../packing.ts"
import type { Requirements } from "../requirements.ts"
import { both } from "../requirements.ts"
import type { State } from "../states.ts"
import { noValue, valuesIn } from "../valueSet.ts"
import { Homes } from "./homes.ts"
import type { Kind } from "./kinds.ts"
import { Kinds } from "./kinds.ts"

export interface Item {
  readonly kind: Kind
  readonly request: Float64Array
  /** Positions in the problem's pods. */
  readonly pods: ReadonlyArray<number>
}

export interface Items {
  readonly kinds: ReadonlyArray<Kind>
  readonly all: ReadonlyArray<Item>
  /** By pod of the problem: its item, -1 for pods that the search leaves where they are. */
  readonly itemOf: Int32Array
}

/** The items of the pods on these nodes. */
export const itemsOf = (model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>): Items => {
  const { pools, problem: { pods } } = model
  const nodeOf = new Int32Array(pods.length).fill(-1)
  nodes.forEach((node, n) => {
    for (const pod of node.pods) nodeOf[pod] = n
  })
  const kinds = new Kinds()
  const homes = new Homes(model, pass)
  const sizes = new Map<string, number>()
  const ids = new Map<number, Map<number, number>>()
  const all: Array<Item & { readonly pods: Array<number> }> = []
  const itemOf = new Int32Array(pods.length).fill(-1)
  for (const { podClass, request, pods: members } of model.runs) {
    const known = new Map<string, number>()
    for (const pod of members) {
      const n = nodeOf[pod]!
      if (n < 0) continue
      const { state } = nodes[n]!
      const step = pass.stepOf[pod]!
      const own = homes.matter ? pools.indexOf(state.pool) : 0
      const place = `${step} ${own} ${podClass.pinned.length > 0 ? state.id : ""}`
      let item = known.get(place)
      if (item === undefined) {
        const { demand } = podClass.steps[step]!
        const home = homes.weightOf(podClass.steps[step]!, request, own)
        const kind = kinds.intern(
          podClass.steps[step]!,
          pinned(model, demand.requirements, podClass, state),
          { rules: podClass.steps[step]!.limits, counts: podClass.counts.host },
          home
        )
        const size = request.join(",")
        const sizeId = sizes.get(size) ?? sizes.size
        sizes.set(size, sizeId)
        let bySize = ids.get(kind.id)
        if (bySize === undefined) ids.set(kind.id, bySize = new Map())
        item = bySize.get(sizeId)
        if (item === undefined) {
          item = all.length
          bySize.set(sizeId, item)
          all.push({ kind, request, pods: [] })
        }
        known.set(place, item)
      }
      all[item]!.pods.push(pod)
      itemOf[pod] = item
    }
  }
  return { kinds: kinds.all, all, itemOf }
}

/**
 * The requirements, with pinned labels held to the domains that the first node could be in: so rules count the pod where they
 * did. Where that node could not have the label, no other may.
 */
const pinned = (model: Model, requirements: Requirements, podClass: PodClass, state: State): Requirements => {
  if (podClass.pinned.length === 0) return requirements
  const pins = podClass.pinned.map((label) => {
    const key = model.topologyKeys.of(label)
    const values = members(state.reach(key).bits).map((domain) => key.values[domain]!)
    return [label, values.length > 0 ? valuesIn(values) : noValue] as const
  })
  return both(requirements, new Map(pins))
}
