/** The instance types as they are now: price list, what was refused, what live nodes have. */
import { Clock, Effect, Ref } from "effect"
import type { Scope } from "effect"
import type { Node } from "../kube/objects.ts"
import type { Linode } from "../linode/linode.ts"
import type { LinodeError } from "../linode/linodeError.ts"
import type { LinodeType } from "../linode/models.ts"
import type { InstanceType } from "../scheduling/problem.ts"
import { instanceTypesOf } from "./instanceTypes.ts"
import type { Kubelet, Measured } from "./nodeRoom.ts"
import { measure } from "./nodeRoom.ts"
import type { Place, Plan } from "./plans.ts"
import { plansOf } from "./plans.ts"

const refreshEvery = "5 minutes"

/** How long a type that was refused for want of capacity is not asked for again. Milliseconds. */
const soldOutFor = 180_000

/** What of a LinodeNodeClass says how its kubelets are started: nodes of equal ones have the same room. */
export interface KubeletStart {
  readonly kubelet?: Kubelet | undefined
  readonly userData?: string | undefined
}

export interface Catalogue {
  /** Every type, for nodes whose kubelets are started so. Equal content is the same array. */
  readonly types: (start: KubeletStart) => Effect.Effect<ReadonlyArray<InstanceType>>
  /** Linode has no more of the type now. */
  readonly markSoldOut: (type: string) => Effect.Effect<void>
  /** The plan of this name, also one that cannot be ordered any more. */
  readonly plan: (type: string) => Effect.Effect<LinodeType | undefined>
}

interface PriceList {
  readonly all: ReadonlyMap<string, LinodeType>
  readonly plans: ReadonlyArray<Plan>
}

/** Types, and what they were made from. */
interface Built {
  readonly prices: PriceList
  readonly from: string
  readonly text: string
  readonly types: ReadonlyArray<InstanceType>
}

/** What nodes tell. */
interface Known {
  readonly from: ReadonlyArray<Node>
  readonly of: ReadonlyMap<string, Measured>
  readonly text: string
}

/**
 * Refreshed in the background until the scope ends; a failed refresh keeps what there is. Fails when nothing can be had at
 * first.
 */
export const makeCatalogue = (options: {
  readonly place: Place
  readonly linode: Linode["Service"]
  /** The nodes that tell what others are like that are started so. The same list while nothing changed. */
  readonly nodes: (start: KubeletStart) => ReadonlyArray<Node>
  /** Whether kubelets are given the settings that they are started with. */
  readonly sent: boolean
  readonly memoryShare: number | undefined
  readonly localDisks: number
}): Effect.Effect<Catalogue, LinodeError, Scope.Scope> => Effect.gen(function*() {
  const { linode, localDisks, memoryShare, nodes, place, sent } = options
  const read = Effect.gen(function*() {
    const reads = [linode.types, linode.regions, linode.availability(place.id)] as const
    const [types, regions, rows] = yield* Effect.all(reads, { concurrency: 3 })
    return { all: new Map(types.map((type) => [type.id, type])), plans: plansOf(place, types, regions, rows) } satisfies PriceList
  })
  const prices = yield* Ref.make<PriceList>(yield* read)
  const soldOutUntil = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  yield* Effect.sleep(refreshEvery).pipe(
    Effect.andThen(read),
    Effect.flatMap((list) => Ref.set(prices, list)),
    Effect.catch(({ message }) =>
      Effect.logWarning("reading Linode's price list failed, the last one holds", { error: message })),
    Effect.forever,
    Effect.forkScoped
  )

  const built = new Map<string, Built>()
  const measured = new Map<string, Known>()
  /** Nodes change all the time, what they tell about their plans hardly ever. */
  const measuredNow = (name: string, start: KubeletStart) => {
    const from = nodes(start)
    const last = measured.get(name)
    if (last?.from === from) return last
    const of = measure(from)
    const fresh = { from, of, text: JSON.stringify([...of].toSorted(([a], [b]) => a < b ? -1 : 1)) }
    measured.set(name, fresh)
    return fresh
  }
  return {
    types: ({ kubelet, userData }) => Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const soldOut = new Set([...yield* Ref.get(soldOutUntil)].filter(([, until]) => now < until).map(([type]) => type))
      const list = yield* Ref.get(prices)
      const name = JSON.stringify([kubelet, userData])
      const known = measuredNow(name, { kubelet, userData })
      const from = `${[...soldOut].toSorted().join()} ${known.text}`
      const last = built.get(name)
      if (last?.prices === list && last.from === from) return last.types
      const fresh = instanceTypesOf(list.plans, kubelet, {
        region: place.id, measured: known.of, memoryShare, soldOut, localDisks, sent
      })
      const text = JSON.stringify(fresh)
      const types = last?.text === text ? last.types : fresh
      built.set(name, { from, prices: list, text, types })
      return types
    }),
    markSoldOut: (type) => Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Ref.update(soldOutUntil, (known) => new Map([...[...known].filter(([, until]) => now < until), [type, now + soldOutFor]]))),
    plan: (type) => Effect.map(Ref.get(prices), ({ all }) => all.get(type))
  }
})
