import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import { annotation, label, unregisteredTaint } from "../../src/apis/labels.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { decideGiveBack } from "../../src/cloud/instance/giveBack.ts"
import type { Seen } from "../../src/cloud/instance/giveBack.ts"
import { machineLabel } from "../../src/cloud/instance/label.ts"
import { launchLabels, launchTaints, orderOf } from "../../src/cloud/instance/order.ts"
import { earlierAttempts, isInDoubt, recordOf } from "../../src/cloud/instance/record.ts"
import type { Intent } from "../../src/cloud/instance/record.ts"
import { observe, unowned } from "../../src/cloud/instance/sweeper.ts"
import { clusterTag, isOurs, machineTags } from "../../src/cloud/instance/tags.ts"
import { decideTags } from "../../src/cloud/instance/retag.ts"
import { validateNodeClass } from "../../src/cloud/instance/validate.ts"
import { requestLifetime } from "../../src/cloud/requests.ts"
import type { Instance } from "../../src/linode/models.ts"
import { claimOf, nodeClass } from "./lkeWorld.ts"

const identity = "0123456789abcdef"
const cluster = { name: "prod", region: "us-ord", identity }
const now = 10_000_000
const at = (millis: number) => new Date(millis).toISOString()

interface About {
  readonly uid?: string
  readonly intent?: Partial<Intent>
  readonly providerID?: string
  readonly deleting?: boolean
}

const claimWith = (name: string, { deleting, intent, providerID, uid }: About = {}): NodeClaim => {
  const base = claimOf(name)
  return {
    ...base,
    metadata: {
      ...base.metadata,
      uid: uid ?? `uid-${name}`,
      ...(deleting === true ? { deletionTimestamp: at(now) } : {}),
      annotations: intent === undefined ? {} : { [annotation.instanceIntent]: JSON.stringify({ at: at(now - 1_000), attempts: 1, ...intent }) }
    },
    ...(providerID === undefined ? {} : { status: { providerID } })
  }
}

const labelOf = (claim: NodeClaim) => machineLabel(identity, claim)

const instance = (id: number, called: string, over: Partial<Instance> = {}): Instance => ({
  id, label: called, type: "g6-standard-2", region: "us-ord", status: "running", created: "2026-01-01T00:00:00",
  tags: [clusterTag(identity)], lke_cluster_id: null, image: "linode/ubuntu22.04", ...over
})

/** What Linode takes as a label, and Kubernetes as the name of a Node and as the value of its label for the hostname. */
const assertGood = (text: string) => {
  assert.match(text, /^[a-z]([a-z0-9-]*[a-z0-9])$/)
  assert.isAtLeast(text.length, 3)
  assert.isAtMost(text.length, 63)
  assert.notMatch(text, /--|__|\.\./)
}

describe("the label of a claim's machine", () => {
  const table = [
    ["general-x7k2p", "general-x7k2p"],
    ["a.b..c--d_e", "a-b-c-d-e"],
    ["1st", "n-1st"],
    ["x".repeat(253), "x".repeat(50)],
    [`${"x".repeat(49)}-tail`, "x".repeat(49)],
    ["-odd-", "odd"]
  ] as const
  for (const [name, begin] of table) {
    it(`of ${name.slice(0, 20)} begins with its name as far as that can be read`, () => {
      const made = labelOf(claimWith(name))
      assertGood(made)
      assert.match(made.slice(begin.length), /^-[0-9a-f]{12}$/)
      assert.isTrue(made.startsWith(begin))
    })
  }

  it("is another for another claim of that name, and in another cluster", () => {
    const labels = [
      machineLabel(identity, claimWith("a", { uid: "1" })), machineLabel(identity, claimWith("a", { uid: "2" })),
      machineLabel("fedcba9876543210", claimWith("a", { uid: "1" }))
    ]
    assert.strictEqual(new Set(labels).size, 3)
  })

  it.prop("is good whatever the claim is called, and the same each time", { name: Schema.NonEmptyString, uid: Schema.String }, ({ name, uid }) => {
    const made = labelOf(claimWith(name, { uid }))
    assertGood(made)
    assert.strictEqual(labelOf(claimWith(name, { uid })), made)
  })
})

