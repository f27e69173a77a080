/**
 * What makes a batch: pods that nobody can place, machines whose pods need another, NodePools that may be used from now
 * on. What is still waiting after ten seconds asks again, which covers all else that may have changed meanwhile.
 */
import { Effect, Queue } from "effect"
import { disruptedTaint, sameTaint } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { Caches, index, unbound } from "../../kube/caches.ts"
import type { Change } from "../../kube/caches.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import type { Batcher } from "./batcher.ts"
import { isReady } from "./nodePools.ts"
import { isWaiting } from "./pendingPods.ts"

const retryEvery = "10 seconds"

const isDisrupted = (node: Node): boolean => (node.spec?.taints ?? []).some((taint) => sameTaint(taint, disruptedTaint))

/** Whether something holds of an object since this change. */
const begins = <A>(change: Change<A>, holds: (object: A) => boolean): boolean =>
  change.type === "applied" && holds(change.object) && (change.previous === undefined || !holds(change.previous))

/** Feeds the batcher until its scope ends. */
export const runTriggers = (batcher: Batcher): Effect.Effect<never, never, Caches> => Effect.scoped(Effect.gen(function*() {
  const caches = yield* Caches
  const pods = caches.store(Pods)
  const nodes = caches.store(Nodes)
  const elements = yield* Queue.unbounded<string>()
  const add = (object: { readonly metadata: { readonly uid?: string; readonly name: string } }): void => {
    Queue.offerUnsafe(elements, object.metadata.uid ?? object.metadata.name)
  }

  yield* pods.subscribe((change) => {
    // The scheduler rewrites the message of every waiting pod now and then: that is nothing new.
    if (begins(change, isWaiting)) add(change.object)
  })
  yield* nodes.subscribe((change) => {
    if (begins(change, isDisrupted)) add(change.object)
  })
  yield* caches.store(NodeClaims).subscribe((change) => {
    // A claim that goes before its node came (sold out, timed out) leaves its pods without one.
    const going = change.object.metadata.deletionTimestamp !== undefined
    const known = change.type === "applied" && change.previous?.metadata.deletionTimestamp !== undefined
    if (change.type === "deleted" || (going && !known)) add(change.object)
  })
  yield* caches.store(NodePools).subscribe((change) => {
    if (begins(change, isReady)) add(change.object)
  })
  const feed = Queue.take(elements).pipe(Effect.flatMap(batcher.trigger), Effect.forever)
  const retry = Effect.suspend(() =>
    pods.by(index.podUnbound, unbound).some(isWaiting) || nodes.list().some(isDisrupted) ? batcher.trigger("retry") : Effect.void
  ).pipe(Effect.delay(retryEvery), Effect.forever)
  return yield* Effect.all([feed, retry], { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
}))
