/**
 * Which nodes seem worth taking away, by what pods are worth: the wasteful ones first, each into the room that others have, and what
 * finds none at what it would cost at best. Nothing is packed yet, so a node costs microseconds.
 */
import { negligible } from "../search/packing.ts"
import type { Scene } from "./scene.ts"
import { nowhere } from "./scene.ts"
import type { Worth } from "./worth.ts"

/** What it takes, in US dollars an hour. */
export interface Terms {
  /** How much more than poured pods cost packed ones cost, as far as is known. */
  readonly overhead: number
  /** What a node must save where these pods move. */
  readonly priceOfMoving: (pods: Iterable<number>) => number
  /** Whether the node may only go without a replacement. */
  readonly deletesOnly: (n: number) => boolean
}

/** Candidates, the one first that wastes most for what disturbing it costs. */
export const byWaste = (
  { world: { sites } }: Scene, worth: Worth, among: ReadonlyArray<number>, overhead: number
): ReadonlyArray<number> => {
  const ratio = new Float64Array(sites.length)
  for (const n of among) {
    const { candidate, moving } = sites[n]!
    ratio[n] = (candidate!.hourlyPrice - overhead * finite(worth.ofPods(moving), candidate!.hourlyPrice)) / candidate!.disruptionCost
  }
  return [...among].sort((a, b) => ratio[b]! - ratio[a]! || a - b)
}

/** Pods that no new node takes need not keep their node: there may be room for them elsewhere. */
const finite = (worth: number, price: number): number => worth === Infinity ? price : worth

/** Nodes that stay, the one first that is the best bargain for pods to come; those of unknown price come in between. */
export const byBargain = ({ world: { sites } }: Scene, worth: Worth): ReadonlyArray<number> => {
  const dearness = sites.map(({ candidate }, n) =>
    candidate === undefined ? 0 : worth.ofRoom[n]! > 0 ? candidate.hourlyPrice / worth.ofRoom[n]! : Infinity)
  return sites.map((_, n) => n).sort((a, b) => dearness[a]! - dearness[b]! || a - b)
}

/** Takes nodes away in the scene, which is left so, and says which, in the order in which they should go. */
export function* choose(
  scene: Scene, worth: Worth, among: ReadonlyArray<number>, { deletesOnly, overhead, priceOfMoving }: Terms
): Generator<void, ReadonlyArray<number>> {
  const { sites, turn } = scene.world
  const nodes: Array<number> = []
  let looks = 0
  for (const n of among) {
    const { candidate, moving } = sites[n]!
    const mark = scene.mark()
    scene.close(n)
    const pods = [...scene.podsOn(n)].sort((a, b) => turn[a]! - turn[b]!)
    const least = candidate!.hourlyPrice - priceOfMoving(moving)
    let homeless = 0
    for (const pod of pods) {
      const to = scene.find(pod)
      scene.move(pod, to)
      if (to === nowhere) homeless += deletesOnly(n) ? Infinity : overhead * worth.ofPod(pod)
      if (homeless >= least) break
    }
    if (least - homeless > negligible) nodes.push(n)
    else scene.undo(mark)
    if ((looks += pods.length + 1) > looksAtOnce) {
      looks = 0
      yield
    }
  }
  return nodes
}

/** Pods after which others may have their turn: a millisecond or so. */
const looksAtOnce = 400