describe("whether a request for a claim may be carried out yet", () => {
  const old = at(now - requestLifetime)
  const table: ReadonlyArray<readonly [string, About, boolean, number]> = [
    ["none was ever sent", {}, false, 0],
    ["one was sent", { intent: {} }, true, 1],
    ["one was sent, too long ago", { intent: { at: old } }, false, 0],
    ["one was sent, and the claim says what it made", { intent: {}, providerID: "linode://5" }, false, 1],
    ["one was sent, and what it made was found", { intent: { machine: 5 } }, false, 1],
    ["two were sent, and the claim says what one of them made", { intent: { attempts: 2 }, providerID: "linode://5" }, true, 2],
    ["it is long ago that the claim got its machine", { intent: { at: old }, providerID: "linode://5" }, false, 1],
    ["the note cannot be read", { intent: { at: "yesterday" } }, false, 0]
  ]
  for (const [when, about, doubt, earlier] of table) {
    it(`is ${doubt ? "so" : "not so"} when ${when}`, () => {
      const record = recordOf(claimWith("a", about))
      assert.strictEqual(isInDoubt(record, now), doubt)
      assert.strictEqual(earlierAttempts(record, now), earlier)
    })
  }

  it("stays so when the machine that the claim names is replaced", () => {
    const lost = recordOf(claimWith("a", { intent: { at: old }, providerID: "linode://5" }))
    const again = recordOf(claimWith("a", { intent: { attempts: earlierAttempts(lost, now) + 1 }, providerID: "linode://5" }))
    assert.isTrue(isInDoubt(again, now))
  })
})

describe("giving a machine back", () => {
  const own = labelOf(claimWith("a"))
  const other = labelOf(claimWith("b"))
  const seen = (listed: ReadonlyArray<Instance>, named?: Instance, others: ReadonlyArray<string> = []): Seen =>
    ({ now, listed, named, label: own, others: new Set(others) })
  const table: ReadonlyArray<readonly [string, About, Seen, string]> = [
    ["deletes the machine of its label", { intent: {} }, seen([instance(5, own), instance(6, other)]), "delete 5"],
    ["deletes the machine that the claim names, though the list has not got it yet", { providerID: "linode://5" }, seen([], instance(5, own)), "delete 5"],
    ["deletes a machine once", { providerID: "linode://5" }, seen([instance(5, own)], instance(5, own)), "delete 5"],
    ["deletes a machine that somebody renamed", { providerID: "linode://5" }, seen([instance(5, "web")], instance(5, "web")), "delete 5"],
    ["deletes what a late request made beside the one that was renamed", { providerID: "linode://5" }, seen([instance(7, own)], instance(5, "web")), "delete 7,5"],
    ["leaves the machine of another claim alone, though the claim names it", { providerID: "linode://6" }, seen([instance(6, other)], instance(6, other), [other]), "gone"],
    ["waits for a machine that is being deleted", { intent: {} }, seen([instance(5, own, { status: "deleting" })]), "delete "],
    ["waits while a request may be carried out", { intent: {} }, seen([]), "wait"],
    ["waits while one of two requests may be carried out", { intent: { attempts: 2 }, providerID: "linode://5" }, seen([]), "wait"],
    ["is done when the only request was answered and its machine is no more", { intent: {}, providerID: "linode://5" }, seen([]), "gone"],
    ["is done when no request can be carried out any more", { intent: { at: at(now - requestLifetime), attempts: 4 } }, seen([]), "gone"]
  ]
  for (const [what, about, view, expected] of table) {
    it(what, () => {
      const verdict = decideGiveBack(recordOf(claimWith("a", { ...about, deleting: true })), view)
      assert.strictEqual(verdict.is === "delete" ? `delete ${verdict.doomed.map(({ id }) => id).join()}` : verdict.is, expected)
    })
  }

  const landings: ReadonlyArray<readonly [string, About, number | undefined]> = [
    ["the only request made it", { intent: {} }, 5],
    ["it is noted already", { intent: { machine: 5 } }, undefined],
    ["the claim says so", { intent: {}, providerID: "linode://5" }, undefined],
    ["there were two requests", { intent: { attempts: 2 } }, undefined]
  ]
  for (const [when, about, landed] of landings) {
    it(`${landed === undefined ? "notes nothing" : "notes what was found"} when ${when}`, () => {
      const verdict = decideGiveBack(recordOf(claimWith("a", { ...about, deleting: true })), seen([instance(5, own)]))
      assert.strictEqual(verdict.is === "delete" ? verdict.landed : "no deletion", landed)
    })
  }
})

