/** Each invariant says no to a small world that is wrong, and yes to one that is right: it can fail. */
import { timestamp } from "../../src/kube/timestamp.ts"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { annotation, disruptedTaint } from "../../src/apis/labels.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import type { KubeObject } from "../../src/kube/objects.ts"
import type { SimulatedPool } from "../../src/simulator/linode/world.ts"
import { budgetOf, claimOf, classOf, Fabricated, leaving, nodeOf, podOf, poolOf } from "./fabricated.ts"
import { readGround } from "./ground.ts"
import { invariantsOf } from "./invariants/all.ts"
import { boundNodesStay } from "./invariants/boundNodesStay.ts"
import { budgets } from "./invariants/budgets.ts"
import { evictions } from "./invariants/evictions.ts"
import { givenOnce } from "./invariants/givenOnce.ts"
import { lifetimes } from "./invariants/lifetimes.ts"
import { limits } from "./invariants/limits.ts"
import { nodesLast } from "./invariants/nodesLast.ts"
import { nothingLeft } from "./invariants/nothingLeft.ts"
import { onePerClaim } from "./invariants/onePerClaim.ts"
import { oneClaimPerLinode } from "./invariants/oneClaimPerLinode.ts"
import { othersUntouched } from "./invariants/othersUntouched.ts"
import { podsRun } from "./invariants/podsRun.ts"
import { purchases } from "./invariants/purchases.ts"
import { replacedFirst } from "./invariants/replacedFirst.ts"
import { spare } from "./invariants/spare.ts"
import { tokenHidden } from "./invariants/tokenHidden.ts"
import type { Ground } from "./life.ts"
import type { MakeInvariant } from "./world.ts"

let ground: Ground
beforeAll(async () => {
  ground = await readGround("lke")
})

const world = (make: MakeInvariant): Fabricated => new Fabricated(make(), ground.types, ground.regions)
const minute = 60_000

describe("the list", () => {
  it.each(["lke", "instance"] as const)("of mode %s has each invariant once, and each can say something", (mode) => {
    const made = invariantsOf(mode).map((make) => make())
    assert.strictEqual(new Set(made.map(({ name }) => name)).size, made.length)
    for (const { name, settled, step } of made) assert.isTrue(step !== undefined || settled !== undefined, name)
  })
})

describe("the token is never shown", () => {
  it("judges every word", () => {
    const one = world(tokenHidden)
    assert.isUndefined(one.say("asked for nodes"))
    assert.match(one.say("Authorization: Bearer a-secret-token-0123456789") ?? "", /^in Authorization/)
    assert.isDefined(one.say(Buffer.from("a-secret-token-0123456789").toString("base64")))
  })
})

describe("one claim per Linode", () => {
  it("wants one claim for each node, and one node for each claim", () => {
    const one = world(oneClaimPerLinode)
    const [a, b] = one.buy(2).pool.nodes
    one.put("nodeclaims", [claimOf("a", { node: a })])
    assert.match(one.settled() ?? "", /is paid for, and no claim owns it/)
    one.put("nodeclaims", [claimOf("b", { node: a })])
    assert.match(one.settled() ?? "", /^b and a own/)
    one.put("nodeclaims", [claimOf("b", { node: b })])
    assert.isUndefined(one.settled())
    one.put("nodeclaims", [claimOf("c")])
    assert.strictEqual(one.settled(), "c has no node")
  })

  it("wants no pool larger than its nodes, and no claim without its Linode", () => {
    const one = world(oneClaimPerLinode)
    const { pool } = one.buy(1)
    one.put("nodeclaims", [claimOf("a", { node: pool.nodes[0] })])
    pool.count = 2
    assert.match(one.settled() ?? "", /asks for 2 nodes and has 1/)
    one.cloud.deletePool(one.cloud.clusters.get(one.cluster)!, pool)
    assert.match(one.settled() ?? "", /^a owns .* which is not there$/)
  })

  it("lets no claim go before its Linode", () => {
    const one = world(oneClaimPerLinode)
    const { pool } = one.buy(2)
    one.put("nodeclaims", [claimOf("a", { node: pool.nodes[0], deleting: true })])
    assert.match(one.remove("nodeclaims", "a") ?? "", /^replica-1.1 let a go while its node/)
    one.put("nodeclaims", [claimOf("b", { node: pool.nodes[1], deleting: true })])
    const { instanceId } = pool.nodes[1]!
    const providerID = `linode://${instanceId}`
    const b = claimOf("b", { node: pool.nodes[1], deleting: true })
    const known: NodeClaim = { ...b, status: { ...b.status, providerID } }
    one.put("nodeclaims", [known])
    pool.nodes.pop()
    assert.strictEqual(one.remove("nodeclaims", "b"), `replica-1.1 let b go while its Linode ${instanceId} is there`)
    one.put("nodeclaims", [b])
    one.cloud.instances.delete(instanceId!)
    assert.isUndefined(one.remove("nodeclaims", "b"))
  })

  it("waits for a deletion only while a pod may not be evicted", () => {
    const one = world(oneClaimPerLinode)
    const [node] = one.buy(1).pool.nodes
    one.put("nodeclaims", [claimOf("a", { node, deleting: true })])
    one.put("pods", [podOf("db", node!.name)])
    one.put("poddisruptionbudgets", [budgetOf("db", 1)])
    assert.strictEqual(one.settled(), "a is still being deleted")
    one.put("poddisruptionbudgets", [budgetOf("db", 0)])
    assert.isUndefined(one.settled())
  })
})

