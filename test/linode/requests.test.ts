import { assert, describe, it } from "@effect/vitest"
import type { AxiosAdapter, InternalAxiosRequestConfig } from "axios"
import { Effect, Layer, Redacted } from "effect"
import { Linode } from "../../src/linode/linode.ts"
import * as live from "../../src/linode/live.ts"
import { type LinodeOptions, Transport } from "../../src/linode/options.ts"
import { pool } from "./support.ts"

/** What leaves the process for one call; it is never answered well. */
const sent = (options: Partial<LinodeOptions>, call: (linode: Linode["Service"]) => Effect.Effect<unknown, unknown>) => {
  const requests: Array<InternalAxiosRequestConfig> = []
  const adapter: AxiosAdapter = (config) => {
    requests.push(config)
    return Promise.resolve({ status: 200, statusText: "", headers: {}, config, data: "{}" })
  }
  return Linode.use((linode) => Effect.ignore(call(linode))).pipe(
    Effect.provide(live.layer({ token: Redacted.make("t"), ...options }).pipe(Layer.provide(Layer.succeed(Transport, adapter)))),
    Effect.map(() => requests[0]!)
  )
}

describe("what is sent", () => {
  const urls: ReadonlyArray<readonly [Partial<LinodeOptions>, string]> = [
    [{}, "https://api.linode.com/v4beta/lke/clusters/1/pools/2"],
    [{ apiVersion: "v4" }, "https://api.linode.com/v4/lke/clusters/1/pools/2"],
    [{ baseUrl: "http://127.0.0.1:9" }, "http://127.0.0.1:9/v4beta/lke/clusters/1/pools/2"],
    [{ baseUrl: "https://proxy.example/linode/" }, "https://proxy.example/linode/v4beta/lke/clusters/1/pools/2"],
    [{ baseUrl: "https://api.linode.com/v4/" }, "https://api.linode.com/v4beta/lke/clusters/1/pools/2"]
  ]
  for (const [options, url] of urls) {
    it.effect(`${JSON.stringify(options)} asks ${url}`, () => Effect.gen(function*() {
      assert.strictEqual((yield* sent(options, (linode) => linode.pool(1, 2))).url, url)
      // The client has this one under another version.
      assert.strictEqual((yield* sent(options, (linode) => linode.deletePool(1, 2))).url, url)
    }))
  }

  it.effect("the program's own name, its token, no proxy of the environment, no redirects", () => Effect.gen(function*() {
    const config = yield* sent({ userAgent: "karpenter-linode/1.2.3" }, (linode) => linode.cluster(1))
    assert.strictEqual(config.headers.get("User-Agent"), "karpenter-linode/1.2.3")
    assert.strictEqual(config.headers.get("Authorization"), "Bearer t")
    assert.isFalse(config.proxy)
    assert.strictEqual(config.maxRedirects, 0)
  }))

  it.effect("a node id cannot leave its place in the path", () => Effect.gen(function*() {
    const { url } = yield* sent({}, (linode) => linode.deleteNode(1, "../pools/7"))
    assert.strictEqual(url, "https://api.linode.com/v4beta/lke/clusters/1/nodes/..%2Fpools%2F7")
  }))

  it.effect("only the fields that are there", () => Effect.gen(function*() {
    const created = yield* sent({}, (linode) => linode.createPool(1, pool))
    assert.deepStrictEqual(JSON.parse(created.data), pool)
    const changed = yield* sent({}, (linode) => linode.updatePool(1, 2, { count: 3 }))
    assert.deepStrictEqual(JSON.parse(changed.data), { count: 3 })
  }))
})

it.effect("a file of authorities that cannot be read is an error that names it", () => Effect.gen(function*() {
  const layer = live.layer({ token: Redacted.make("t"), caFile: "/nowhere/ca.pem" })
  const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
  assert.match(error.message, /\/nowhere\/ca\.pem.*ENOENT/)
}))
