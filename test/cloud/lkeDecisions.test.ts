/** The decisions of LKE mode as tables: what is there, and what is to be done. */
import { assert, describe, it } from "@effect/vitest"
import { annotation, label } from "../../src/apis/labels.ts"
import { decideGarbage, observeGarbage } from "../../src/cloud/lke/garbage.ts"
import { grace } from "../../src/cloud/requests.ts"
import { decideGiveBack } from "../../src/cloud/lke/giveBack.ts"
import { decideGrow } from "../../src/cloud/lke/grow.ts"
import type { Intent } from "../../src/cloud/lke/record.ts"
import { recordOf } from "../../src/cloud/lke/record.ts"
import { makeView } from "../../src/cloud/lke/view.ts"
import { requestLifetime } from "../../src/cloud/requests.ts"
import type { Pool } from "../../src/linode/models.ts"
import { claimOf } from "./lkeWorld.ts"

const now = Date.UTC(2026, 0, 1)
const ago = (millis: number): string => new Date(now - millis).toISOString()
const hour = 3_600_000
const key = "aaaaaaaaaaaaaaaa"

interface C {
  readonly name: string
  readonly key?: string
  readonly node?: string
  readonly intent?: Intent
  readonly deleting?: boolean
  readonly registered?: boolean
  /** Milliseconds. */
  readonly age?: number
  readonly foreign?: { readonly nodeName?: string; readonly providerID?: string }
}

const claim = (c: C) => {
  const plain = claimOf(c.name)
  return recordOf({
    ...plain,
    metadata: {
      ...plain.metadata,
      uid: `uid-${c.name}`,
      creationTimestamp: ago(c.age ?? hour),
      ...(c.deleting === true ? { deletionTimestamp: ago(1_000) } : {}),
      annotations: {
        ...(c.key === undefined ? {} : { [annotation.lkePoolKey]: c.key }),
        ...(c.node === undefined ? {} : { [annotation.lkeNode]: c.node }),
        ...(c.intent === undefined ? {} : { [annotation.lkeIntent]: JSON.stringify(c.intent) })
      }
    },
    status: { ...c.foreign, conditions: c.registered === true ? [{ type: "Registered", status: "True" }] : [] }
  })
}

interface P {
  readonly id: number
  readonly nodes: ReadonlyArray<string>
  readonly count?: number
  readonly key?: string | undefined
  readonly tags?: ReadonlyArray<string>
  /** It carries none of our tags. */
  readonly bare?: true
  readonly labels?: Readonly<Record<string, string>>
}

const pool = (p: P): Pool => ({
  id: p.id,
  type: "g6-standard-2",
  count: p.count ?? p.nodes.length,
  nodes: p.nodes.map((id) => ({ id, instance_id: null, status: "not_ready" })),
  labels: p.labels ?? {},
  tags: p.bare === true ? [] : [
    "karpenter.k8s.linode/lke-managed=true", "lke-cluster-name=prod",
    ...("key" in p && p.key === undefined ? [] : [`karpenter.k8s.linode/pool-hash=${p.key ?? key}`]), ...p.tags ?? []
  ]
})

const view = (claims: ReadonlyArray<C>, pools: ReadonlyArray<P>) =>
  makeView({ id: 7, name: "prod" }, now, claims.map(claim), pools.map(pool))

const grew = (id: number, from: number, age = 10_000): Intent => ({ change: "grow", pool: id, from, at: ago(age) })
const made = (nonce: string, age = 10_000): Intent => ({ change: "new", nonce, at: ago(age) })
const deleted = (id: number, node: string, age = 10_000): Intent => ({ change: "delete", pool: id, node, at: ago(age) })
const bound = (age: number): Intent => ({ change: "bound", at: ago(age) })