describe("a node of a claim that nobody deleted", () => {
  const bound = () => {
    const one = world(boundNodesStay)
    const { pool } = one.buy(2)
    const [node] = pool.nodes
    one.put("nodepools", [poolOf()], { by: "user" })
    one.put("nodes", [nodeOf(node!.name)], { by: "kubernetes" })
    one.put("nodeclaims", [claimOf("a", { node })])
    const take = (late = false) => one.ask("DELETE", `/lke/clusters/${one.cluster}/nodes/${node!.id}`, () => one.cloud.deleteNode(pool, node!), { late })
    return { one, node: node!, take }
  }

  it("keeps its Linode", () => {
    assert.match(bound().take() ?? "", /^replica-1.1 took .* of a by DELETE/)
    assert.match(bound().take(true) ?? "", /\(late\)$/)
  })

  it("may lose it when the claim is deleted, or when the machine was broken by others", () => {
    const deleted = bound()
    deleted.one.put("nodeclaims", [claimOf("a", { node: deleted.node, deleting: true })], { by: "user" })
    assert.isUndefined(deleted.take())
    const broken = bound()
    broken.one.broken.add(broken.node.name)
    assert.isUndefined(broken.take())
  })

  it("keeps its claim, unless there is a reason", () => {
    const { node, one } = bound()
    assert.match(one.put("nodeclaims", [claimOf("a", { node, deleting: true })]) ?? "", /deleted a without a reason while its node .* is well/)
    const empty = bound()
    const says = ["Launched", "Registered", "Initialized", "DisruptionReason"]
    empty.one.put("nodeclaims", [claimOf("a", { node: empty.node, says })])
    assert.isUndefined(empty.one.put("nodeclaims", [claimOf("a", { node: empty.node, says, deleting: true })]))
    const byUser = bound()
    assert.isUndefined(byUser.one.put("nodeclaims", [claimOf("a", { node: byUser.node, deleting: true })], { by: "user" }))
    const leavingNode = bound()
    leavingNode.one.put("nodes", [leaving(nodeOf(leavingNode.node.name))], { by: "user" })
    assert.isUndefined(leavingNode.one.put("nodeclaims", [claimOf("a", { node: leavingNode.node, deleting: true })]))
  })

  it("keeps its claim in a NodePool of a fixed size, unless there are too many", () => {
    const fixed = (replicas: number) => {
      const one = world(boundNodesStay)
      const { nodes } = one.buy(3).pool
      one.put("nodes", nodes.map(({ name }) => nodeOf(name)), { by: "kubernetes" })
      one.put("nodepools", [poolOf({ replicas: 3 })], { by: "user" })
      one.put("nodeclaims", ["a", "b", "c"].map((name, i) => claimOf(name, { node: nodes[i] })))
      one.pass(3 * minute)
      one.put("nodepools", [poolOf({ replicas })], { by: "user" })
      return { one, go: (name: string, i: number) => one.put("nodeclaims", [claimOf(name, { node: nodes[i], deleting: true })]) }
    }
    assert.match(fixed(3).go("a", 0) ?? "", /deleted a though NodePool default has not too many/)
    const two = fixed(2)
    assert.isUndefined(two.go("a", 0))
    assert.isDefined(two.go("b", 1))
    const raised = fixed(2)
    raised.one.pass(minute)
    raised.one.put("nodepools", [poolOf({ replicas: 3 })], { by: "user" })
    assert.isUndefined(raised.go("a", 0), "it may have been sent before")
    raised.one.pass(3 * minute)
    assert.isDefined(raised.go("b", 1))
  })
})

