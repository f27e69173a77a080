import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeEvictionQueue } from "../../../src/controllers/node/evictionQueue.ts"
import { pod, inWorld, runPod, seconds } from "../nodeclaim/support.ts"
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
})