describe("machines without a claim", () => {
  const claims = [recordOf(claimWith("a")), recordOf(claimWith("b", { providerID: "linode://7" }))]
  const mine = (found: ReadonlyArray<Instance>) => unowned(found, claims, ({ claim }) => labelOf(claim)).map(({ id }) => id)

  it("are those whose label is no claim's and that no claim names", () => {
    assert.deepStrictEqual(mine([instance(5, labelOf(claimWith("a"))), instance(6, labelOf(claimWith("c"))), instance(7, "renamed")]), [6])
  })
  it("are not those that are being deleted", () => assert.deepStrictEqual(mine([instance(6, "x", { status: "deleting" })]), []))
  it("count from when they were first seen so, and anew when they had an owner meanwhile", () => {
    const first = observe([instance(5, "x")], new Map(), 100)
    assert.deepStrictEqual([...observe([instance(5, "x"), instance(6, "y")], first, 200)], [[5, 100], [6, 200]])
    assert.deepStrictEqual([...observe([instance(5, "x")], observe([], first, 200), 300)], [[5, 300]])
  })
})

describe("whose a Linode is", () => {
  const table: ReadonlyArray<readonly [string, Partial<Instance>, boolean]> = [
    ["carries this cluster's tag", {}, true],
    ["carries the tag of another cluster of that name", { tags: [clusterTag("fedcba9876543210"), "lke-cluster-name=prod"] }, false],
    ["carries the cluster's name alone", { tags: ["lke-cluster-name=prod", "kubernetes.io/cluster/prod=owned"] }, false],
    ["is a node of LKE", { lke_cluster_id: 7 }, false]
  ]
  for (const [what, over, ours] of table) {
    it(`is ${ours ? "ours" : "not ours"} when it ${what}`, () => assert.strictEqual(isOurs(instance(5, "x", over), identity), ours))
  }

  it("is told by tags that Linode takes, however long the names are", () => {
    const long = "x".repeat(60)
    const tags = machineTags({ ...cluster, name: long }, claimOf("a", { nodePool: long }), { ...nodeClass({ tags: ["team=a", "team=a"] }), metadata: { name: long } })
    for (const tag of tags) assert.isAtMost(tag.length, 50)
    assert.strictEqual(new Set(tags).size, tags.length)
    assert.include(tags, "team=a")
  })
})

describe("what is ordered", () => {
  const secrets = { root_pass: Redacted.make("p"), user_data: Redacted.make("u") }
  const order = (spec: Parameters<typeof nodeClass>[0]) => orderOf(cluster, claimWith("a"), nodeClass(spec), "g6-standard-2", secrets)

  it("is no more than the class says", () => {
    assert.deepStrictEqual(Object.keys(order({})).toSorted(), ["image", "label", "region", "root_pass", "tags", "type", "user_data"])
    assert.strictEqual(order({}).image, "linode/ubuntu22.04")
  })
  it("is all that the class says", () => {
    const { authorized_keys, authorized_users, backups_enabled, disk_encryption, firewall_id, image, placement_group, swap_size } = order({
      image: "linode/debian13", authorizedKeys: ["k"], authorizedUsers: ["u"], backupsEnabled: true, diskEncryption: "disabled", swap_size: 0,
      firewallID: -1, placementGroup: { id: 3, compliant_only: true }
    })
    assert.deepStrictEqual(
      { authorized_keys, authorized_users, backups_enabled, disk_encryption, firewall_id, image, placement_group, swap_size },
      {
        image: "linode/debian13", authorized_keys: ["k"], authorized_users: ["u"], backups_enabled: true, disk_encryption: "disabled", swap_size: 0,
        firewall_id: -1, placement_group: { id: 3, compliant_only: true }
      }
    )
  })
  it("has each taint once, and the one that keeps pods away until the node is registered", () => {
    const dedicated = { key: "dedicated", value: "a", effect: "NoSchedule" } as const
    const starting = { key: "starting", effect: "NoExecute" } as const
    const claim = claimOf("a")
    const tainted = { ...claim, spec: { ...claim.spec, taints: [dedicated], startupTaints: [starting, { ...dedicated, value: "b" }] } }
    assert.deepStrictEqual(launchTaints(tainted), [dedicated, starting, unregisteredTaint])
  })
  it("has the labels of its type and what the claim requires with one value, but none that is not the user's to set", () => {
    const claim = claimOf("a")
    const requirements: NodeClaim["spec"]["requirements"] = [
      { key: "team", operator: "In", values: ["a"] }, { key: "many", operator: "In", values: ["a", "b"] }, { key: "some", operator: "Exists" },
      { key: label.hostname, operator: "In", values: ["x"] }
    ]
    const type = { name: "g6-standard-2", labels: { [label.instanceType]: "g6-standard-2" }, capacity: {}, offerings: [] }
    assert.deepStrictEqual(launchLabels({ ...claim, spec: { ...claim.spec, requirements } }, type), { team: "a", [label.instanceType]: "g6-standard-2" })
  })
})