describe("nothing of others", () => {
  it("is changed at Linode", () => {
    const one = world(othersUntouched)
    const { pool } = one.buy(2)
    const [node] = pool.nodes
    assert.isUndefined(one.ask("PUT", `/lke/clusters/${one.cluster}/pools/${pool.id}`))
    assert.isUndefined(one.ask("PUT", `/linode/instances/${node!.instanceId}`))
    assert.isDefined(one.ask("PUT", `/lke/clusters/${one.cluster}/pools/${one.userPool.id}`))
    assert.isDefined(one.ask("POST", `/lke/clusters/${one.otherCluster}/pools`))
    assert.isDefined(one.ask("DELETE", `/lke/clusters/${one.cluster}/nodes/${one.userPool.nodes[0]!.id}`))
    assert.isDefined(one.ask("PUT", `/linode/instances/${one.userPool.nodes[0]!.instanceId}`))
    assert.isDefined(one.ask("DELETE", `/linode/instances/${node!.instanceId}`), "no route that we have any use for")
    assert.isUndefined(one.ask("DELETE", `/lke/clusters/${one.otherCluster}`, () => {}, { status: 404 }))
    assert.match(one.ask("PUT", `/lke/clusters/${one.cluster}/pools/${pool.id}`, () => {
      one.userPool.tags = ["karpenter-sentenced=pool"]
    }) ?? "", /the user's pool .* is not as it was/)
  })

  it("is changed in the cluster", () => {
    const one = world(othersUntouched)
    const { name } = one.userPool.nodes[0]!
    one.put("nodes", [nodeOf(name), nodeOf("ours")], { by: "kubernetes" })
    one.put("nodepools", [poolOf()], { by: "user" })
    one.put("deployments", [classOf()], { by: "user" })
    one.put("pods", [podOf("theirs", name), podOf("web", "ours")], { by: "kubernetes" })
    assert.isDefined(one.put("nodes", [nodeOf(name, { spec: { taints: [disruptedTaint] } })]))
    assert.isUndefined(one.put("nodes", [nodeOf("ours", { spec: { taints: [disruptedTaint] } })]))
    assert.isUndefined(one.put("pods", [leaving(podOf("web", "ours"))]))
    assert.isDefined(one.put("pods", [leaving(podOf("theirs", name))]))
    assert.isUndefined(one.put("nodepools", [{ ...poolOf(), status: { nodes: 1 } } as KubeObject]))
    assert.isDefined(one.put("nodepools", [poolOf({ weight: 1 })]))
    assert.isDefined(one.put("nodepools", [leaving(poolOf({ weight: 1 }))]))
    assert.isUndefined(one.remove("nodepools", "default"), "its finalizer was ours")
    assert.isDefined(one.put("deployments", [classOf()]))
  })
})

describe("no more Linodes than claims want", () => {
  it("are bought", () => {
    const one = world(purchases)
    one.put("nodeclaims", [claimOf("a"), claimOf("b")])
    assert.isUndefined(one.buy(2).says)
    assert.match(one.buy(1).says ?? "", /now 3 of key k1 for 2 claims/)
  })

  it("counts those that wanted one within two minutes, and those that one may be on its way to", () => {
    const one = world(purchases)
    one.put("nodeclaims", [claimOf("a"), claimOf("b")])
    one.remove("nodeclaims", "b")
    one.pass(2 * minute)
    assert.isUndefined(one.ask("POST", `/lke/clusters/${one.cluster}/pools`, () => one.cloud.createPool(one.cloud.clusters.get(one.cluster)!, {
      type: "g6-standard-2", count: 2, tags: ["karpenter.k8s.linode/pool-hash=k1"]
    })))
    const other = world(purchases)
    other.put("nodeclaims", [claimOf("a"), claimOf("b", { key: "k2" })])
    assert.isUndefined(other.buy(2).says)
    const bound = world(purchases)
    const [node] = bound.buy(1, "k2", { by: "user" }).pool.nodes
    bound.put("nodeclaims", [claimOf("a"), claimOf("b", { key: "k2", node })])
    assert.isDefined(bound.buy(2).says)
  })

  it("leaves out what came late, which has to be given back", () => {
    const one = world(purchases)
    one.faultsOver = false
    one.put("nodeclaims", [claimOf("a")])
    assert.isUndefined(one.buy(1).says)
    assert.isUndefined(one.buy(1, "k1", { late: true }).says)
    one.faultsOver = true
    assert.isUndefined(one.say("peace"))
    one.pass(7 * minute)
    assert.isUndefined(one.say("not yet"))
    one.pass(2 * minute)
    assert.match(one.say("now") ?? "", /1 Linodes of key k1 came late, and were not given back/)
  })
})

describe("in instance mode", () => {
  const instance = (make: MakeInvariant): Fabricated => new Fabricated(make(), ground.types, ground.regions, "instance")

  it("a Linode is bought only for a claim that wants one, or did two minutes ago", () => {
    const one = instance(onePerClaim)
    one.put("nodeclaims", [claimOf("a"), claimOf("b")])
    assert.isUndefined(one.buyLinode("a").says)
    one.remove("nodeclaims", "b")
    one.pass(2 * minute)
    assert.isUndefined(one.buyLinode("b").says)
    assert.match(one.buyLinode("c").says ?? "", /bought c-label, which no claim wants/)
  })

  it("one that came late has to be given back, unless its claim is there", () => {
    const one = instance(onePerClaim)
    one.faultsOver = false
    one.put("nodeclaims", [claimOf("a")])
    assert.isUndefined(one.buyLinode("a", { late: true }).says)
    assert.isUndefined(one.buyLinode("b", { late: true }).says)
    one.faultsOver = true
    assert.isUndefined(one.say("peace"))
    one.pass(7 * minute)
    assert.isUndefined(one.say("not yet"))
    one.pass(2 * minute)
    assert.match(one.say("now") ?? "", /b-label came late, and was not given back/)
  })

  it("a claim does not go before its Linode", () => {
    const one = instance(oneClaimPerLinode)
    one.put("nodeclaims", [claimOf("a", { deleting: true }), claimOf("b", { deleting: true })])
    const { node } = one.buyLinode("a")
    assert.isUndefined(one.remove("nodeclaims", "b"))
    assert.match(one.remove("nodeclaims", "a") ?? "", new RegExp(`let a go while its node ${node.id} is there`))
  })

  it("in the end each Linode has its claim", () => {
    const one = instance(oneClaimPerLinode)
    one.put("nodeclaims", [claimOf("a")])
    assert.isDefined(one.settled())
    one.buyLinode("a")
    assert.isUndefined(one.settled())
    one.buyLinode("b")
    assert.match(one.settled() ?? "", /b-label is paid for, and no claim owns it/)
  })

  it("only Linodes that we bought are changed or deleted", () => {
    const one = instance(othersUntouched)
    const { node } = one.buyLinode("a")
    assert.isUndefined(one.ask("DELETE", `/linode/instances/${node.instanceId}`))
    const bastion = one.cloud.addInstance({ label: "bastion", type: "g6-nanode-1", region: "us-ord" })
    assert.isDefined(one.ask("DELETE", `/linode/instances/${bastion.id}`))
    assert.isDefined(one.ask("PUT", `/linode/instances/${bastion.id}`))
    assert.isDefined(one.ask("POST", `/lke/clusters/${one.cluster}/pools`))
  })
})

describe("a Node of a claim", () => {
  it("stays until its Linode is gone", () => {
    const having = (claims: ReadonlyArray<string>) => {
      const one = world(nodesLast)
      const { pool } = one.buy(1)
      const { instanceId, name } = pool.nodes[0]!
      one.put("nodes", [nodeOf(name, { spec: { providerID: `linode://${instanceId}` } })])
      one.put("nodeclaims", claims.map((claim) => ({ ...claimOf(claim), status: { nodeName: name } }) as KubeObject))
      return { one, pool, name }
    }
    const early = having(["a"])
    assert.match(early.one.remove("nodes", early.name) ?? "", /let the Node .* go while its Linode \d+ is there/)
    assert.isUndefined(early.one.remove("nodes", early.name, { by: "user" }))
    const nobodys = having([])
    assert.isUndefined(nobodys.one.remove("nodes", nobodys.name))
    const late = having(["a"])
    late.one.cloud.deletePool(late.one.cloud.clusters.get(late.one.cluster)!, late.pool)
    late.one.pass(minute)
    assert.isUndefined(late.one.remove("nodes", late.name))
  })
})

describe("a node of one claim", () => {
  it("is given to no other, unless two processes act on what they read before", () => {
    const one = world(givenOnce)
    const [node] = one.buy(1).pool.nodes
    one.put("nodeclaims", [claimOf("a"), claimOf("b"), claimOf("c")])
    assert.isUndefined(one.put("nodeclaims", [claimOf("a", { node })]))
    one.pass(minute)
    assert.isUndefined(one.put("nodeclaims", [claimOf("a", { node, deleting: true }), claimOf("b", { node })]))
    one.pass(2 * minute)
    assert.match(one.put("nodeclaims", [claimOf("c", { node })]) ?? "", /^replica-1.1 gave .* of a to c$/)
    one.remove("nodeclaims", "a")
    one.remove("nodeclaims", "b")
    one.remove("nodeclaims", "c")
    assert.isUndefined(one.put("nodeclaims", [claimOf("d", { node })]))
  })
})

describe("what no claim owns", () => {
  const giveBack = ({ one, pool }: { readonly one: Fabricated; readonly pool: SimulatedPool }) =>
    one.ask("DELETE", `/lke/clusters/${one.cluster}/pools/${pool.id}`, () => one.cloud.deletePool(one.cloud.clusters.get(one.cluster)!, pool))

  it("is kept for its grace, from when it was bought or lost its claim", () => {
    const one = world(spare)
    assert.isUndefined(giveBack({ one, pool: one.buy(1).pool }), "bought ten minutes ago")
    const { pool } = one.buy(1)
    one.put("nodeclaims", [claimOf("a", { node: pool.nodes[0] })])
    one.remove("nodeclaims", "a")
    one.pass(3 * minute)
    assert.match(giveBack({ one, pool }) ?? "", /which no claim had owned for 180 s only/)
  })

  it("is not what came into a pool that was to go by then", () => {
    const one = world(spare)
    const { pool } = one.buy(1)
    const path = `/lke/clusters/${one.cluster}/pools/${pool.id}`
    const cluster = one.cloud.clusters.get(one.cluster)!
    one.ask("PUT", path, () => one.cloud.updatePool(cluster, pool, { tags: [...pool.tags, "karpenter-sentenced=pool"] }))
    one.pass(minute)
    one.ask("PUT", path, () => one.cloud.updatePool(cluster, pool, { count: 2 }), { late: true })
    one.pass(minute)
    assert.isUndefined(one.ask("DELETE", path, () => one.cloud.deletePool(cluster, pool)))
  })

  it("is not what a claim owns", () => {
    const one = world(spare)
    const { pool } = one.buy(1)
    one.put("nodeclaims", [claimOf("a", { node: pool.nodes[0], deleting: true })])
    assert.isUndefined(giveBack({ one, pool }))
  })
})

describe("no pod is evicted", () => {
  const held = (metadata: object = {}, deadline?: number) => {
    const one = world(evictions)
    const { pool } = one.buy(2)
    const [node] = pool.nodes
    const pod = podOf("db", node!.name, { metadata })
    one.put("nodeclaims", [claimOf("a", { node, deleting: true, ...(deadline === undefined ? {} : { deadline: one.now + deadline }) })])
    one.put("nodes", [nodeOf(node!.name)], { by: "kubernetes" })
    one.put("pods", [pod], { by: "kubernetes" })
    one.put("poddisruptionbudgets", [budgetOf("db", 0)], { by: "user" })
    return { one, pod, pool, node: node! }
  }

  it("but through the Eviction API, until its node's deadline", () => {
    const early = held()
    assert.isUndefined(early.one.put("pods", [leaving(early.pod)], { request: "evict pods" }))
    const deleted = held()
    assert.match(deleted.one.put("pods", [leaving(deleted.pod)], { request: "delete pods" }) ?? "", /without asking its budgets/)
    const soon = held({}, 10 * minute)
    assert.isDefined(soon.one.put("pods", [leaving(soon.pod)], { request: "delete pods" }))
    const due = held({}, 20_000)
    assert.isUndefined(due.one.put("pods", [leaving(due.pod)], { request: "delete pods" }))
    const byUser = held()
    assert.isUndefined(byUser.one.put("pods", [leaving(byUser.pod)], { by: "user" }))
  })

  it("that is not to be disrupted", () => {
    const always = held({ annotations: { [annotation.doNotDisrupt]: "true" } })
    assert.match(always.one.put("pods", [leaving(always.pod)], { request: "evict pods" }) ?? "", /in spite of do-not-disrupt/)
    const over = held({ annotations: { [annotation.doNotDisrupt]: "5m" } })
    assert.isUndefined(over.one.put("pods", [leaving(over.pod)], { request: "evict pods" }))
    const still = held({ annotations: { [annotation.doNotDisrupt]: "20m" } })
    assert.isDefined(still.one.put("pods", [leaving(still.pod)], { request: "evict pods" }))
  })

  it("by taking its Linode from under it", () => {
    const take = ({ node, one, pool }: ReturnType<typeof held>) =>
      one.ask("DELETE", `/lke/clusters/${one.cluster}/nodes/${node.id}`, () => one.cloud.deleteNode(pool, node))
    assert.match(take(held()) ?? "", /from under db, which has a PodDisruptionBudget/)
    assert.match(take(held({ labels: {}, annotations: { [annotation.doNotDisrupt]: "true" } })) ?? "", /is not to be disrupted/)
    assert.isUndefined(take(held({ labels: {} })))
    assert.isUndefined(take(held({}, 10_000)))
    const silent = held()
    silent.one.put("nodes", [nodeOf(silent.node.name, { ready: false })], { by: "kubernetes" })
    assert.isUndefined(take(silent))
  })
})

describe("limits", () => {
  it("hold when a claim is made and when it learns what it got", () => {
    const one = world(limits)
    one.put("nodepools", [poolOf({ limits: { cpu: "4", nodes: "3" } })], { by: "user" })
    assert.isUndefined(one.put("nodeclaims", [claimOf("a", { cpu: "2" }), claimOf("b", { cpu: "2" }), claimOf("c")]))
    assert.match(one.put("nodeclaims", [claimOf("c", { cpu: "2" })]) ?? "", /has 6 cpu of 4 with c/)
    assert.match(one.put("nodeclaims", [claimOf("d")]) ?? "", /4 nodes of 3|6 cpu of 4/)
  })

  it("do not count what is going, nor what was allowed when the claim was made", () => {
    const one = world(limits)
    one.put("nodepools", [poolOf({ limits: { cpu: "4" } })], { by: "user" })
    one.put("nodeclaims", [claimOf("a", { cpu: "2", deleting: true }), claimOf("b", { cpu: "2" }), claimOf("c")])
    one.put("nodeclaims", [claimOf("d", { cpu: "2", says: ["DisruptionReason"] })])
    one.put("nodepools", [poolOf({ limits: { cpu: "1" } })], { by: "user" })
    assert.isUndefined(one.put("nodeclaims", [claimOf("c", { cpu: "2" })]))
  })

  it("do not count a claim whose Node somebody deleted", () => {
    const one = world(limits)
    one.put("nodepools", [poolOf({ limits: { cpu: "4" } })], { by: "user" })
    const claim = claimOf("a", { cpu: "4" })
    one.put("nodeclaims", [{ ...claim, status: { ...claim.status, nodeName: "n" } } as KubeObject])
    one.put("nodes", [leaving(nodeOf("n"))], { by: "user" })
    assert.isUndefined(one.put("nodeclaims", [claimOf("b", { cpu: "4" })]))
    one.put("nodes", [nodeOf("n")], { by: "user" })
    assert.match(one.put("nodeclaims", [claimOf("c")]) ?? "", /8 cpu of 4/)
  })
})

describe("a node goes only when what replaces it is ready", () => {
  const going = { says: ["Launched", "Registered", "Initialized", "DisruptionReason"] }
  const replacement = (says: ReadonlyArray<string>): NodeClaim => {
    const claim = claimOf("new", { says })
    const at = claimOf("old", going).status?.conditions?.find(({ type }) => type === "DisruptionReason")?.lastTransitionTime
    const replaces = JSON.stringify({ at, of: 1, claims: [{ name: "old", uid: "old" }] })
    return { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [annotation.replaces]: replaces } } }
  }
  const old = (deleting: boolean): NodeClaim => {
    const claim = claimOf("old", { ...going, deleting })
    return { ...claim, status: { ...claim.status, nodeName: "old-node" } }
  }
  const taken = (says: ReadonlyArray<string>, node = nodeOf("old-node")): string | undefined => {
    const one = world(replacedFirst)
    one.put("nodes", [node], { by: "user" })
    one.put("nodeclaims", [old(false), replacement(says)])
    return one.put("nodeclaims", [old(true)])
  }

  it("asks for all of its replacements", () => {
    assert.match(taken(["Launched", "Registered"]) ?? "", /deleted old before new was initialized/)
    assert.isUndefined(taken(["Launched", "Registered", "Initialized"]))
  })

  it("says nothing of a node that somebody else takes away", () => {
    assert.isUndefined(taken(["Launched", "Registered"], leaving(nodeOf("old-node"))))
  })
})