describe("what a pass gives and buys", () => {
  interface Row {
    readonly it: string
    readonly claims: ReadonlyArray<C>
    readonly pools: ReadonlyArray<P>
    readonly names?: ReadonlyArray<string>
    readonly mayGrow?: boolean
    readonly unbind?: ReadonlyArray<string>
    readonly bind?: Readonly<Record<string, string>>
    /** Pool and how many more; pool 0 is a new one. */
    readonly change?: readonly [pool: number, more: number]
    readonly wait?: ReadonlyArray<string>
    readonly left?: ReadonlyArray<string>
  }
  const table: ReadonlyArray<Row> = [
    { it: "does nothing when nobody wants anything", claims: [{ name: "a", key, node: "1-a" }], pools: [{ id: 1, nodes: ["1-a"] }] },
    { it: "makes a pool for the first claims", claims: [{ name: "a" }, { name: "b" }], pools: [], names: ["a", "b"], change: [0, 2] },
    { it: "does not buy for claims that did not ask under this key", claims: [{ name: "a" }, { name: "b" }], pools: [], names: ["a"], change: [0, 1] },
    {
      it: "grows the pool by what is missing after free nodes and nodes on their way",
      claims: [{ name: "a", key, age: 5 }, { name: "b", key, age: 4 }, { name: "c", key, age: 3 }, { name: "d", key, node: "1-d" }],
      pools: [{ id: 1, nodes: ["1-d", "1-x"], count: 3 }], bind: { a: "1-x" }, wait: ["b"], change: [1, 1]
    },
    {
      it: "does not count a bound node that is not listed yet as one that is free to come",
      claims: [{ name: "a", key, node: "1-a", age: 5 }, { name: "b", key, age: 4 }], pools: [{ id: 1, nodes: [], count: 1 }], change: [1, 1]
    },
    {
      it: "buys nothing more while the claims' own change is in doubt",
      claims: [{ name: "a", key, intent: grew(1, 1) }, { name: "b", key, node: "1-b" }], pools: [{ id: 1, nodes: ["1-b"] }], wait: ["a"]
    },
    {
      it: "buys for another claim in a sibling pool while a change of the pool is in doubt",
      claims: [{ name: "a", key, intent: grew(1, 1) }, { name: "b", key }], pools: [{ id: 1, nodes: ["1-z"], tags: ["karpenter-sentenced=1-z"] }],
      wait: ["a"], change: [0, 1]
    },
    {
      it: "does not grow a pool while the deletion of one of its nodes is in doubt",
      claims: [{ name: "a", key, node: "1-a", deleting: true, intent: deleted(1, "1-a") }, { name: "b", key }],
      pools: [{ id: 1, nodes: ["1-a", "1-c"] }, { id: 2, nodes: [] }], bind: { b: "1-c" }
    },
    {
      it: "grows the sibling instead",
      claims: [{ name: "a", key, node: "1-a", deleting: true, intent: deleted(1, "1-a") }, { name: "b", key }],
      pools: [{ id: 1, nodes: ["1-a"] }, { id: 2, nodes: [] }], change: [2, 1]
    },
    {
      it: "takes a change for done once it is seen, though its nodes are not listed",
      claims: [{ name: "a", key, intent: made("n1") }, { name: "b", key, intent: made("n1") }],
      pools: [{ id: 1, nodes: [], count: 2, tags: ["karpenter.k8s.linode/intent=n1"] }], wait: ["a", "b"]
    },
    {
      it: "sends more to a pool whose last change is seen",
      claims: [{ name: "a", key, intent: grew(1, 1) }, { name: "b", key }], pools: [{ id: 1, nodes: ["1-a"], count: 2, tags: [] }],
      bind: { a: "1-a" }, wait: ["b"]
    },
    {
      it: "asks anew when a request is older than any lives",
      claims: [{ name: "a", key, intent: made("n1", requestLifetime) }], pools: [], change: [0, 1]
    },
    {
      it: "still waits a moment before that",
      claims: [{ name: "a", key, intent: made("n1", requestLifetime - 1) }], pools: [], wait: ["a"]
    },
    {
      it: "gives a free node to a claim without a doubt first, and to a doubtful one next",
      claims: [{ name: "a", key, age: 9, intent: made("n1") }, { name: "b", key, age: 1 }], pools: [{ id: 1, nodes: ["1-x", "1-y"] }],
      bind: { b: "1-x", a: "1-y" }
    },
    {
      it: "leaves a doubt under another key to that key",
      claims: [{ name: "a", key: "other", intent: made("n1") }], pools: [], names: ["a"], wait: ["a"]
    },
    { it: "moves a claim without doubts to this key", claims: [{ name: "a", key: "other" }], pools: [], names: ["a"], change: [0, 1] },
    { it: "buys nothing for a claim that is deleted", claims: [{ name: "a", key, deleting: true }], pools: [] },
    { it: "buys nothing for a claim that had joined and lost its node", claims: [{ name: "a", key, registered: true }], pools: [] },
    { it: "buys nothing where it may not", claims: [{ name: "a", key }], pools: [], mayGrow: false, left: ["a"] },
    {
      it: "uses nothing of a sentenced pool", claims: [{ name: "a", key }], pools: [{ id: 1, nodes: ["1-x"], tags: ["karpenter-sentenced=pool"] }],
      change: [0, 1]
    },
    {
      it: "uses no sentenced node", claims: [{ name: "a", key }], pools: [{ id: 1, nodes: ["1-x"], tags: ["karpenter-sentenced=1-x"] }],
      change: [0, 1]
    },
    { it: "uses no pool of another key", claims: [{ name: "a", key }], pools: [{ id: 1, nodes: ["1-x"], key: "bbbbbbbbbbbbbbbb" }], change: [0, 1] },
    { it: "uses no pool of the Go provider", claims: [{ name: "a", key }], pools: [{ id: 1, nodes: ["1-x"], key: undefined }], change: [0, 1] },
    {
      it: "leaves a node to the claim of the Go provider that owns it",
      claims: [{ name: "a", key }, { name: "g", foreign: { nodeName: "lke7-1-x" } }], pools: [{ id: 1, nodes: ["1-x"] }], change: [1, 1]
    },
    {
      it: "parts two claims of one node before anything else, the younger gives it up",
      claims: [{ name: "a", key, node: "1-a", age: 5 }, { name: "b", key, node: "1-a", age: 9 }, { name: "c", key }],
      pools: [{ id: 1, nodes: ["1-a"] }], unbind: ["a"]
    },
    {
      it: "takes a node away from a claim once a complete list lacks it",
      claims: [{ name: "a", key, node: "1-a" }], pools: [{ id: 1, nodes: ["1-b"] }], unbind: ["a"]
    },
    { it: "and when its pool is gone", claims: [{ name: "a", key, node: "1-a" }], pools: [], unbind: ["a"] },
    { it: "but not from a list that is not complete", claims: [{ name: "a", key, node: "1-a" }], pools: [{ id: 1, nodes: [], count: 1 }] },
    { it: "nor from a claim that has joined", claims: [{ name: "a", key, node: "1-a", registered: true }], pools: [] },
    { it: "nor from one so young that the list may be older", claims: [{ name: "a", key, node: "1-a", age: 59_000 }], pools: [] },
    {
      it: "nor from one that got it so lately", claims: [{ name: "a", key, node: "1-a", intent: bound(59_000) }], pools: []
    },
    {
      it: "but from one that got it longer ago", claims: [{ name: "a", key, node: "1-a", intent: bound(60_000) }], pools: [],
      unbind: ["a"]
    },
    {
      it: "leaves a pool alone whose list is older than the nodes that claims were given of it",
      claims: [
        { name: "a", key }, { name: "b", key, node: "1-b", intent: bound(5_000) }, { name: "c", key, node: "1-c", age: 5_000 }
      ],
      pools: [{ id: 1, nodes: [], count: 1 }], left: ["a"]
    },
    {
      it: "and grows a sibling that may grow",
      claims: [{ name: "a", key }, { name: "b", key, node: "1-b", intent: bound(5_000) }],
      pools: [{ id: 1, nodes: ["1-x"], count: 1, tags: ["karpenter-sentenced=1-x"] }, { id: 2, nodes: [] }], change: [2, 1]
    },
    {
      it: "grows a pool of which a node went that had joined",
      claims: [{ name: "a", key }, { name: "b", key, node: "1-b", registered: true, intent: bound(5_000) }],
      pools: [{ id: 1, nodes: [] }], change: [1, 1]
    },
    {
      it: "grows a pool in which a late sentence names a node that a claim owns",
      claims: [{ name: "a", key }, { name: "b", key, node: "1-b" }],
      pools: [{ id: 1, nodes: ["1-b"], tags: ["karpenter-sentenced=1-b"] }], change: [1, 1]
    },
    {
      it: "fills the largest pool that has room", claims: [{ name: "a", key, age: 2 }, { name: "b", key, age: 1 }],
      pools: [{ id: 1, nodes: [], count: 0 }, { id: 2, nodes: ["2-x"], tags: ["karpenter-sentenced=pool"] }], change: [1, 2]
    }
  ]
  for (const row of table) {
    it(row.it, () => {
      const plan = decideGrow(view(row.claims, row.pools), {
        key, names: new Set(row.names ?? []), mayGrow: row.mayGrow ?? true, most: 100
      })
      assert.deepStrictEqual({
        unbind: plan.unbind.map((entry) => entry.claim.name),
        bind: Object.fromEntries(plan.bind.map((entry) => [entry.claim.name, entry.node])),
        change: plan.change === undefined ? undefined : [plan.change.change === "new" ? 0 : plan.change.pool.id, plan.change.claims.length],
        wait: plan.wait.map((entry) => entry.name).toSorted(),
        left: plan.left.map((entry) => entry.name)
      }, { unbind: row.unbind ?? [], bind: row.bind ?? {}, change: row.change, wait: row.wait ?? [], left: row.left ?? [] } as never)
    })
  }

  it("asks for no more than a pool takes, and leaves the rest for the next round", () => {
    const claims = Array.from({ length: 5 }, (_, i) => ({ name: `c${i}`, key, age: 10 - i }))
    const asked = { key, names: new Set<string>(), mayGrow: true, most: 3 }
    const first = decideGrow(view(claims, [{ id: 1, nodes: ["1-x"] }]), asked)
    assert.deepStrictEqual(first.change?.claims.map((c) => c.name), ["c1", "c2"])
    assert.deepStrictEqual(first.left.map((c) => c.name), ["c3", "c4"])
  })

  it("keeps the intent of a change that is still in doubt when a claim gets a node all the same", () => {
    const plan = decideGrow(view([{ name: "a", key, intent: made("n1") }], [{ id: 1, nodes: ["1-x"] }]), {
      key, names: new Set(), mayGrow: true, most: 100
    })
    assert.deepStrictEqual(plan.bind.map(({ settled }) => settled), [false])
  })
})

