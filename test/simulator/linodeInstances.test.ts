import { assert, describe, it } from "@effect/vitest"
import { documentedLimits } from "../../src/simulator/linode/rateLimits.ts"
import { complaint, start } from "./linodeSupport.ts"

const linodes = "/linode/instances"
const encode = (text: string): string => Buffer.from(text).toString("base64")

const machine = {
  label: "claim-1", type: "g6-standard-2", region: "us-ord", image: "linode/ubuntu24.04", root_pass: "Very-Secret-1",
  tags: ["mine"], metadata: { user_data: encode("#cloud-config\n") }
} as const

const group = (id: number, members: number, region = "us-ord") => ({
  id, label: `group-${id}`, region, placement_group_type: "anti_affinity:local", placement_group_policy: "strict",
  members: Array.from({ length: members }, (_, i) => ({ linode_id: i + 1 }))
})

describe("a Linode by itself", () => {
  it("is there at once, boots, runs, and carries out its user data", () => {
    const delays = { boot: [3_000, 3_000], run: [10_000, 10_000], join: [40_000, 40_000] } as const
    const { ask, cloud, events, pass } = start({ delays })
    const { body, status } = ask("POST", linodes, machine)
    assert.strictEqual(status, 200)
    assert.containsSubset(body, {
      label: "claim-1", type: "g6-standard-2", region: "us-ord", status: "provisioning", tags: ["mine"], lke_cluster_id: null,
      image: "linode/ubuntu24.04", has_user_data: true
    })
    const state = () => ask("GET", `${linodes}/${String(body.id)}`).body.status
    pass(3_000)
    assert.strictEqual(state(), "booting")
    pass(10_000)
    assert.strictEqual(state(), "running")
    pass(3_600_000)
    assert.deepStrictEqual(events.map(({ at, kind }) => [kind, at]), [
      ["NodeCreated", 0], ["InstanceAssigned", 0], ["InstanceRunning", 13_000], ["NodeReady", 53_000]
    ])
    for (const { cluster, node, pool } of events) {
      assert.deepStrictEqual([cluster, pool, node.name, node.instanceId], [undefined, undefined, "claim-1", body.id])
    }
    assert.deepStrictEqual(cloud.machines().map(({ name, status }) => [name, status]), [["claim-1", "ready"]])
    assert.strictEqual(cloud.instances.get(Number(body.id))?.userData, "#cloud-config\n")
    assert.notInclude(JSON.stringify(body), machine.root_pass)
  })

  it("is deleted at once for its owner, and is gone after a while", () => {
    const { ask, cloud, events, pass } = start({ delays: { vanish: [5_000, 5_000] } })
    const path = `${linodes}/${String(ask("POST", linodes, machine).body.id)}`
    pass(120_000)
    assert.strictEqual(cloud.hourlyPrice, 0.036)
    assert.deepStrictEqual(ask("DELETE", path).body, {})
    assert.strictEqual(cloud.hourlyPrice, 0)
    assert.deepStrictEqual(cloud.machines(), [])
    assert.deepStrictEqual([ask("DELETE", path).status, ask("GET", path).body.status], [200, "deleting"])
    pass(5_000)
    assert.deepStrictEqual([ask("DELETE", path).status, ask("GET", path).status], [404, 404])
    assert.deepStrictEqual(events.slice(-2).map(({ at, kind }) => [kind, at]), [["NodeDeleted", 120_000], ["InstanceGone", 125_000]])
    assert.deepInclude(cloud.purchases.at(-1), {
      node: "claim-1", name: "claim-1", pool: undefined, cluster: undefined, createdAt: 0, deletedAt: 120_000, seeded: false
    })
  })

  it("that is deleted while it boots never joins", () => {
    const { ask, events, pass } = start()
    ask("DELETE", `${linodes}/${String(ask("POST", linodes, machine).body.id)}`)
    pass(600_000)
    assert.deepStrictEqual(events.map(({ kind }) => kind), ["NodeCreated", "InstanceAssigned", "NodeDeleted", "InstanceGone"])
  })

  it("has its label for itself until it is gone", () => {
    const { ask, cloud, pass } = start({ delays: { vanish: [5_000, 5_000] } })
    const first = ask("POST", linodes, machine)
    const unique = { reason: "Label must be unique among your linodes", field: "label" }
    const again = ask("POST", linodes, { ...machine, region: "us-sea" })
    assert.deepStrictEqual([again.status, complaint(again)], [400, unique])
    ask("DELETE", `${linodes}/${String(first.body.id)}`)
    assert.deepStrictEqual(complaint(ask("POST", linodes, machine)), unique)
    pass(5_000)
    assert.strictEqual(ask("POST", linodes, machine).status, 200)
    assert.lengthOf(cloud.purchases.filter(({ seeded }) => !seeded), 2)
  })

  it("cannot have the label of a node of LKE or of a Linode that was there before", () => {
    const { ask, cloud, cluster } = start()
    cloud.addInstance({ label: "bastion", type: "g6-nanode-1", region: "us-ord" })
    const labels = ["bastion", cloud.poolsOf(cluster)[0]!.nodes[0]!.name]
    for (const label of labels) assert.strictEqual(complaint(ask("POST", linodes, { ...machine, label })).field, "label")
  })

  it("is found by its label and by its tags", () => {
    const { ask } = start()
    ask("POST", linodes, machine)
    ask("POST", linodes, { ...machine, label: "claim-10", tags: ["mine", "other"] })
    const found = (filter: object) => (ask("GET", linodes, undefined, { "x-filter": JSON.stringify(filter) }).body.data as ReadonlyArray<{ readonly label: string }>)
      .map(({ label }) => label)
    assert.deepStrictEqual(found({ label: "claim-1" }), ["claim-1"])
    assert.deepStrictEqual(found({ "+and": [{ tags: "mine" }] }), ["claim-1", "claim-10"])
    assert.deepStrictEqual(found({ "+and": [{ tags: "mine" }, { tags: "other" }] }), ["claim-10"])
  })

  it("stops and starts like any other, and says so", () => {
    const { ask, events, pass } = start()
    const path = `${linodes}/${String(ask("POST", linodes, machine).body.id)}`
    pass(600_000)
    ask("POST", `${path}/shutdown`)
    pass(600_000)
    assert.strictEqual(ask("GET", path).body.status, "offline")
    ask("POST", `${path}/boot`)
    pass(600_000)
    assert.deepStrictEqual(events.slice(-3).map(({ kind }) => kind), ["InstanceStopped", "InstanceRunning", "NodeReady"])
  })

  it("goes down for maintenance of its host, and comes back", () => {
    const { ask, cloud, events, pass } = start()
    const id = Number(ask("POST", linodes, machine).body.id)
    pass(600_000)
    cloud.power.planMaintenance(cloud.instances.get(id)!, { after: 60_000, type: "reboot" })
    assert.containsSubset(ask("GET", "/account/maintenance").body.data, [{ entity: { id, type: "linode" }, status: "scheduled" }])
    pass(600_000)
    assert.deepStrictEqual(events.slice(-3).map(({ kind }) => kind), ["InstanceStopped", "InstanceRunning", "NodeReady"])
    assert.strictEqual(cloud.machines()[0]!.status, "ready")
  })

  it("takes a place in its placement group, and gives it up when it is gone", () => {
    const { ask, cloud, pass } = start({ placementGroups: [group(7, 4)] })
    const members = () => cloud.account.placementGroups.get(7)!.members.length
    const wanted = { ...machine, placement_group: { id: 7 } }
    const first = ask("POST", linodes, wanted)
    assert.strictEqual(members(), 5)
    assert.strictEqual(complaint(ask("POST", linodes, { ...wanted, label: "claim-2" })).field, "placement_group.id")
    ask("DELETE", `${linodes}/${String(first.body.id)}`)
    pass(60_000)
    assert.strictEqual(members(), 4)
  })
})