describe("budgets", () => {
  const says = ["Launched", "Registered", "Initialized", "DisruptionReason"]
  const three = (nodes: string) => {
    const one = world(budgets)
    one.put("nodepools", [poolOf({ disruption: { budgets: [{ nodes }] } })], { by: "user" })
    one.put("nodeclaims", ["a", "b", "c"].map((name) => claimOf(name, { says })))
    return { one, go: (name: string) => one.put("nodeclaims", [claimOf(name, { says, deleting: true })]) }
  }

  it("limit how many nodes go at once by our own will", () => {
    const { go } = three("1")
    assert.isUndefined(go("a"))
    assert.match(go("b") ?? "", /2 nodes of NodePool default at once, budgets allow 1/)
    assert.isDefined(three("0").go("a"))
    const half = three("50%")
    assert.isUndefined(half.go("a"))
    assert.isUndefined(half.go("b"))
    assert.isDefined(half.go("c"))
  })

  it("do not count nodes whose Linode is being deleted, and give a minute to those that change", () => {
    const { go, one } = three("1")
    go("a")
    one.put("nodeclaims", [claimOf("a", { says: [...says, "InstanceTerminating"], deleting: true })])
    assert.isUndefined(go("b"))
    const edited = three("1")
    edited.one.pass(minute)
    edited.one.put("nodepools", [poolOf({ disruption: { budgets: [{ nodes: "0" }] } })], { by: "user" })
    assert.isUndefined(edited.go("a"))
    const later = three("1")
    later.one.put("nodepools", [poolOf({ disruption: { budgets: [{ nodes: "0" }] } })], { by: "user" })
    later.one.pass(3 * minute)
    assert.isDefined(later.go("a"))
  })

  it("do not count claims whose Node is gone", () => {
    const { go, one } = three("1")
    const claim = claimOf("a", { says, deleting: true })
    one.put("nodes", [nodeOf("n")], { by: "kubernetes" })
    assert.isUndefined(one.put("nodeclaims", [{ ...claim, status: { ...claim.status, nodeName: "n" } } as KubeObject]))
    one.remove("nodes", "n")
    assert.isUndefined(go("b"))
    assert.isDefined(go("c"))
  })
})

