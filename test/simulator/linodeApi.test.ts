import { assert, describe, it } from "@effect/vitest"
import type { Outcome } from "../../src/simulator/linode/linodeApi.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"
import { documentedLimits } from "../../src/simulator/linode/rateLimits.ts"
import { complaint, order, start } from "./linodeSupport.ts"

describe("requests", () => {
  const cases: ReadonlyArray<readonly [string, string, string, Readonly<Record<string, string>>, number]> = [
    ["both versions are served", "GET", "/v4/profile", {}, 200],
    ["no version, no answer", "GET", "/v3/profile", {}, 404],
    ["a wrong token is refused", "GET", "/v4/profile", { authorization: "Bearer nope" }, 401],
    ["also where none is needed", "GET", "/v4/regions", { authorization: "Bearer nope" }, 401],
    ["an unknown path is not found", "GET", "/v4/elsewhere", {}, 404],
    ["an unknown method is refused", "PATCH", "/v4/profile", {}, 405],
    ["a cluster that isn't there is not found", "GET", "/v4/lke/clusters/7", {}, 404],
    ["one type can be asked for", "GET", "/v4/linode/types/g6-standard-1", {}, 200],
    ["one region can be asked for", "GET", "/v4/regions/us-ord", {}, 200]
  ]
  for (const [name, method, path, headers, status] of cases) {
    it(name, () => assert.strictEqual(start().ask(method, path, undefined, headers).status, status))
  }

  it("types and regions need no token", () => {
    const { api } = start()
    for (const url of ["/v4/linode/types", "/v4/regions", "/v4/regions/us-ord/availability"]) {
      assert.strictEqual(api.handle({ method: "GET", url, headers: {}, body: "" }).status, 200)
    }
    assert.strictEqual(api.handle({ method: "GET", url: "/v4/profile", headers: {}, body: "" }).status, 401)
  })

  it("only v4beta tells a cluster's tier", () => {
    const { ask, cluster } = start()
    assert.notProperty(ask("GET", `/v4/lke/clusters/${cluster.id}`).body, "tier")
    assert.strictEqual(ask("GET", `/v4beta/lke/clusters/${cluster.id}`).body.tier, "standard")
  })

  it("a node of another cluster is not found", () => {
    const { ask, cloud, cluster } = start()
    const other = cloud.addCluster({ label: "other", region: "us-ord", systemPool: { type: "g6-standard-2", count: 2 } })
    const pool = cloud.poolsOf(other)[0]!
    assert.strictEqual(ask("DELETE", `/lke/clusters/${cluster.id}/nodes/${pool.nodes[0]!.id}`).status, 404)
    assert.strictEqual(ask("GET", `/lke/clusters/${cluster.id}/pools/${pool.id}`).status, 404)
  })

  it("tags of an instance are replaced as a whole", () => {
    const { ask, cloud } = start()
    const { id } = cloud.addInstance({ label: "vm", type: "g6-standard-1", region: "us-ord", tags: ["a"] })
    assert.deepStrictEqual(ask("PUT", `/linode/instances/${id}`, { tags: ["b", "c"] }).body.tags, ["b", "c"])
  })
})

describe("pages", () => {
  const rows = () => {
    const world = start()
    for (let i = 0; i < 60; i++) world.cloud.addInstance({ label: `vm-${i}`, type: "g6-standard-1", region: "us-ord" })
    return world
  }
  const cases: ReadonlyArray<readonly [string, number, string | undefined]> = [
    ["page_size=25&page=3", 200, undefined],
    ["page_size=24", 400, "page_size"],
    ["page_size=501", 400, "page_size"],
    ["page_size=all", 400, "page_size"],
    ["page=0", 400, "page"],
    ["page_size=25&page=4", 404, undefined]
  ]
  for (const [query, status, field] of cases) {
    it(`${query}: ${status}`, () => {
      const answer = rows().ask("GET", `/linode/instances?${query}`)
      assert.deepStrictEqual([answer.status, complaint(answer).field], [status, field])
    })
  }

  it("the envelope tells pages and results", () => {
    const { body } = rows().ask("GET", "/linode/instances?page_size=25&page=3")
    assert.deepStrictEqual([body.page, body.pages, body.results, (body.data as ReadonlyArray<unknown>).length], [3, 3, 61, 11])
  })
})

