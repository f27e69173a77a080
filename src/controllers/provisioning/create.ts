/** Writes the NodeClaims of a plan (Karpenter's provisioning/provisioner.go). One that fails does not hold up the others. */
import { Effect } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { Cluster } from "../../cluster/cluster.ts"
import { chargeOf } from "../../cluster/usage.ts"
import { Kube } from "../../kube/kube.ts"
import { Metrics } from "../../runtime/metrics.ts"
import type { NewNode } from "../../scheduling/plan.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import { nodeClaimOf } from "./claim.ts"
import { createClaim } from "./createClaim.ts"
import { judge } from "./limits.ts"
import { logCreated } from "./report.ts"

/** Claims that are created at a time: few, so that the first of them are ordered while the others are still written. */
const atOnce = 8

export interface Created {
  readonly planned: NewNode
  readonly claim: NodeClaim
}

/** The pools as the server has them now: a limit may have been lowered a moment ago. */
const readPools = Effect.fnUntraced(function*(names: Iterable<string>) {
  const kube = yield* Kube
  const pools = new Map<string, NodePool>()
  for (const name of new Set(names)) {
    const pool = yield* kube.get(NodePools, { name }).pipe(
      Effect.tapError((error) => Effect.logError("could not read nodepool", { NodePool: { name }, error: error.message })),
      Effect.orElseSucceed(() => undefined)
    )
    if (pool !== undefined) pools.set(name, pool)
  }
  return pools
})

/** Why claims are made, as metrics call it, and what else they say. */
export interface Purpose {
  readonly reason: string
  readonly annotations: Readonly<Record<string, string>>
  /** Names of the machines that go for them: limits are not charged for these. */
  readonly insteadOf: ReadonlySet<string>
}

const forPods: Purpose = { reason: "provisioned", annotations: {}, insteadOf: new Set() }

const create = Effect.fnUntraced(function*(
  planned: ReadonlyArray<NewNode>,
  types: ReadonlyMap<string, ReadonlyArray<InstanceType>>,
  { annotations, insteadOf, reason }: Purpose
) {
  const cluster = yield* Cluster
  const metrics = yield* Metrics
  const created = metrics.counter(
    "karpenter_nodeclaims_created_total",
    "Number of nodeclaims created in total by Karpenter.",
    ["reason", "nodepool", "min_values_relaxed"]
  )
  const pools = yield* readPools(planned.map((node) => node.nodePool))
  // Read last: another loop may have made claims since this was planned.
  const nodes = (yield* cluster.nodes).filter(({ name }) => !insteadOf.has(name))
  const verdicts = judge(planned, pools, (pool) => chargeOf(pool, nodes), types)
  const claims = yield* Effect.forEach(verdicts, Effect.fnUntraced(function*(verdict) {
    const NodePool = { name: verdict.planned.nodePool }
    if (verdict.action === "refuse") {
      yield* Effect.logError("could not create nodeclaim", { NodePool, reason: verdict.reason, error: verdict.message })
      return []
    }
    const { instanceTypeOptions } = verdict.planned
    const options = (types.get(NodePool.name) ?? []).filter((type) => instanceTypeOptions.includes(type.name))
    const { metadata, ...wanted } = nodeClaimOf(verdict.planned, verdict.pool, options)
    const claim = yield* createClaim({
      ...wanted, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } }
    }).pipe(
      Effect.tapError((error) => Effect.logError("could not create nodeclaim", { NodePool, error: error.message })),
      Effect.orElseSucceed(() => undefined)
    )
    if (claim === undefined) return []
    created.inc({
      reason,
      nodepool: NodePool.name,
      min_values_relaxed: String(verdict.planned.minValuesRelaxed)
    })
    yield* logCreated(claim, verdict.planned)
    return [{ planned: verdict.planned, claim }]
  }), { concurrency: atOnce })
  const existing: ReadonlyArray<Created> = claims.flat()
  return existing
})

/** Gives the claims that exist now. What was refused or failed is in the log, and is planned again while its pods wait. */
export const createClaims = (
  planned: ReadonlyArray<NewNode>, types: ReadonlyMap<string, ReadonlyArray<InstanceType>>, purpose: Purpose = forPods
) => planned.length === 0
  ? Effect.succeed<ReadonlyArray<Created>>([])
  : Effect.flatMap(Cluster, (cluster) => cluster.alone(create(planned, types, purpose)))
