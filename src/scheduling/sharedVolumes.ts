/** Claims that several pods use: a node attaches each of them once, however many of these pods it has. */
import type { Dimensions } from "./dimensions.ts"
import type { Pod } from "./problem.ts"
import { attachable } from "./volumeRoom.ts"
import type { AttachedClaim, Volumes } from "./volumes.ts"

/** The claims of the pods to place, which come first, that more than one pod uses. */
export const sharedClaims = (lists: ReadonlyArray<ReadonlyArray<Pod>>, volumes: Volumes): ReadonlySet<string> => {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const pods of lists) {
    for (let i = 0; i < pods.length; i++) {
      if (pods[i]!.spec.volumes === undefined) continue
      for (const { claim } of volumes.of(pods[i]!).claims) {
        if (seen.has(claim)) shared.add(claim)
        seen.add(claim)
      }
    }
    if (seen.size === 0) break
  }
  return shared
}

/** Which shared claims are on which node, while a pass places pods. Nodes are numbers of the caller's choice. */
export class SharedVolumes {
  private readonly dimensions: Dimensions
  private readonly attached: Map<number, Set<string>> = new Map()
  private readonly before: (node: number) => ReadonlyMap<string, ReadonlySet<string>> | undefined

  /** `before` says what was attached to a node before the pass, by driver. */
  constructor(dimensions: Dimensions, before: (node: number) => ReadonlyMap<string, ReadonlySet<string>> | undefined) {
    this.dimensions = dimensions
    this.before = before
  }

  private isOn(node: number, { driver, claim }: AttachedClaim): boolean {
    return this.attached.get(node)?.has(claim) === true || this.before(node)?.get(driver)?.has(claim) === true
  }

  /** What a pod takes of the node: its request, and a place for each of its shared claims that is not there yet. */
  request(node: number, request: Float64Array, shared: ReadonlyArray<AttachedClaim>): Float64Array {
    const fresh = shared.filter((claim) => !this.isOn(node, claim))
    if (fresh.length === 0) return request
    const out = request.slice()
    for (const { driver } of fresh) out[this.dimensions.positionOf(attachable(driver))!]! += 1
    return out
  }

  put(node: number, shared: ReadonlyArray<AttachedClaim>): void {
    if (shared.length === 0) return
    const on = this.attached.get(node) ?? new Set()
    for (const { claim } of shared) on.add(claim)
    this.attached.set(node, on)
  }
}
