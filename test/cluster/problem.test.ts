import { assert, describe, it } from "@effect/vitest"
import type { StateNode } from "../../src/cluster/cluster.ts"
import { problemOf } from "../../src/cluster/problem.ts"
import { noSurroundings, volumeLimitsOf } from "../../src/cluster/surroundings.ts"
import type { Surroundings } from "../../src/cluster/surroundings.ts"
import type { CSINode } from "../../src/kube/objects.ts"
import { medium, nodePool, pod } from "./world.ts"

const block = "linodebs.csi.linode.com"
const type = { ...medium, volumeLimits: { [block]: 7 } }

const csiNode = (name: string, ...drivers: ReadonlyArray<readonly [string, number | undefined]>): CSINode => ({
  metadata: { name },
  spec: {
    drivers: drivers.map(([driver, count]) => ({ name: driver, ...(count === undefined ? {} : { allocatable: { count } }) }))
  }
})

const node = (parts: Partial<StateNode> = {}): StateNode => ({
  name: "n", node: { metadata: { name: "n" } }, claim: undefined, nodePool: "default", registered: true, initialized: true,
  labels: type.labels!, annotations: {}, taints: [], capacity: {}, charge: {}, allocatable: {}, pods: [],
  markedForDeletion: false, nominated: false, ...parts
})

const ask = (surroundings: Surroundings | undefined, nodes: ReadonlyArray<StateNode> = []) => problemOf({
  pods: [], nodes, nodePools: [nodePool()], instanceTypes: new Map([["default", [type]]]), daemonSets: [], promised: new Map(),
  options: {}, ...(surroundings === undefined ? {} : { surroundings })
})
const limits = (one: StateNode, ...nodes: ReadonlyArray<CSINode>) =>
  ask({ ...noSurroundings, volumeLimits: volumeLimitsOf(nodes) }, [one]).nodes[0]?.volumeLimits

describe("how many volumes a node can have attached", () => {
  it("is what its drivers say, where it is ready", () => {
    assert.deepStrictEqual(limits(node(), csiNode("n", [block, 5], ["other.csi", 3])), { [block]: 5, "other.csi": 3 })
    assert.deepStrictEqual(limits(node(), csiNode("n", ["other.csi", 3])), { "other.csi": 3 })
  })

  it("has no limit where a driver does not say, or there is none", () => {
    assert.deepStrictEqual(limits(node(), csiNode("n", [block, undefined])), {})
    assert.deepStrictEqual(limits(node(), { metadata: { name: "n" }, spec: {} }), {})
    assert.isUndefined(limits(node(), csiNode("another", [block, 5])))
  })

  it("is what its type will have, until it is ready and its drivers have spoken", () => {
    const coming = node({ initialized: false })
    assert.deepStrictEqual(limits(coming), { [block]: 7 })
    assert.deepStrictEqual(limits(coming, csiNode("n", ["other.csi", 3])), { [block]: 7, "other.csi": 3 })
    assert.deepStrictEqual(limits(coming, csiNode("n", [block, 6])), { [block]: 6 })
    assert.isUndefined(limits(node({ initialized: false, labels: {} })))
    assert.isUndefined(limits(node({ initialized: false, nodePool: undefined })))
  })
})

describe("the scheduler is asked", () => {
  it("with what each machine takes from the limits of its NodePool", () => {
    const [asked] = ask(undefined, [node({ capacity: { cpu: "2" }, charge: { cpu: "8" } })]).nodes
    assert.deepStrictEqual(asked?.capacity, { cpu: "8" })
  })

  it("with what surrounds the pods", () => {
    const given = {
      persistentVolumeClaims: [{ metadata: { name: "data", namespace: "default" }, spec: {} }],
      namespaces: [{ metadata: { name: "default" } }],
      defaultSpread: { constraints: [] }
    }
    const asked = ask({ ...noSurroundings, ...given })
    assert.deepInclude(asked, given)
    assert.notProperty(asked, "volumeLimits")
  })

  it("where a pod that runs could go, as if it did not run", () => {
    const running = pod("a", { nodeName: "n" })
    const { pods } = problemOf({
      pods: [running], nodes: [], nodePools: [], instanceTypes: new Map(), daemonSets: [], promised: new Map(), options: {}
    })
    assert.notProperty(pods[0]!.spec, "nodeName")
  })
})