describe("every pod that can run", () => {
  const cluster = () => {
    const one = world(podsRun)
    one.put("nodepools", [poolOf({ limits: { cpu: "8" } })], { by: "user" })
    one.put("linodenodeclasses", [classOf()], { by: "user" })
    one.put("nodes", [nodeOf("n")], { by: "kubernetes" })
    return one
  }

  it("runs on a node that is ready", () => {
    const one = cluster()
    one.put("pods", [podOf("web", "n")])
    assert.isUndefined(one.settled())
    one.put("nodes", [nodeOf("n", { ready: false })], { by: "kubernetes" })
    assert.match(one.settled() ?? "", /runs on n, which is not ready/)
    one.put("pods", [podOf("web", undefined)])
    assert.strictEqual(one.settled(), "web is Pending on no node")
  })

  it("is one for which a NodePool may have a node", () => {
    const one = cluster()
    one.put("pods", [podOf("huge", undefined, { cpu: "900" })])
    assert.isUndefined(one.settled())
    one.put("pods", [podOf("huge", undefined, { cpu: "16" })])
    assert.isUndefined(one.settled(), "the limit is 8")
    one.put("pods", [podOf("huge", undefined, { cpu: "4" })])
    assert.isDefined(one.settled())
    one.remove("linodenodeclasses", "default")
    assert.isUndefined(one.settled())
  })

  it("is there as often as its Deployment wants", () => {
    const one = cluster()
    const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "web" }
    one.put("deployments", [{ metadata: { name: "web", uid: "web" }, spec: { replicas: 2 } } as KubeObject])
    one.put("pods", [podOf("web-1", "n", { metadata: { ownerReferences: [owner] } })])
    assert.strictEqual(one.settled(), "web has 1 of 2 pods")
    one.put("pods", [podOf("web-2", "n", { metadata: { ownerReferences: [owner] } })])
    assert.isUndefined(one.settled())
  })
})

