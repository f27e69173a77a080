import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeEvictionQueue } from "../../../src/controllers/node/evictionQueue.ts"
import { pod, inWorld, runPod, seconds, start } from "../nodeclaim/support.ts"
import { leaving, podHere, readyNode } from "./support.ts"

describe("the eviction queue", () => {
  it.effect("evicts what was queued before it began to work, as when a node was leaving already at the start", () =>
    inWorld(Effect.gen(function*() {
      yield* readyNode()
      yield* runPod(podHere("web"))
      const web = yield* pod("web")
      const queue = yield* makeEvictionQueue
      yield* queue.add(web === undefined ? [] : [web], undefined)
      yield* Effect.forkScoped(queue.run)
      yield* seconds(2)
      assert.deepStrictEqual(yield* leaving, ["web"])
    })))

  it.effect("lets a pod be whose node is gone: Kubernetes takes it, and no deadline holds for it any more", () =>
    inWorld(Effect.gen(function*() {
      yield* runPod(podHere("web"))
      const web = yield* pod("web")
      const queue = yield* makeEvictionQueue
      yield* queue.add(web === undefined ? [] : [web], start + 10_000)
      yield* Effect.forkScoped(queue.run)
      yield* seconds(60)
      assert.deepStrictEqual(yield* leaving, [])
    })))
})