describe("a new Linode is refused", () => {
  const sized = (bytes: number) => ({ metadata: { user_data: Buffer.alloc(bytes, "x").toString("base64") } })
  const cases: ReadonlyArray<readonly [string, object, string | undefined]> = [
    ["with a short label", { label: "ab" }, "label"],
    ["with a label of 65 characters", { label: "a".repeat(65) }, "label"],
    ["with a label that begins with a dash", { label: "-abc" }, "label"],
    ["with a label that ends with a period", { label: "abc." }, "label"],
    ["with two dashes", { label: "a--b" }, "label"],
    ["with two underscores", { label: "a__b" }, "label"],
    ["with two periods", { label: "a..b" }, "label"],
    ["with a blank in its label", { label: "a b" }, "label"],
    ["without a type", { type: undefined }, "type"],
    ["of an unknown type", { type: "g6-standard-99" }, "type"],
    ["of a type that the region does not have", { type: "g7-premium-2", region: "us-east" }, "type"],
    ["without a region", { region: undefined }, "region"],
    ["in an unknown region", { region: "mars" }, "region"],
    ["from an unknown image", { image: "linode/none" }, "image"],
    ["without a way in", { root_pass: undefined }, "root_pass"],
    ["with a short password", { root_pass: "Ab1!" }, "root_pass"],
    ["with a simple password", { root_pass: "aaaaaaaaaaaa" }, "root_pass"],
    ["with a key that is none", { authorized_keys: ["hello"] }, "authorized_keys"],
    ["with users that are no list", { authorized_users: "me" }, "authorized_users"],
    ["with user data that is not encoded", { metadata: { user_data: "#cloud-config" } }, "metadata.user_data"],
    ["with 65,536 bytes of user data", sized(65_536), "metadata.user_data"],
    ["with an unknown firewall", { firewall_id: 99 }, "firewall_id"],
    ["with a firewall that its interfaces would have to have", { firewall_id: 1, interface_generation: "linode" }, "firewall_id"],
    ["with interfaces of no kind", { interface_generation: "mine" }, "interface_generation"],
    ["with an unknown placement group", { placement_group: { id: 99 } }, "placement_group.id"],
    ["with a full placement group", { placement_group: { id: 7 } }, "placement_group.id"],
    ["with a placement group of another region", { placement_group: { id: 8 } }, "placement_group.id"],
    ["with a long tag", { tags: ["x".repeat(51)] }, "tags"],
    ["with a swap disk below nothing", { swap_size: -1 }, "swap_size"],
    ["with encryption of its own kind", { disk_encryption: "maybe" }, "disk_encryption"]
  ]
  for (const [name, change, field] of cases) {
    it(name, () => {
      const { ask, cloud } = start({ firewalls: [1], placementGroups: [group(7, 5), group(8, 0, "us-sea")] })
      const answer = ask("POST", linodes, { ...machine, ...change })
      assert.deepStrictEqual([answer.status, complaint(answer).field], [400, field])
      assert.notInclude(JSON.stringify(answer.body), machine.root_pass)
      assert.deepStrictEqual(cloud.machines(), [])
    })
  }

  it("when its type is sold out", () => {
    const { ask, cloud } = start()
    const restock = cloud.soldOut("g6-standard-2", "us-ord")
    assert.strictEqual(complaint(ask("POST", linodes, machine)).field, "type")
    restock()
    assert.strictEqual(ask("POST", linodes, machine).status, 200)
  })

  it("when the account is full", () => {
    const { ask } = start({ accountLimit: 2 })
    assert.strictEqual(ask("POST", linodes, machine).status, 200)
    assert.match(complaint(ask("POST", linodes, { ...machine, label: "claim-2" })).reason ?? "", /^Account Limit reached/)
  })
})

