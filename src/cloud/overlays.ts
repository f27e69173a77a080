/** A CloudProvider whose instance types are as the NodeOverlays of the cluster have them, for whoever asks. */
import { Context, Effect, Layer } from "effect"
import { label, providerGroup } from "../apis/labels.ts"
import { NodeOverlays } from "../apis/nodeOverlay.ts"
import type { NodeOverlay } from "../apis/nodeOverlay.ts"
import { NodePools } from "../apis/nodePool.ts"
import type { NodePool } from "../apis/nodePool.ts"
import { Caches } from "../kube/caches.ts"
import type { InstanceType } from "../scheduling/problem.ts"
import { Settings } from "../settings/settings.ts"
import { CloudProvider } from "./cloudProvider.ts"
import type { CloudError } from "./cloudProvider.ts"
import { correct, overlay } from "./overlay.ts"
import type { Catalogued, Corrections, Overlaid } from "./overlay.ts"

/** What the overlays come to now. */
export interface Evaluation extends Overlaid {
  /** NodePools whose types could not be had: overlays were not tried on them. */
  readonly failed: ReadonlyArray<{ readonly pool: string; readonly error: CloudError }>
}

export class NodeOverlaying extends Context.Service<NodeOverlaying, {
  /** Looks at every overlay and every NodePool; cheap while nothing changes. */
  readonly evaluate: Effect.Effect<Evaluation>
}>()("karpenter-linode/cloud/NodeOverlaying") {}

/** Pools of other providers have no types of ours. */
const isOurs = ({ spec: { template: { spec: { nodeClassRef: { group } } } } }: NodePool): boolean => group === providerGroup

const nothing: Evaluation = { accepted: [], rejected: [], corrections: new Map(), failed: [] }
const noCorrections: Corrections = new Map()

/** The last evaluation, for as long as it is about the same things. */
const makeEvaluate = () => {
  let last: {
    readonly overlays: ReadonlyArray<NodeOverlay>
    readonly text: string
    readonly of: ReadonlyArray<Catalogued>
    readonly is: Overlaid
  } | undefined
  return (overlays: ReadonlyArray<NodeOverlay>, catalogues: ReadonlyArray<Catalogued>): Overlaid => {
    // A NodePool's status changes all the time; of the pool only its name and its labels count.
    const text = JSON.stringify(catalogues.map(({ pool: { metadata, spec } }) => [metadata.name, spec.template.metadata?.labels]))
    const isSame = last !== undefined && last.overlays === overlays && last.text === text &&
      catalogues.every(({ types }, i) => types === last?.of[i]?.types)
    if (!isSame || last === undefined) last = { overlays, text, of: catalogues, is: overlay(overlays, catalogues) }
    return last.is
  }
}

/** Equal corrections of the same types are the same array: whoever works with types keeps what it made of them. */
const makeCorrect = () => {
  const known = new WeakMap<ReadonlyArray<InstanceType>, Map<string, ReadonlyArray<InstanceType>>>()
  return (types: ReadonlyArray<InstanceType>, corrections: Corrections): ReadonlyArray<InstanceType> => {
    if (corrections.size === 0) return types
    const text = JSON.stringify([...corrections].map(([type, { capacity, prices }]) => [type, [...prices], capacity]))
    const ofTypes = known.get(types) ?? new Map<string, ReadonlyArray<InstanceType>>()
    known.set(types, ofTypes)
    const found = ofTypes.get(text) ?? correct(types, corrections)
    ofTypes.set(text, found)
    return found
  }
}

const make = Effect.gen(function*() {
  const cloud = yield* CloudProvider
  const { featureGates } = yield* Settings
  const off = Context.make(CloudProvider, cloud).pipe(Context.add(NodeOverlaying, { evaluate: Effect.succeed(nothing) }))
  if (!featureGates.NodeOverlay) return off

  const caches = yield* Caches
  const overlays = caches.store(NodeOverlays)
  const pools = caches.store(NodePools)
  const evaluateAll = makeEvaluate()
  const correctOnce = makeCorrect()

  /** `also` is a pool that the cache may not have yet, or has otherwise. */
  const evaluate = Effect.fnUntraced(function*(also?: NodePool) {
    const all = overlays.list()
    if (all.length === 0) return nothing
    const others = pools.list().filter((pool) => pool.metadata.name !== also?.metadata.name)
    const catalogues: Array<Catalogued> = []
    const failed: Array<Evaluation["failed"][number]> = []
    const every = [...others, ...also === undefined ? [] : [also]].filter(isOurs)
    for (const pool of every.toSorted((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)) {
      const types = yield* Effect.result(cloud.instanceTypes(pool))
      if (types._tag === "Success") catalogues.push({ pool, types: types.success })
      else failed.push({ pool: pool.metadata.name, error: types.failure })
    }
    return { ...evaluateAll(all, catalogues), failed } satisfies Evaluation
  })

  const typesFor = Effect.fnUntraced(function*(pool: NodePool) {
    const types = yield* cloud.instanceTypes(pool)
    const { corrections } = yield* evaluate(pool)
    return correctOnce(types, corrections.get(pool.metadata.name) ?? noCorrections)
  })

  const overlaid = CloudProvider.of({
    ...cloud,
    instanceTypes: typesFor,
    create: Effect.fnUntraced(function*(claim) {
      const pool = pools.get({ name: claim.metadata.labels?.[label.nodePool] ?? "" })
      if (pool === undefined) return yield* cloud.create(claim)
      const { nodeClassRef } = claim.spec
      const template = { ...pool.spec.template, spec: { ...pool.spec.template.spec, nodeClassRef } }
      return yield* cloud.create(claim, yield* typesFor({ ...pool, spec: { ...pool.spec, template } }))
    })
  })
  return Context.make(CloudProvider, overlaid).pipe(Context.add(NodeOverlaying, { evaluate: evaluate() }))
})

/**
 * Over the given CloudProvider; the very same one while the feature gate NodeOverlay is off. A claim is launched by the
 * prices that its NodePool sees, and its machine has what overlays say that it has. Nothing has to be evaluated beforehand:
 * what overlays come to is worked out when somebody asks.
 */
export const layer: Layer.Layer<CloudProvider | NodeOverlaying, never, CloudProvider | Caches | Settings> =
  Layer.effectContext(make)
