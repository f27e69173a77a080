/** The live layer, over HTTP, in front of the API server in memory: the same behaviour as without the wire between. */
import { Effect, Layer } from "effect"
import { crds } from "../../src/apis/crds.ts"
import { Kube } from "../../src/kube/kube.ts"
import { layerOf } from "../../src/kube/live.ts"
import { layerWith } from "../../src/kube/memory/layer.ts"
import { kubeContract } from "../contract/suite.ts"
import { configOf } from "../support/kubeconfig.ts"
import { serveKube } from "../support/kubeHttp.ts"

const overHttp = Layer.unwrap(Effect.gen(function*() {
  const server = yield* serveKube(yield* Kube)
  return layerOf(yield* configOf({ server: server.url }), { qps: 10_000, burst: 10_000 })
})).pipe(Layer.provide(layerWith({ crds, bookmarkEvery: "100 millis" })))

kubeContract("the live layer over HTTP", () => overHttp, { bookmarkWithin: 1_000 })