describe("what is given back", () => {
  const gone: C = { name: "a", key, node: "1-a", deleting: true }
  interface Row {
    readonly it: string
    readonly claims: ReadonlyArray<C>
    readonly pools: ReadonlyArray<P>
    readonly nodes?: ReadonlyArray<string>
    readonly deletePools?: ReadonlyArray<number>
    readonly wait?: ReadonlyArray<string>
    readonly unlisted?: ReadonlyArray<string>
    readonly gone?: ReadonlyArray<string>
    readonly theirs?: ReadonlyArray<string>
    /** All that are deleted when it is not said. */
    readonly asks?: ReadonlyArray<string>
  }
  const table: ReadonlyArray<Row> = [
    { it: "the node by its id", claims: [gone, { name: "b", key, node: "1-b" }], pools: [{ id: 1, nodes: ["1-a", "1-b"] }], nodes: ["1-a"] },
    { it: "the pool with its last node", claims: [gone], pools: [{ id: 1, nodes: ["1-a"] }], deletePools: [1] },
    {
      it: "the pool when all its nodes go at once", claims: [gone, { name: "b", key, node: "1-b", deleting: true }],
      pools: [{ id: 1, nodes: ["1-a", "1-b"] }], deletePools: [1]
    },
    {
      it: "only the node when someone waits for another of the pool that is not listed yet", claims: [gone, { name: "b", key }],
      pools: [{ id: 1, nodes: ["1-a"], count: 2 }], nodes: ["1-a"]
    },
    {
      it: "the pool when nobody does", claims: [gone], pools: [{ id: 1, nodes: ["1-a"], count: 2 }], deletePools: [1]
    },
    {
      it: "nothing of a pool that may still grow", claims: [gone, { name: "b", key, intent: grew(1, 2) }],
      pools: [{ id: 1, nodes: ["1-a", "1-x"] }], wait: ["a"]
    },
    { it: "nothing while a change for the claim itself is in doubt", claims: [{ name: "a", key, deleting: true, intent: made("n") }], pools: [], wait: ["a"] },
    { it: "nothing more for a claim whose node is not listed", claims: [gone], pools: [{ id: 1, nodes: ["1-b"] }], unlisted: ["a"] },
    {
      it: "nothing yet where the list may be older than the node", claims: [{ ...gone, intent: bound(5_000) }],
      pools: [{ id: 1, nodes: ["1-b"] }], wait: ["a"]
    },
    { it: "nothing yet where the list is not complete", claims: [gone], pools: [{ id: 1, nodes: ["1-b"], count: 2 }], wait: ["a"] },
    { it: "nothing of a node that another claim owns", claims: [gone, { name: "b", key, node: "1-a" }], pools: [{ id: 1, nodes: ["1-a"] }], gone: ["a"] },
    { it: "a sentenced pool, again", claims: [gone], pools: [{ id: 1, nodes: ["1-a", "1-x"], tags: ["karpenter-sentenced=pool"] }], deletePools: [1] },
    {
      it: "only the node of a pool whose sentence came so late that another claim lives in it", claims: [gone, { name: "b", key, node: "1-b" }],
      pools: [{ id: 1, nodes: ["1-a", "1-b"], tags: ["karpenter-sentenced=pool"] }], nodes: ["1-a"]
    },
    {
      it: "the node again when its deletion is in doubt", claims: [{ ...gone, intent: deleted(1, "1-a") }, { name: "b", key, node: "1-b" }],
      pools: [{ id: 1, nodes: ["1-a", "1-b"] }], nodes: ["1-a"]
    },
    {
      it: "only the node of a pool whose other node a claim took before its sentence came",
      claims: [gone, { name: "b", key, node: "1-b", registered: true }],
      pools: [{ id: 1, nodes: ["1-a", "1-b"], tags: ["karpenter-sentenced=1-b"] }], nodes: ["1-a"]
    },
    {
      it: "nothing yet of a pool whose list lacks the node of a claim that has joined",
      claims: [gone, { name: "b", key, node: "1-b", registered: true }], pools: [{ id: 1, nodes: ["1-a"] }], wait: ["a"]
    },
    {
      it: "nor where the list may be older than the node", claims: [gone, { name: "b", key, node: "1-b", intent: bound(5_000) }],
      pools: [{ id: 1, nodes: ["1-a"] }], wait: ["a"]
    },
    {
      it: "only the node where another claim's is not listed yet",
      claims: [gone, { name: "b", key, node: "1-b", intent: bound(90_000) }],
      pools: [{ id: 1, nodes: ["1-a"], count: 2 }], nodes: ["1-a"]
    },
    {
      it: "the pool when the node of the other claim is lost",
      claims: [gone, { name: "b", key, node: "1-b", intent: bound(90_000) }],
      pools: [{ id: 1, nodes: ["1-a"] }], deletePools: [1]
    },
    {
      it: "nor of a sentenced one",
      claims: [gone, { name: "b", key, node: "1-b", registered: true }],
      pools: [{ id: 1, nodes: ["1-a"], tags: ["karpenter-sentenced=pool"] }], wait: ["a"]
    },
    {
      it: "nothing of a pool that is not Karpenter's", claims: [gone], pools: [{ id: 1, nodes: ["1-a"], bare: true }],
      theirs: ["a"]
    },
    {
      it: "the pool when two deleted claims own its node and one of them asks at first", pools: [{ id: 1, nodes: ["1-a"] }],
      claims: [gone, { ...gone, name: "b" }], asks: ["a"], deletePools: [1]
    },
    {
      it: "a pool that somebody took the tags off, as long as its labels are those of the claim's NodePool", claims: [gone],
      pools: [{ id: 1, nodes: ["1-a"], bare: true, labels: { [label.nodePool]: "general" } }], deletePools: [1]
    },
    {
      it: "nothing of one whose labels are another's", claims: [gone],
      pools: [{ id: 1, nodes: ["1-a"], bare: true, labels: { [label.nodePool]: "else" } }], theirs: ["a"]
    },
    {
      it: "the node of a claim of the Go provider", claims: [{ name: "a", deleting: true, foreign: { nodeName: "lke7-1-a" } }, { name: "b", foreign: { nodeName: "lke7-1-b" } }],
      pools: [{ id: 1, nodes: ["1-a", "1-b"], key: undefined }], nodes: ["1-a"]
    }
  ]
  for (const row of table) {
    it(row.it, () => {
      const seen = view(row.claims, row.pools)
      const plan = decideGiveBack(seen, key, seen.claims.filter(({ deleting, name }) => row.asks?.includes(name) ?? deleting))
      assert.deepStrictEqual({
        nodes: plan.nodes.map(({ node }) => node), deletePools: plan.pools.map(({ id }) => id), wait: plan.wait.map((w) => w.claim.name),
        unlisted: plan.unlisted.map(({ name }) => name), gone: plan.gone.map(({ name }) => name),
        theirs: plan.theirs.map(({ name }) => name)
      }, {
        nodes: row.nodes ?? [], deletePools: row.deletePools ?? [], wait: row.wait ?? [], unlisted: row.unlisted ?? [],
        gone: row.gone ?? [], theirs: row.theirs ?? []
      } as never)
    })
  }
})

