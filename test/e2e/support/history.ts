/** What NodeClaims were, in the order in which the API server had it: a test that looks now and then could miss the moment. */
import { Effect, Stream } from "effect"
import { label } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { Kube } from "../../../src/kube/kube.ts"
import type { World } from "./world.ts"

const is = (claim: NodeClaim, type: string): boolean =>
  claim.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true

export interface History {
  /** Others of the NodePool at the moment in which the deletion of this one began; undefined while it has not. */
  readonly othersWhenLeaving: (uid: string) => ReadonlyArray<{ readonly name: string; readonly initialized: boolean }> | undefined
  /** Whether the claim was ever so. */
  readonly wasEver: (uid: string, condition: string) => boolean
}

/** Follows the NodePool's claims until the world is closed. */
export const follow = (world: World, nodePool: string): History => {
  const seen: Array<NodeClaim> = []
  // The world's end interrupts it.
  void world.asAdmin(Effect.gen(function*() {
    const kube = yield* Kube
    const labelSelector = `${label.nodePool}=${nodePool}`
    const { items, resourceVersion } = yield* kube.list(NodeClaims, { labelSelector })
    seen.push(...items)
    yield* Stream.runForEach(kube.watch(NodeClaims, { labelSelector, resourceVersion }), (event) => Effect.sync(() => {
      if (event.type === "ADDED" || event.type === "MODIFIED") seen.push(event.object)
    }))
  })).catch(() => {})
  const leavingAt = (uid: string) =>
    seen.findIndex(({ metadata }) => metadata.uid === uid && metadata.deletionTimestamp !== undefined)
  return {
    othersWhenLeaving: (uid) => {
      const at = leavingAt(uid)
      if (at < 0) return undefined
      const others = new Map(seen.slice(0, at).flatMap((claim) => claim.metadata.uid === uid ? [] : [[claim.metadata.uid, claim]]))
      return [...others.values()].map((claim) => ({ name: claim.metadata.name, initialized: is(claim, "Initialized") }))
    },
    wasEver: (uid, condition) => seen.some((claim) => claim.metadata.uid === uid && is(claim, condition))
  }
}