describe("tags of a class", () => {
  const claim = (name: string, applied: string, about: About = {}) => {
    const made = claimWith(name, about)
    return recordOf({ ...made, metadata: { ...made.metadata, annotations: { ...made.metadata.annotations, [annotation.lastAppliedUserTags]: applied } } })
  }
  it("are to be written where a machine has others, or its claim says that it may have", () => {
    const a = claim("a", "[\"kept\",\"new\"]")
    const b = claim("b", "[\"old\",\"kept\"]")
    const c = claim("c", "[\"new\",\"kept\"]")
    const unlisted = claim("unlisted", "[\"old\"]", { providerID: "linode://8" })
    const written = claim("written", "[\"kept\",\"new\"]", { providerID: "linode://9" })
    const plan = decideTags([a, b, c, unlisted, written, claim("gone", "[]", { deleting: true })], [
      instance(5, labelOf(a.claim), { tags: [clusterTag(identity), "old", "kept", "somebody's"] }),
      instance(6, labelOf(b.claim), { tags: [clusterTag(identity), "kept", "new"] }),
      instance(7, labelOf(c.claim), { tags: [clusterTag(identity), "kept", "new", "somebody's"] }),
      instance(10, "another")
    ], nodeClass({ tags: ["kept", "new"] }), ({ claim: each }) => labelOf(each))
    assert.deepStrictEqual(plan.machines, [5, 6, 8])
    assert.deepStrictEqual(plan.claims.map(({ name }) => name), ["a", "b", "c", "unlisted", "written"])
  })
})

describe("a LinodeNodeClass in instance mode", () => {
  const table = [
    ["passes when it is empty", nodeClass(), {}, []],
    ["passes with what machines are made of", nodeClass({ image: "linode/debian13", swap_size: 0, authorizedKeys: ["k"], lkeK8sVersion: "" }), {}, []],
    ["cannot lay out disks", nodeClass({ osDisk: { size: "10Gi" }, dataDisks: {} }), {}, ["spec.osDisk", "spec.dataDisks"]],
    ["cannot choose a kernel", nodeClass({ configuration: { kernel: "linode/latest-64bit" } }), {}, ["spec.configuration.kernel"]],
    ["cannot be in a VPC", nodeClass({ vpcID: 3, ipv6Options: { enableSLAAC: true } }), {}, ["spec.vpcID", "spec.ipv6Options"]],
    ["can have user data of its own", nodeClass({ userData: "#!/bin/sh\njoin {{ karpenter.token }} {{ ds.meta_data.id }}" }), {}, []],
    ["cannot name in it what is not known", nodeClass({ userData: "{{ karpenter.secret }}" }), {}, ["spec.userData"]],
    ["cannot name a DNS server by its name", nodeClass({ kubelet: { clusterDNS: ["dns.example.com"] } }), {}, ["spec.kubelet"]],
    ["cannot choose a version of LKE", nodeClass({ lkeK8sVersion: "v1.33.6+lke7" }), {}, ["spec.lkeK8sVersion"]],
    ["cannot use this program's tags", nodeClass({ tags: ["karpenter.k8s.linode/cluster-id=x"] }), {}, ["spec.tags"]],
    ["cannot name an image that is not", nodeClass({ image: "private/1" }), { image: "missing" }, ["spec.image"]],
    ["cannot name a firewall that is not", nodeClass({ firewallID: 3 }), { firewall: "missing" }, ["spec.firewallID"]]
  ] as const
  for (const [what, made, named, fields] of table) {
    it(what, () => assert.deepStrictEqual(validateNodeClass(made, "us-ord", named).map(({ field }) => field), [...fields]))
  }
  it("says what was found, what was expected, and why", () => {
    assert.deepStrictEqual(validateNodeClass(nodeClass({ vpcID: 3 }), "us-ord", {}), [{
      field: "spec.vpcID", reason: "FieldNotSupported",
      message: "found 3, expected none in instance mode: a Linode is made with a public interface alone, and Linode asks for a subnet, not for a VPC"
    }])
  })
})
