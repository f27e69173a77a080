/** A registered node with its claim, for the tests of draining. */
import { Effect } from "effect"
import { nodeTermination } from "../../../src/controllers/node/termination.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { Kube } from "../../../src/kube/kube.ts"
import type { Pod } from "../../../src/kube/objects.ts"
import { PodDisruptionBudgets, Pods } from "../../../src/kube/resources.ts"
import { claimNamed, createClaim, createNode, nodeOf, podNamed, seconds } from "../nodeclaim/support.ts"

export const nodeName = "lke1-a"

/** Runs the controllers that take a claim from its beginning to its end, with claim `a` on a ready node. */
export const readyNode = Effect.fnUntraced(function*(spec: Parameters<typeof claimNamed>[1] = {}) {
  yield* Effect.forkScoped(nodeClaimLifecycle)
  yield* Effect.forkScoped(nodeTermination)
  yield* createClaim(claimNamed("a", spec))
  yield* seconds(1)
  yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
  yield* seconds(1)
})

export const podHere = (name: string, changes: Parameters<typeof podNamed>[2] = {}): Pod => podNamed(name, nodeName, changes)

/** Of these pods: which have been told to leave, and which are still there. */
export const leaving = Kube.use((kube) => Effect.map(kube.list(Pods), ({ items }) =>
  items.filter((pod) => pod.metadata.deletionTimestamp !== undefined).map((pod) => pod.metadata.name).toSorted()))

/** Allows no disruption of the pods with this label. */
export const holdPods = (name: string, app: string) => Kube.use((kube) => kube.create(PodDisruptionBudgets, {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace: "default" },
  spec: { selector: { matchLabels: { app } }, maxUnavailable: 0 }
}))
export const releasePods = (name: string) => Kube.use((kube) => kube.delete(PodDisruptionBudgets, { name, namespace: "default" }))
