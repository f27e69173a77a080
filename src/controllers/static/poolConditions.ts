import { Effect } from "effect"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { reportTransitions } from "../transitions.ts"

/** Writes what the pool says of its static capacity, over the version that was read; nothing where nothing changed. */
export const writePoolConditions = Effect.fnUntraced(function*(before: NodePool, after: NodePool) {
  if (after === before) return
  const kube = yield* Kube
  yield* kube.patch(NodePools, { name: before.metadata.name }, {
    metadata: { resourceVersion: before.metadata.resourceVersion },
    status: { conditions: after.status?.conditions }
  }, { kind: "merge", subresource: "status" }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  yield* reportTransitions(before, after, ["StaticCapacity"])
})
