/**
 * `node.hydration`: gives registered Nodes of ours that another version or program made the label of their node class
 * (Karpenter's node/hydration). Without it a Node whose claim is lost would not be known as ours. Those that are yet to register
 * get it then, with all the others.
 */
import { Effect } from "effect"
import { label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { done, onOther, onSelf, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { claimOfNode, nodesOfClaim } from "../nodeclaim/pairing.ts"

const lacksClass = ({ metadata: { labels } }: Node): boolean =>
  labels?.[label.registered] === "true" && labels[label.nodeClass] === undefined

/** Runs until it is interrupted. */
export const nodeHydration: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const kube = yield* Kube
  const nodes = caches.store(Nodes)
  const claims = caches.store(NodeClaims)
  return yield* runController({
    name: "node.hydration",
    kind: Nodes,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(nodes, (change) => change.type === "applied" && lacksClass(change.object)),
      onOther(claims, (change) => change.type === "applied"
        ? nodesOfClaim(change.object, nodes).filter(lacksClass).map((node) => node.metadata)
        : [])
    ],
    reconcile: Effect.fnUntraced(function*({ name }) {
      yield* caches.synced
      const node = nodes.get({ name })
      const claim = node === undefined ? undefined : claimOfNode(node, claims)
      if (node === undefined || claim === undefined || !lacksClass(node)) return done
      const { uid } = node.metadata
      const labels = { [label.nodeClass]: claim.spec.nodeClassRef.name }
      yield* kube.patch(Nodes, { name }, { metadata: { uid, labels } }, { kind: "merge" }).pipe(
        Effect.catchIf(isNotFound, () => Effect.void)
      )
      return done
    })
  })
})
