/** The contract that every API server layer fulfils, held against a real kube-apiserver through the live layer. */
import { Effect, Layer } from "effect"
import { beforeAll, inject } from "vitest"
import { loadKubeConfig } from "../../src/kube/kubeconfig.ts"
import { layerOf } from "../../src/kube/live.ts"
import { kubeContract } from "../contract/suite.ts"
import { makeCli } from "./support/cli.ts"

const shared = inject("kubernetes")

beforeAll(async () => {
  const cli = makeCli(shared)
  await cli.kubectl("apply", "-f", "crds")
  await cli.kubectl("wait", "--for=condition=Established", "-f", "crds", "--timeout=30s")
})

kubeContract("a real API server", () => Layer.unwrap(Effect.map(
  loadKubeConfig({ env: { KUBECONFIG: shared.kubeconfig } }),
  (config) => layerOf(config, { qps: 1000, burst: 2000 })
  // A real server sends a quiet watch its first bookmark after a minute or more.
)), { bookmarkWithin: 150_000 })