describe("X-Filter", () => {
  const world = () => {
    const one = start()
    one.cloud.addInstance({ label: "a", type: "g6-standard-1", region: "us-ord", tags: ["nodepool=12", "x"] })
    one.cloud.addInstance({ label: "b", type: "g6-standard-1", region: "us-sea", tags: ["nodepool=123", "x"] })
    one.cloud.addInstance({ label: "c", type: "g6-standard-1", region: "us-sea", tags: [] })
    return (filter: string) => one.ask("GET", "/linode/instances", undefined, { "x-filter": filter })
  }
  const cases: ReadonlyArray<readonly [string, string, ReadonlyArray<string>]> = [
    ["a tag is a member", `{"tags":"nodepool=12"}`, ["a"]],
    ["+contains is a substring", `{"tags":{"+contains":"nodepool=12"}}`, ["a", "b"]],
    ["fields are joined by and", `{"tags":"x","region":"us-sea"}`, ["b"]],
    ["+and", `{"+and":[{"tags":"x"},{"tags":"nodepool=123"}]}`, ["b"]],
    ["+or", `{"+or":[{"label":"a"},{"label":"c"}]}`, ["a", "c"]],
    ["of two equal keys only the last is left", `{"tags":"x","tags":"nodepool=123"}`, ["b"]],
    ["+neq holds for no member", `{"tags":{"+neq":"x"},"label":{"+contains":"c"}}`, ["c"]],
    ["+order_by, descending", `{"label":{"+gte":"a","+lte":"c"},"+order_by":"label","+order":"desc"}`, ["c", "b", "a"]]
  ]
  for (const [name, filter, labels] of cases) {
    it(name, () => {
      const { body } = world()(filter)
      assert.deepStrictEqual((body.data as ReadonlyArray<{ readonly label: string }>).map(({ label }) => label), labels)
    })
  }
  const wrong = [`{"foo":1}`, `{"lke_cluster_id":1}`, `{"tags":{"+like":"x"}}`, `{"+and":{}}`, `no`, `{"label":"z","foo":1}`]
  for (const filter of wrong) {
    it(`${filter} is refused`, () => {
      const answer = world()(filter)
      assert.deepStrictEqual([answer.status, complaint(answer).field], [400, "X-Filter"])
    })
  }
  it("types cannot be filtered by region", () => {
    const answer = start().ask("GET", "/linode/types", undefined, { "x-filter": `{"region":"us-ord"}` })
    assert.deepStrictEqual(complaint(answer), { reason: "Cannot filter on region", field: "X-Filter" })
  })
  it("a query string does not filter", () => {
    const { ask, cloud } = start()
    cloud.addInstance({ label: "a", type: "g6-standard-1", region: "us-ord" })
    assert.strictEqual(ask("GET", "/linode/instances?tag=nothing").body.results, 2)
  })
})

describe("availability", () => {
  it("has rows for restricted plans only, and says what is sold out", () => {
    const { api, cloud, request } = start()
    cloud.soldOut("g7-premium-2", "us-ord")
    cloud.soldOut("g6-standard-2", "us-ord")
    const rows: ReadonlyArray<{ readonly plan: string; readonly available: boolean }> =
      JSON.parse(api.handle(request("GET", "/regions/us-ord/availability")).body)
    assert.isFalse(rows.find(({ plan }) => plan === "g7-premium-2")?.available)
    assert.isTrue(rows.some(({ available, plan }) => plan.startsWith("g7-premium") && available))
    assert.isFalse(rows.some(({ plan }) => plan.startsWith("g6-")))
  })
})

