/** Nodes that are taken away or replaced because it is better so, on a real API server with a real scheduler and evictions. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { annotation, label } from "../../src/apis/labels.ts"
import type { Event, Node, Pod } from "../../src/kube/objects.ts"
import { until } from "./support/cli.ts"
import { follow } from "./support/history.ts"
import { deployment, nodeClass } from "./support/manifests.ts"
import type { PoolOptions } from "./support/manifests.ts"
import { scenario, scenarioTaint } from "./support/scenario.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

const minute = 60_000
const types = (...values: ReadonlyArray<string>) => [{ key: label.instanceType, operator: "In", values }]
const isReady = ({ metadata, status }: Pod): boolean => metadata.deletionTimestamp === undefined &&
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true

describe.concurrent("a cluster that is looked after", () => {
  let world: World
  beforeAll(async () => {
    // Where firewalls and versions of nodes mean something.
    world = await openWorld({ tier: "enterprise" })
    await world.install()
    await world.apply([nodeClass()])
    await world.start()
  })
  afterAll(async () => {
    try {
      await world.kubectl("delete", "nodepools", "--all", "--wait=false")
      await world.kubectl("delete", "pdb", "--all", "-n", "default")
      await world.giveBack()
    } finally {
      await world.close()
    }
  })

  const price = (type: string): number => world.cloud.types.get(type)!.price.hourly!
  const simulatedPoolOf = ({ metadata }: Node) => world.cloud.poolsOf(world.cluster)
    .find((pool) => pool.nodes.some(({ name }) => name === metadata.name))!
  const said = async (reason: string, object: string) =>
    (await world.get<Event>("events", "-A", "--field-selector", `reason=${reason},involvedObject.name=${object}`))
      .map(({ message }) => message ?? "")

  it("is given back what it has too much of, and all of its pods run all the while", async () => {
    const name = "fragmented"
    const here = scenario(world, name)
    const small = `${name}-small`
    await world.apply([
      here.pool({ requirements: types("g6-standard-2"), disruption: { consolidateAfter: "Never" } }),
      deployment(name, { replicas: 5, cpu: "1500m", ...here.at })
    ])
    await here.running(5)
    await here.wait("Initialized")
    await world.apply([
      deployment(small, { replicas: 5, cpu: "400m", ...here.at }),
      {
        apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: small, namespace: "default" },
        spec: { selector: { matchLabels: { app: small } }, maxUnavailable: 1 }
      }
    ])
    const before = new Set((await world.running(small, 5)).map(({ spec }) => spec.nodeName))
    assert.strictEqual(before.size, 5, "one on each node")
    await world.kubectl("scale", "deployment", name, "--replicas", "0")
    await here.patchPool({ disruption: { consolidateAfter: "0s" } })
    let least = 5
    await until("one or two nodes to be left", async () => {
      least = Math.min(least, (await world.pods(small)).filter(isReady).length)
      return (await here.claims()).length <= 2 && (await here.nodes()).length <= 2
      // One node at a time by its budget, each after those of the other scenarios, and each looked at twice, 15 s apart.
    }, 240)
    assert.isAtLeast(least, 4, "ready pods, as their budget says")
    const after = await world.running(small, 5)
    const places = new Set(after.map(({ spec }) => spec.nodeName))
    const nodes = (await here.nodes()).map(({ metadata }) => metadata.name)
    assert.isTrue(nodes.every((node) => before.has(node)), "nothing was bought")
    assert.isTrue([...places].every((node) => nodes.includes(node!)))
    await until("the Linodes to be given back", async () => {
      const alive = new Set(world.alive().map(({ node }) => node))
      return [...before].filter((node) => alive.has(node!)).length === nodes.length
    })
  }, 5 * minute)

  it("has a node replaced by a cheaper one, which is there before the other goes", async () => {
    const here = scenario(world, "too-large")
    const history = follow(world, here.name)
    await world.apply([
      here.pool({ requirements: types("g6-standard-6"), disruption: { consolidateAfter: "Never" } }),
      deployment(here.name, { replicas: 1, cpu: "1500m", ...here.at })
    ])
    await here.running(1)
    await here.wait("Initialized")
    const [large] = await here.claims()
    // The large type stays allowed, so that the node is no drifted one.
    await here.patchPool({
      disruption: { consolidateAfter: "0s" },
      template: { spec: { requirements: [{ key: here.selector, operator: "Exists" }, ...types("g6-standard-2", "g6-standard-6")] } }
    })
    await until("the large node to go", async () =>
      (await here.claims()).every(({ metadata }) => metadata.uid !== large!.metadata.uid), 150)
    const [next, ...more] = await here.claims()
    assert.lengthOf(more, 0)
    assert.isBelow(price(next!.metadata.labels![label.instanceType]!), price("g6-standard-6"))
    assert.deepStrictEqual(
      history.othersWhenLeaving(large!.metadata.uid!), [{ name: next!.metadata.name, initialized: true }]
    )
    assert.isFalse(history.wasEver(large!.metadata.uid!, "Drifted"))
    await here.running(1)
  })

  /** A node for one pod, which is then to be another. */
  const single = async (name: string, options: PoolOptions & { readonly annotations?: Readonly<Record<string, string>> } = {}) => {
    const here = scenario(world, name)
    const history = follow(world, name)
    const tolerations = [...here.at.tolerations ?? [], { key: "example.com/drifted", operator: "Exists" }]
    const annotations = options.annotations ?? {}
    await world.apply([here.pool(options), deployment(name, { replicas: 1, annotations, ...here.at, tolerations })])
    await here.running(1)
    await here.wait("Initialized")
    const [first] = await here.claims()
    const old = first!.metadata.uid!
    const nodeName = first!.status!.nodeName!
    return {
      ...here, history, old, nodeName,
      untouched: async () => {
        const [claim, ...more] = await here.claims()
        const [node] = await here.nodes()
        assert.lengthOf(more, 0)
        assert.strictEqual(claim?.metadata.uid, old)
        assert.isUndefined(claim?.metadata.deletionTimestamp)
        assert.isFalse(node?.spec?.taints?.some(({ key }) => key === "karpenter.sh/disrupted"))
        assert.isTrue(world.alive().some(({ node: alive }) => alive === nodeName))
      },
      /** The new node, once the old one has left in the right order. */
      replaced: async (seconds = 150): Promise<Node> => {
        await until(`the old node of ${name} to go`, async () =>
          (await here.claims()).every(({ metadata }) => metadata.uid !== old), seconds)
        const [next, ...more] = await here.claims()
        assert.lengthOf(more, 0)
        assert.deepStrictEqual(history.othersWhenLeaving(old), [{ name: next!.metadata.name, initialized: true }])
        assert.isTrue(history.wasEver(old, "Drifted"))
        const [pod] = await here.running(1)
        assert.strictEqual(pod!.spec.nodeName, next!.status!.nodeName)
        await until("the old Linode to be given back", async () => !world.alive().some(({ node }) => node === nodeName))
        return (await here.nodes()).find(({ metadata }) => metadata.name === pod!.spec.nodeName)!
      }
    }
  }

  it("has a node replaced when a label of its NodePool changes", async () => {
    const here = await single("drift-label")
    await here.patchPool({ template: { metadata: { labels: { "example.com/team": "blue" } } } })
    assert.strictEqual((await here.replaced()).metadata.labels?.["example.com/team"], "blue")
  })

  it("has a node replaced when a taint of its NodePool changes", async () => {
    const here = await single("drift-taint")
    const taint = { key: "example.com/drifted", value: "yes", effect: "NoSchedule" }
    await here.patchPool({ template: { spec: { taints: [scenarioTaint, taint] } } })
    const { metadata } = await here.replaced()
    await until("the taint", async () => (await world.get<Node>("node", metadata.name))[0]?.spec?.taints?.some(({ key }) => key === taint.key))
  })

  for (const [field, value] of [["firewallID", 12], ["image", "linode/debian12"], ["lkeK8sVersion", ""]] as const) {
    it(`has a node replaced when ${field} of its LinodeNodeClass changes, and not when tags do`, async () => {
      const name = `drift-${field.toLowerCase()}`
      await world.apply([nodeClass(name)])
      const here = await single(name, { nodeClass: name })
      const change = (spec: object) => world.kubectl("patch", "lnc", name, "--type=merge", "-p", JSON.stringify({ spec }))
      await change({ tags: ["team-blue"] })
      const [node] = await here.nodes()
      await until("the tag on the pool", async () => simulatedPoolOf(node!).tags.includes("team-blue"))
      await here.untouched()
      assert.isFalse(here.history.wasEver(here.old, "Drifted"))
      await change({ [field]: value === "" ? world.cluster.k8sVersion : value })
      const pool = simulatedPoolOf(await here.replaced())
      assert.include(pool.tags, "team-blue")
      if (field === "firewallID") assert.strictEqual(pool.firewallId, value)
      assert.strictEqual(pool.k8sVersion, world.cluster.k8sVersion)
    })
  }

  it("keeps its nodes while the budget is zero, is told so, and has them replaced when the schedule opens", async () => {
    const here = await single("budget")
    await here.patchPool({
      disruption: { budgets: [{ nodes: "0" }] }, template: { metadata: { labels: { "example.com/team": "red" } } }
    })
    await until("the NodePool to say it", async () =>
      (await said("DisruptionBlocked", here.name)).some((text) => text.includes("No allowed disruptions for disruption reason Drifted")))
    await here.untouched()
    // Closed from a minute ago, in UTC, until the next full minute that is not right now.
    const opens = Math.ceil((Date.now() + 10_000) / minute) * minute
    const began = new Date(opens - 5 * minute)
    const schedule = `${began.getUTCMinutes()} ${began.getUTCHours()} * * *`
    await here.patchPool({ disruption: { budgets: [{ nodes: "0", schedule, duration: "5m" }, { nodes: "1" }] } })
    await here.replaced()
    const [next] = await here.claims()
    assert.isAtLeast(Date.parse(next!.metadata.creationTimestamp!), opens)
  })

  it("keeps the node of a pod that must not be disrupted until the pod says so no more", async () => {
    const here = await single("held", { annotations: { [annotation.doNotDisrupt]: "true" } })
    await here.patchPool({ template: { metadata: { labels: { "example.com/team": "green" } } } })
    await here.wait("Drifted")
    const [pod] = await here.pods()
    await until("the node to say it", async () =>
      (await said("DisruptionBlocked", here.nodeName)).some((text) => text.includes(`default/${pod!.metadata.name}`)))
    await here.untouched()
    await world.kubectl("annotate", "pod", pod!.metadata.name, "-n", "default", `${annotation.doNotDisrupt}-`)
    await here.replaced()
  })
})
