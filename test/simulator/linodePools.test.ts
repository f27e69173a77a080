import { assert, describe, it } from "@effect/vitest"
import { complaint, order, poolOf, start } from "./linodeSupport.ts"

describe("a standard pool", () => {
  it("has node ids at once, and instances a few seconds later", () => {
    const { ask, cluster, events, pass, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    assert.strictEqual(pool.nodes.length, 2)
    for (const node of pool.nodes) {
      assert.match(node.id, new RegExp(`^${pool.id}-[0-9a-f]{12}$`))
      assert.isNull(node.instance_id)
    }
    pass(5_000)
    const [first] = poolOf(ask("GET", `${pools}/${pool.id}`)).nodes
    assert.isNumber(first!.instance_id)
    assert.strictEqual(ask("GET", `/linode/instances/${first!.instance_id}`).body.label, `lke${cluster.id}-${first!.id}`)
    pass(120_000)
    assert.deepStrictEqual(events.filter(({ node }) => node.id === first!.id).map(({ kind }) => kind), [
      "NodeCreated", "InstanceAssigned", "InstanceRunning", "NodeReady"
    ])
    assert.strictEqual(poolOf(ask("GET", `${pools}/${pool.id}`)).nodes[0]!.status, "ready")
  })

  it("gives each transition its own time, however late somebody looks", () => {
    const delays = { assign: [2_000, 2_000], boot: [3_000, 3_000], run: [10_000, 10_000], join: [40_000, 40_000] } as const
    const { ask, events, pass, pools } = start({ delays })
    ask("POST", pools, { ...order, count: 1 })
    pass(3_600_000)
    assert.deepStrictEqual(events.map(({ at }) => at), [0, 2_000, 15_000, 55_000])
  })

  it("does not pass its tags on to its instances", () => {
    const { ask, cloud, pass, pools } = start()
    ask("POST", pools, order)
    pass(10_000)
    assert.isTrue([...cloud.instances.values()].every(({ tags }) => tags.length === 0))
  })

  it("loses the node that is deleted, and its count falls", () => {
    const { ask, cloud, cluster, events, pass, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    pass(60_000)
    const [gone, kept] = poolOf(ask("GET", `${pools}/${pool.id}`)).nodes
    assert.deepStrictEqual(ask("DELETE", `/lke/clusters/${cluster.id}/nodes/${gone!.id}`).body, {})
    const left = poolOf(ask("GET", `${pools}/${pool.id}`))
    assert.deepStrictEqual([left.count, left.nodes.map(({ id }) => id)], [1, [kept!.id]])
    assert.strictEqual(ask("GET", `/linode/instances/${gone!.instance_id}`).body.status, "deleting")
    pass(10_000)
    assert.strictEqual(ask("GET", `/linode/instances/${gone!.instance_id}`).status, 404)
    assert.isTrue(events.slice(-2).every(({ node }) => node.id === gone!.id))
    assert.deepStrictEqual(events.slice(-2).map(({ kind }) => kind), ["NodeDeleted", "InstanceGone"])
    assert.strictEqual(cloud.purchases.at(-2)?.deletedAt, 60_000)
  })

  it("loses nodes of Linode's choice when its count is lowered, the same ones for the same seed", () => {
    const shrink = (seed: number) => {
      const { ask, pools } = start({ seed })
      const pool = poolOf(ask("POST", pools, { ...order, count: 20 }))
      const left = poolOf(ask("PUT", `${pools}/${pool.id}`, { count: 5 })).nodes.map(({ id }) => id)
      return { left, newest: pool.nodes.slice(5).map(({ id }) => id) }
    }
    const first = shrink(7)
    assert.deepStrictEqual(first, shrink(7))
    assert.strictEqual(first.left.length, 5)
    assert.isTrue(first.left.some((id) => first.newest.includes(id)), "not simply the newest")
  })

  it("keeps at least one node, and its cluster one pool", () => {
    const { ask, cluster, pools, cloud } = start()
    const system = cloud.poolsOf(cluster)[0]!
    assert.strictEqual(ask("DELETE", `/lke/clusters/${cluster.id}/nodes/${system.nodes[0]!.id}`).status, 400)
    assert.strictEqual(ask("DELETE", `${pools}/${system.id}`).status, 400)
    const pool = poolOf(ask("POST", pools, order))
    assert.strictEqual(ask("DELETE", `${pools}/${pool.id}`).status, 200)
    assert.strictEqual(ask("DELETE", `${pools}/${pool.id}`).status, 404)
  })

  it("takes no notice of what only enterprise clusters have", () => {
    const { ask, pools } = start({ firewalls: [1] })
    const created = ask("POST", pools, { ...order, firewall_id: 99, k8s_version: "v9", nonsense: true })
    assert.strictEqual(created.status, 200)
    assert.notProperty(created.body, "firewall_id")
  })

  it("a deleted node is not resurrected by what was under way", () => {
    const { ask, events, pass, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    ask("DELETE", `${pools}/${pool.id}`)
    pass(600_000)
    assert.deepStrictEqual(events.map(({ kind }) => kind), ["NodeCreated", "NodeCreated", "NodeDeleted", "NodeDeleted"])
  })

  it("a node whose Linode is deleted directly stays in its pool, not ready", () => {
    const { ask, pass, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    pass(600_000)
    const [node] = poolOf(ask("GET", `${pools}/${pool.id}`)).nodes
    ask("DELETE", `/linode/instances/${node!.instance_id}`)
    pass(600_000)
    assert.strictEqual(ask("GET", `/linode/instances/${node!.instance_id}`).status, 404)
    assert.strictEqual(poolOf(ask("GET", `${pools}/${pool.id}`)).nodes[0]!.status, "not_ready")
  })
})

describe("an enterprise pool", () => {
  it("has no nodes for half a minute or more, then passes its tags on", () => {
    const { ask, cloud, cluster, pass, pools } = start({ tier: "enterprise" })
    const pool = poolOf(ask("POST", pools, { ...order, firewall_id: 5, k8s_version: "v1.33.6+lke7" }))
    assert.deepStrictEqual([pool.count, pool.nodes], [2, []])
    pass(29_999)
    assert.deepStrictEqual(poolOf(ask("GET", `${pools}/${pool.id}`)).nodes, [])
    pass(40_000)
    assert.strictEqual(poolOf(ask("GET", `${pools}/${pool.id}`)).nodes.length, 2)
    const tags = ["mine", `nodepool=${pool.id}`, `lke${cluster.id}`]
    const filter = JSON.stringify({ "+and": tags.map((tag) => ({ tags: tag })) })
    assert.strictEqual(ask("GET", "/linode/instances", undefined, { "x-filter": filter }).body.results, 2)
    ask("PUT", `${pools}/${pool.id}`, { tags: ["other"] })
    assert.isTrue([...cloud.instances.values()].some((instance) => instance.tags.includes("other")))
  })

  it("can be resized and deleted before it has nodes", () => {
    const { ask, cloud, pass, pools } = start({ tier: "enterprise" })
    const resized = poolOf(ask("POST", pools, order))
    const deleted = poolOf(ask("POST", pools, order))
    assert.deepStrictEqual(poolOf(ask("PUT", `${pools}/${resized.id}`, { count: 3 })).nodes, [])
    ask("DELETE", `${pools}/${deleted.id}`)
    pass(60_000)
    assert.strictEqual(cloud.purchases.filter(({ seeded }) => !seeded).length, 3)
  })

  it("refuses a firewall that is not there", () => {
    const { ask, pools } = start({ tier: "enterprise", firewalls: [1] })
    assert.strictEqual(complaint(ask("POST", pools, { ...order, firewall_id: 2 })).field, "firewall_id")
    assert.strictEqual(ask("POST", pools, { ...order, firewall_id: 1 }).status, 200)
  })
})

describe("an order that Linode turns down", () => {
  const long = "x".repeat(64)
  const cases: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>, string]> = [
    ["an unknown type", { type: "g9-nothing" }, "type"],
    ["a Nanode", { type: "g6-nanode-1" }, "type"],
    ["no node", { count: 0 }, "count"],
    ["too many nodes", { count: 101 }, "count"],
    ["half a node", { count: 1.5 }, "count"],
    ["no count", { count: undefined }, "count"],
    ["a label of Kubernetes' own", { labels: { "node.kubernetes.io/x": "y" } }, "labels"],
    ["a label of Linode's own", { labels: { "lke.linode.com/x": "y" } }, "labels"],
    ["a long label value", { labels: { a: long } }, "labels"],
    ["a label value with a space", { labels: { a: "b c" } }, "labels"],
    ["a long tag", { tags: ["t".repeat(51)] }, "tags"],
    ["tags that are none", { tags: "a" }, "tags"],
    ["a taint without a value", { taints: [{ key: "a", effect: "NoSchedule" }] }, "taints"],
    ["a taint with an unknown effect", { taints: [{ key: "a", value: "", effect: "Never" }] }, "taints"],
    ["a taint with a bad key", { taints: [{ key: "a b", value: "", effect: "NoSchedule" }] }, "taints"]
  ]
  for (const [name, change, field] of cases) {
    it(`${name}: 400 on ${field}, and nothing is bought`, () => {
      const { ask, cloud, pools } = start()
      const answer = ask("POST", pools, { ...order, ...change })
      assert.deepStrictEqual([answer.status, complaint(answer).field], [400, field])
      assert.strictEqual(cloud.purchases.length, 1)
    })
  }

  it("empty label and taint values are fine", () => {
    const { ask, pools } = start()
    const taints = [{ key: "karpenter.sh/unregistered", value: "", effect: "NoExecute" }]
    assert.strictEqual(ask("POST", pools, { ...order, labels: { "karpenter.sh/nodepool": "" }, taints }).status, 200)
  })

  it("a type that is sold out, until it is to be had again", () => {
    const { ask, cloud, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    const restock = cloud.soldOut("g6-standard-4", "us-ord")
    assert.strictEqual(complaint(ask("POST", pools, order)).field, "type")
    assert.strictEqual(ask("PUT", `${pools}/${pool.id}`, { count: 3 }).status, 400)
    assert.strictEqual(ask("PUT", `${pools}/${pool.id}`, { count: 1 }).status, 200, "shrinking needs no stock")
    restock()
    assert.strictEqual(ask("POST", pools, order).status, 200)
  })

  it("a plan that its region has not", () => {
    const { ask, cloud } = start()
    const cluster = cloud.addCluster({ label: "newark", region: "us-east" })
    const answer = ask("POST", `/lke/clusters/${cluster.id}/pools`, { ...order, type: "g7-premium-2" })
    assert.strictEqual(complaint(answer).field, "type")
  })

  it("more than the account may have", () => {
    const { ask, pools } = start({ accountLimit: 3 })
    assert.strictEqual(ask("POST", pools, order).status, 200)
    const answer = ask("POST", pools, order)
    assert.strictEqual(answer.status, 400)
    assert.deepStrictEqual(complaint(answer), { reason: "Account Limit reached. Please open a support ticket." })
  })

  it("more than the cluster may have", () => {
    const { ask, pools } = start()
    ask("POST", pools, { ...order, count: 100 })
    ask("POST", pools, { ...order, count: 100 })
    assert.match(complaint(ask("POST", pools, { ...order, count: 50 })).reason ?? "", /limit reached/)
  })

  it("another type for a pool that is there", () => {
    const { ask, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    assert.strictEqual(complaint(ask("PUT", `${pools}/${pool.id}`, { type: "g6-standard-8" })).field, "type")
  })
})

describe("the books", () => {
  it("know what is paid an hour now, and what it was at most, without the system pool", () => {
    const { ask, cloud, pools } = start()
    const pool = poolOf(ask("POST", pools, order))
    assert.strictEqual(cloud.hourlyPrice, 0.144)
    ask("PUT", `${pools}/${pool.id}`, { count: 10 })
    assert.strictEqual(cloud.hourlyPrice, 0.72)
    ask("DELETE", `${pools}/${pool.id}`)
    assert.deepStrictEqual([cloud.hourlyPrice, cloud.peakHourlyPrice], [0, 0.72])
    assert.strictEqual(cloud.purchases.filter(({ deletedAt, seeded }) => !seeded && deletedAt !== undefined).length, 10)
  })

  it("use the prices of the region", () => {
    const { ask, cloud } = start()
    const cluster = cloud.addCluster({ label: "jakarta", region: "id-cgk" })
    ask("POST", `/lke/clusters/${cluster.id}/pools`, { ...order, type: "g6-standard-1", count: 1 })
    assert.strictEqual(cloud.hourlyPrice, 0.022)
  })
})
