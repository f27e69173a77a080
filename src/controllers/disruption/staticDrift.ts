/**
 * Static drift: replaces drifted nodes of NodePools with a fixed number of nodes, one for one (Karpenter's
 * disruption/staticdrift.go).
 */
import { Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Caches } from "../../kube/caches.ts"
import { Settings } from "../../settings/settings.ts"
import { isReady } from "../provisioning/nodePools.ts"
import { staticClaim } from "../static/claim.ts"
import { claimsOf, countOf, limitOf } from "../static/count.ts"
import { freePlaces } from "../static/places.ts"
import type { Command } from "./command.ts"
import { drift } from "./drift.ts"
import { chosen } from "./eligibility.ts"
import type { Method } from "./method.ts"
import { reportNoPlace } from "./report.ts"
import { restingDrift } from "./restingPools.ts"

export const staticDrift: Method = {
  reason: "Drifted",
  consolidationType: "",
  decide: (view) => drift({ candidates: view.candidates, pools: view.pools("Drifted"), isStatic: true }),
  compute: Effect.fnUntraced(function*(view, decisions, { backoff }) {
    const { featureGates } = yield* Settings
    if (!featureGates.StaticCapacity) return []
    const claims = (yield* Caches).store(NodeClaims).list()
    const commands: Array<Command> = []
    const wanted = chosen(decisions)
    const resting = yield* restingDrift(wanted, view, backoff)
    for (const [name, pool] of view.nodePools) {
      const drifted = wanted.filter(({ nodePool }) => nodePool === name)
      if (drifted.length === 0 || !isReady(pool) || resting.has(name)) continue
      const { active, pending } = countOf(claimsOf(pool, claims))
      // What is too many goes first: it may be what drifted.
      if (active.length + pending.length > (pool.spec.replicas ?? 0)) continue
      const most = Math.min(view.pools("Drifted").get(name)?.remaining ?? 0, drifted.length)
      const places = freePlaces(pool, claims, most)
      // Where the limit leaves more than replicas, a claim that is on its way out frees one.
      if (places.length === 0 && limitOf(pool) <= (pool.spec.replicas ?? 0)) yield* reportNoPlace(pool, limitOf(pool))
      drifted.slice(0, places.length).forEach((candidate, i) => {
        const node = view.byName.get(candidate.name)
        if (node === undefined) return
        commands.push({
          reason: "Drifted",
          consolidationType: "",
          nodes: [node],
          replacements: [{ kind: "static", claim: staticClaim(pool, places[i]!) }],
          moves: new Map()
        })
      })
    }
    return commands
  })
}