describe("a sentenced pool", () => {
  it("stays while a deleted claim is not done with its node", () => {
    const seen = view(
      [{ name: "a", key, node: "1-a", deleting: true }, { name: "b", key, node: "1-b", deleting: true }],
      [{ id: 1, nodes: ["1-a", "1-b"], tags: ["karpenter-sentenced=pool"] }]
    )
    const plan = decideGiveBack(seen, key, seen.claims.filter(({ name }) => name === "a"))
    assert.deepStrictEqual([plan.pools, plan.nodes.map(({ node }) => node)], [[], ["1-a"]])
  })

  it("and so does one in which a late sentence names that node", () => {
    const seen = view(
      [{ name: "a", key, node: "1-a", deleting: true }, { name: "b", key, node: "1-b", deleting: true }],
      [{ id: 1, nodes: ["1-a", "1-b"], tags: ["karpenter-sentenced=1-b"] }]
    )
    const plan = decideGiveBack(seen, key, seen.claims.filter(({ name }) => name === "a"))
    assert.deepStrictEqual([plan.pools, plan.nodes.map(({ node }) => node)], [[], ["1-a"]])
  })
})

describe("what is collected", () => {
  interface Row {
    readonly it: string
    readonly claims?: ReadonlyArray<C>
    readonly pools: ReadonlyArray<P>
    /** Since how many milliseconds everything was seen without an owner. */
    readonly seen?: number
    readonly doomed: ReadonlyArray<readonly [pool: number, what: "pool" | ReadonlyArray<string>]>
    /** Nodes whose sentence is taken back. */
    readonly spared?: ReadonlyArray<string>
  }
  const owned: C = { name: "b", key, node: "1-b" }
  const table: ReadonlyArray<Row> = [
    { it: "a node without a claim", claims: [owned], pools: [{ id: 1, nodes: ["1-b", "1-x"] }], doomed: [[1, ["1-x"]]] },
    { it: "not before its grace is over", claims: [owned], pools: [{ id: 1, nodes: ["1-b", "1-x"] }], seen: grace - 1, doomed: [] },
    { it: "not what a deleted claim owns", claims: [{ ...owned, deleting: true }], pools: [{ id: 1, nodes: ["1-b"] }], doomed: [] },
    { it: "not while a claim of the key waits", claims: [owned, { name: "c", key }], pools: [{ id: 1, nodes: ["1-b", "1-x"] }], doomed: [] },
    { it: "not while a change of the key is in doubt", claims: [{ ...owned, intent: made("n") }], pools: [{ id: 1, nodes: ["1-b", "1-x"] }], doomed: [] },
    { it: "a whole pool that nobody owns a node of", pools: [{ id: 1, nodes: ["1-x", "1-y"] }], doomed: [[1, "pool"]] },
    { it: "a pool without nodes", pools: [{ id: 1, nodes: [], count: 1 }], doomed: [[1, "pool"]] },
    {
      it: "not a sentenced pool with a node of a deleted claim, whose pods may still be leaving", claims: [{ ...owned, deleting: true }],
      pools: [{ id: 1, nodes: ["1-b"], tags: ["karpenter-sentenced=pool"] }], doomed: []
    },
    { it: "a sentenced pool at once", pools: [{ id: 1, nodes: ["1-x"], tags: ["karpenter-sentenced=pool"] }], seen: 0, doomed: [[1, "pool"]] },
    {
      it: "a sentenced node at once", claims: [owned], pools: [{ id: 1, nodes: ["1-b", "1-x"], tags: ["karpenter-sentenced=1-x"] }], seen: 0,
      doomed: [[1, ["1-x"]]]
    },
    {
      it: "no pool whose list lacks the node of a claim that lives", claims: [{ ...owned, registered: true }],
      pools: [{ id: 1, nodes: ["1-x"] }], doomed: []
    },
    {
      it: "no sentenced one either", claims: [{ ...owned, registered: true }],
      pools: [{ id: 1, nodes: ["1-x"], tags: ["karpenter-sentenced=pool"] }], doomed: []
    },
    {
      it: "no pool without nodes while a claim is sure of one", claims: [{ ...owned, registered: true }],
      pools: [{ id: 1, nodes: [], count: 1 }], doomed: []
    },
    {
      it: "the sentence of a node that a claim took before it came", claims: [owned],
      pools: [{ id: 1, nodes: ["1-b", "1-x"], tags: ["karpenter-sentenced=1-b", "karpenter-sentenced=1-x"] }], seen: 0,
      doomed: [[1, ["1-x"]]], spared: ["1-b"]
    },
    {
      it: "that alone", claims: [owned], pools: [{ id: 1, nodes: ["1-b"], tags: ["karpenter-sentenced=1-b"] }],
      doomed: [[1, []]], spared: ["1-b"]
    },
    { it: "nothing of a pool of the Go provider", pools: [{ id: 1, nodes: ["1-x"], key: undefined }], doomed: [] }
  ]
  for (const row of table) {
    it(row.it, () => {
      const seen = view(row.claims ?? [], row.pools)
      const since = new Map([...observeGarbage(seen, new Map()).keys()].map((what) => [what, now - (row.seen ?? grace)]))
      const plans = decideGarbage(seen, since)
      const doomed = plans.map((plan) => [plan.pool.id, plan.doomed === "pool" ? "pool" : plan.doomed.nodes])
      assert.deepStrictEqual(doomed, row.doomed as never)
      assert.deepStrictEqual(plans.flatMap(({ doomed }) => doomed === "pool" ? [] : doomed.spare), row.spared ?? [] as never)
    })
  }

  it("starts anew once something had an owner in between", () => {
    const alone = view([], [{ id: 1, nodes: ["1-x"] }])
    const taken = view([{ name: "a", key, node: "1-x" }], [{ id: 1, nodes: ["1-x"] }])
    const first = observeGarbage(alone, new Map([["1-x", 5]]))
    assert.deepStrictEqual([...first], [["1-x", 5]])
    assert.deepStrictEqual([...observeGarbage(alone, observeGarbage(taken, first))], [["1-x", now]])
  })
})

describe("an intent that was meddled with", () => {
  it("counts as none", () => {
    const broken = claimOf("a", { annotations: { [annotation.lkeIntent]: "{", [label.nodePool]: "x" } })
    assert.isUndefined(recordOf(broken).intent)
  })
})