describe("a new Linode is taken", () => {
  const cases: ReadonlyArray<readonly [string, object]> = [
    ["as a Nanode, which LKE does not take", { type: "g6-nanode-1" }],
    ["with 65,535 bytes of user data", { metadata: { user_data: Buffer.alloc(65_535, "x").toString("base64") } }],
    ["with a key and no password", { root_pass: undefined, authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEx me@home"] }],
    ["with everything", {
      authorized_users: ["me"], backups_enabled: true, disk_encryption: "enabled", swap_size: 0, firewall_id: 1, placement_group: { id: 7 }
    }],
    ["with nulls", { firewall_id: null, placement_group: null, tags: null, metadata: null }],
    ["without a label", { label: undefined }]
  ]
  for (const [name, change] of cases) {
    it(name, () => {
      const answer = start({ firewalls: [1], placementGroups: [group(7, 4)] }).ask("POST", linodes, { ...machine, ...change })
      assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    })
  }
})

it("twenty Linodes in fifteen seconds, and no more", () => {
  const { ask, cloud, pass } = start({ rateLimits: documentedLimits })
  for (let i = 0; i < 20; i++) assert.strictEqual(ask("POST", linodes, { ...machine, label: `claim-${i}` }).status, 200)
  const refused = ask("POST", linodes, { ...machine, label: "claim-20" })
  assert.strictEqual(refused.status, 429)
  assert.deepInclude(refused.headers, { "Retry-After": "15", "X-RateLimit-Limit": "20" })
  assert.strictEqual(cloud.machines().length, 20)
  assert.strictEqual(ask("DELETE", `${linodes}/${cloud.machines()[0]!.instanceId}`).status, 200)
  pass(15_000)
  assert.strictEqual(ask("POST", linodes, { ...machine, label: "claim-20" }).status, 200)
})