describe("nothing of ours is left", () => {
  it("on a node that stays", () => {
    const one = world(nothingLeft)
    const node = (more: Parameters<typeof nodeOf>[1]) => {
      one.put("nodes", [nodeOf("n", more)])
      return one.settled()
    }
    assert.isUndefined(node({}))
    assert.match(node({ spec: { taints: [disruptedTaint] } }) ?? "", /has the taint karpenter.sh\/disrupted/)
    assert.match(node({ metadata: { annotations: { [annotation.terminationTimestamp]: "x" } } }) ?? "", /has the annotation/)
    assert.match(node({ metadata: { deletionTimestamp: "x" } }) ?? "", /is still being deleted/)
    assert.match(node({
      metadata: { labels: { "karpenter.sh/nodepool": "default", "node.kubernetes.io/exclude-from-external-load-balancers": "karpenter" } }
    }) ?? "", /kept from load balancers/)
  })

  it("on its claim and its pool", () => {
    const one = world(nothingLeft)
    const { pool } = one.buy(1)
    one.put("nodeclaims", [claimOf("a", { says: ["DisruptionReason"] })])
    assert.strictEqual(one.settled(), "a stays, and says DisruptionReason")
    one.put("nodeclaims", [claimOf("a", { deadline: one.now })])
    assert.strictEqual(one.settled(), "a stays, and has a deadline")
    const claim = claimOf("a")
    one.put("nodeclaims", [{ ...claim, metadata: { ...claim.metadata, annotations: { [annotation.surplus]: "true" } } }])
    assert.strictEqual(one.settled(), "a stays, and says that it is too many")
    one.put("nodeclaims", [claimOf("a")])
    assert.isUndefined(one.settled())
    pool.tags = [...pool.tags, `karpenter-sentenced=${pool.nodes[0]!.id}`]
    assert.match(one.settled() ?? "", /stays, and has the tag karpenter-sentenced=/)
  })
})

