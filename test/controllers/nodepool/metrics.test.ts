import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { metricsController } from "../../../src/controllers/metrics/metrics.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import {
  FakeCloud, given, givenMachine, large, LinodeNodeClasses, nodeClass, nodePool, NodePools, pass, settle, small, world
} from "../../cluster/world.ts"

const offering = "{instance_type=\"small\",capacity_type=\"on-demand\",region=\"us-ord\"}"
const exposition = Metrics.use((metrics) => metrics.exposition)

describe("the gauges", () => {
  it.effect("show limits, usage and the catalogue, and forget what is gone", () => Effect.gen(function*() {
    const kube = yield* Kube
    const cloud = yield* FakeCloud
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("default", { limits: { cpu: "100", "ephemeral-storage": "1Gi" } }))
    yield* givenMachine("a")
    yield* Effect.forkScoped(metricsController)
    yield* settle
    yield* pass(10)
    for (const line of [
      "karpenter_nodepools_limit{resource_type=\"cpu\",nodepool=\"default\"} 100",
      "karpenter_nodepools_limit{resource_type=\"ephemeral_storage\",nodepool=\"default\"} 1073741824",
      "karpenter_nodepools_usage{resource_type=\"cpu\",nodepool=\"default\"} 4",
      "karpenter_nodepools_usage{resource_type=\"nodes\",nodepool=\"default\"} 1",
      "karpenter_cluster_state_node_count 1",
      "karpenter_cluster_state_synced 1",
      "karpenter_cloudprovider_instance_type_cpu_cores{instance_type=\"small\"} 2",
      "karpenter_cloudprovider_instance_type_memory_bytes{instance_type=\"small\"} 4294967296",
      `karpenter_cloudprovider_instance_type_offering_available${offering} 1`,
      `karpenter_cloudprovider_instance_type_offering_price_estimate${offering} 0.036`
    ]) assert.include(yield* exposition, line)
    cloud.types = [{ ...small, offerings: small.offerings.map((one) => ({ ...one, available: false })) }, large]
    yield* pass(60)
    assert.include(yield* exposition, `offering_available${offering} 0`)
    assert.notInclude(yield* exposition, "instance_type=\"huge\"")
    yield* kube.delete(NodePools, { name: "default" })
    yield* pass(60)
    assert.notInclude(yield* exposition, "nodepool=\"default\"")
  }).pipe(Effect.provide(world)))
})
