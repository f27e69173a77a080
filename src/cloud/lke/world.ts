/** Looking at claims and pools at the same moment; what every part of LKE mode acts on. */
import { Clock, Effect } from "effect"
import type { Scope } from "effect"
import type { KubeError } from "../../kube/kubeError.ts"
import type { Linode } from "../../linode/linode.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Pool } from "../../linode/models.ts"
import { makeAccount } from "../account.ts"
import type { Account } from "../account.ts"
import type { Claims } from "./claims.ts"
import type { ClusterShape } from "./cluster.ts"
import { makeSharedRead } from "../gather.ts"
import { makeClaimTags } from "./heirs.ts"
import { makeMachines } from "../machines.ts"
import type { Machines } from "../machines.ts"
import { poolKeyOf } from "./tags.ts"
import { makeView, unclaimed } from "./view.ts"
import type { Leftover, View } from "./view.ts"

/** A list this young may tell what exists; only one that was asked for afterwards may tell what does not. Milliseconds. */
const recently = 3_000

export interface World {
  readonly cluster: ClusterShape
  readonly linode: Linode["Service"]
  readonly claims: Claims
  /** Every pool, by a request sent after this was asked for. */
  readonly pools: Effect.Effect<ReadonlyArray<Pool>, LinodeError>
  /** Every pool, perhaps as it was a few seconds ago. */
  readonly recentPools: Effect.Effect<ReadonlyArray<Pool>, LinodeError>
  /** Linodes by id, by requests sent after this was asked for. */
  readonly machines: Machines
  readonly account: Account
  /** Everything, by requests sent after this was asked for. */
  readonly look: Effect.Effect<View, LinodeError | KubeError>
  /** What the Go provider bought and no claim owns, perhaps as it was a few seconds ago. Costs nothing where it has no pools. */
  readonly leftovers: Effect.Effect<ReadonlyArray<Leftover>, LinodeError | KubeError>
}

export const makeWorld = (
  scope: Scope.Scope,
  cluster: ClusterShape,
  linode: Linode["Service"],
  claims: Claims
): World => {
  let last: { readonly at: number; readonly pools: ReadonlyArray<Pool> } | undefined
  const pools = makeSharedRead(scope, linode.pools(cluster.id).pipe(
    Effect.zipWith(Clock.currentTimeMillis, (pools, at) => {
      last = { at, pools }
      return pools
    })
  ))
  const machines = makeMachines(scope, linode, linode.clusterInstances(cluster.id))
  const tagsOf = makeClaimTags(machines)
  let seen: View | undefined
  const look = Effect.gen(function*() {
    const [known, listed] = yield* Effect.all([claims.list, pools], { concurrency: 2 })
    const view = makeView(cluster, yield* Clock.currentTimeMillis, known, listed)
    const orphans = unclaimed(view)
    seen = orphans.length === 0
      ? view
      : makeView(cluster, view.now, known, listed, yield* tagsOf(orphans.map(({ node }) => node)))
    return seen
  })
  return {
    cluster, linode, claims, pools, look, machines,
    account: makeAccount(scope, linode, cluster.region),
    leftovers: makeSharedRead(scope, Effect.flatMap(Clock.currentTimeMillis, (now) =>
      seen !== undefined && (now - seen.now <= recently || !seen.ours.some((pool) => poolKeyOf(pool) === undefined))
        ? Effect.succeed(unclaimed(seen))
        : Effect.map(look, unclaimed))),
    recentPools: Effect.flatMap(Clock.currentTimeMillis, (now) =>
      last !== undefined && now - last.at <= recently ? Effect.succeed(last.pools) : pools)
  }
}