describe("rate limits", () => {
  it("lists have their own, and the next window starts afresh", () => {
    const { ask, pass, pools } = start({ rateLimits: documentedLimits })
    for (let i = 0; i < 200; i++) assert.strictEqual(ask("GET", pools).status, 200)
    pass(20_000)
    const refused = ask("GET", pools)
    assert.strictEqual(refused.status, 429)
    assert.deepInclude(refused.headers, { "Retry-After": "40", "X-RateLimit-Remaining": "0" })
    assert.deepInclude(refused.headers, { "X-RateLimit-Limit": "200", "X-RateLimit-Reset": "60" })
    assert.strictEqual(ask("GET", "/profile").status, 200)
    pass(40_000)
    assert.strictEqual(ask("GET", pools).status, 200)
  })
})

describe("faults", () => {
  const meet = (fault: Fault) => {
    const world = start()
    const outcomes: Array<Outcome> = []
    world.api.faults.on("POST /lke/clusters/{id}/pools", fault)
    const buy = () => world.api.exchange(world.request("POST", world.pools, order), (outcome) => outcomes.push(outcome))
    buy()
    return { ...world, outcomes, buy, bought: () => world.cloud.purchases.filter(({ seeded }) => !seeded).length }
  }
  const cases: ReadonlyArray<readonly [Fault, number, string | undefined, number]> = [
    [{ kind: "refused", status: 500 }, 0, "answered", 500],
    [{ kind: "refused", status: 429, retryAfterSeconds: 3 }, 0, "answered", 429],
    [{ kind: "answered", status: 418, body: "{}" }, 0, "answered", 418],
    [{ kind: "failedAfter" }, 2, "answered", 500],
    [{ kind: "lost" }, 2, "lost", 0],
    [{ kind: "lost", acts: false }, 0, "lost", 0],
    [{ kind: "hung" }, 2, undefined, 0],
    [{ kind: "hung", acts: false }, 0, undefined, 0],
    [{ kind: "late", afterMillis: 60_000 }, 0, "lost", 0],
    [{ kind: "malformed" }, 2, "answered", 200],
    [{ kind: "truncated" }, 2, "cut", 0],
    [{ kind: "slow", millis: 3_000 }, 2, undefined, 200]
  ]
  for (const [fault, bought, outcome, status] of cases) {
    it(`${JSON.stringify(fault)} buys ${bought} and ends ${outcome ?? "in silence"}`, () => {
      const world = meet(fault)
      assert.strictEqual(world.bought(), bought)
      assert.strictEqual(world.outcomes[0]?.kind, outcome)
      assert.strictEqual(world.api.log.at(-1)?.status, status)
      assert.strictEqual(world.api.log.at(-1)?.fault, fault.kind)
    })
  }

  it("a late request is carried out when its time comes", () => {
    const { bought, pass } = meet({ kind: "late", afterMillis: 60_000 })
    pass(59_999)
    assert.strictEqual(bought(), 0)
    pass(1)
    assert.strictEqual(bought(), 2)
  })

  it("a slow answer comes in the end", () => {
    const { outcomes, pass } = meet({ kind: "slow", millis: 3_000 })
    pass(3_000)
    assert.strictEqual(outcomes[0]?.kind, "answered")
  })

  it("a fault is used up, a predicate chooses, and what was planned can be called off", () => {
    const { api, bought, buy } = meet({ kind: "refused", status: 503 })
    buy()
    assert.strictEqual(bought(), 2)
    const end = api.faults.on(({ body }) => body.includes("g6-standard-4"), { kind: "refused", status: 500 }, Infinity)
    buy()
    buy()
    assert.strictEqual(bought(), 2)
    end()
    buy()
    assert.strictEqual(bought(), 4)
    assert.deepStrictEqual(api.log.map(({ status }) => status), [503, 200, 500, 500, 200])
    assert.deepStrictEqual(api.calls(), { "POST /lke/clusters/{id}/pools": 5 })
  })
})