describe("nodes live as long as they should", () => {
  const living = (claim: NodeClaim, spec: object): NodeClaim => ({ ...claim, spec: { ...claim.spec, ...spec } })

  it("and no longer than their claims say", () => {
    const one = world(lifetimes)
    const [node] = one.buy(1).pool.nodes
    const claim = living(claimOf("a", { node }), { expireAfter: "15m" })
    one.put("nodeclaims", [claim])
    assert.isUndefined(one.settled())
    one.pass(10 * minute)
    assert.strictEqual(one.settled(), "a lives, and should be over after 15m")
    one.put("nodeclaims", [{ ...claim, metadata: { ...claim.metadata, deletionTimestamp: timestamp(one.now) } }])
    assert.isUndefined(one.settled())
  })

  it("and what is on them is told to leave within their terminationGracePeriod", () => {
    const one = world(lifetimes)
    const [node] = one.buy(1).pool.nodes
    one.put("nodes", [nodeOf(node!.name)])
    const claim = living(claimOf("a", { node }), { terminationGracePeriod: "1m" })
    one.put("nodeclaims", [{ ...claim, metadata: { ...claim.metadata, deletionTimestamp: timestamp(one.now) } }])
    assert.isUndefined(one.put("pods", [podOf("web", node!.name)]))
    one.pass(4 * minute)
    assert.strictEqual(one.put("pods", [podOf("other", undefined)]), "web is on the node of a past its terminationGracePeriod")
    one.put("pods", [podOf("web", node!.name, { metadata: { deletionTimestamp: timestamp(one.now) } })])
    assert.isUndefined(one.put("pods", [podOf("other", undefined)]))
    assert.strictEqual(one.settled(), "a is still being deleted, and has a terminationGracePeriod")
  })

  it("and a pool of a fixed size has as many", () => {
    const one = world(lifetimes)
    one.put("nodepools", [poolOf({ replicas: 1 })])
    assert.strictEqual(one.settled(), "NodePool default has 0 of 1 nodes")
    one.put("nodeclaims", [claimOf("a")])
    assert.isUndefined(one.settled())
  })
})
