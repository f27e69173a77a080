/** What every part of instance mode acts on. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { Linode } from "../../linode/linode.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Instance } from "../../linode/models.ts"
import { makeAccount } from "../account.ts"
import type { Account } from "../account.ts"
import type { Claims } from "../claims.ts"
import { makeSharedRead } from "../gather.ts"
import { makeMachines } from "../machines.ts"
import type { Machines } from "../machines.ts"
import type { InstanceClusterShape } from "./cluster.ts"
import { machineLabel } from "./label.ts"
import type { InstanceRecord } from "./record.ts"
import { clusterTag, isOurs } from "./tags.ts"

export interface World {
  readonly cluster: InstanceClusterShape
  readonly linode: Linode["Service"]
  readonly claims: Claims<InstanceRecord>
  /** Every machine of this cluster, by a request sent after this was asked for. */
  readonly instances: Effect.Effect<ReadonlyArray<Instance>, LinodeError>
  /** Linodes by id, anybody's, by requests sent after this was asked for. */
  readonly machines: Machines
  readonly account: Account
  readonly labelOf: (record: InstanceRecord) => string
}

export const makeWorld = (
  scope: Scope.Scope, cluster: InstanceClusterShape, linode: Linode["Service"], claims: Claims<InstanceRecord>
): World => {
  const instances = makeSharedRead(scope, Effect.map(
    linode.instances([clusterTag(cluster.identity)]),
    (found) => found.filter((instance) => isOurs(instance, cluster.identity))
  ))
  return {
    cluster, linode, claims, instances,
    machines: makeMachines(scope, linode, instances),
    account: makeAccount(scope, linode, cluster.region),
    labelOf: ({ claim }) => machineLabel(cluster.identity, claim)
  }
}
