/** What the account says and what it costs to ask: announcements, tags, machines that stopped, refusals, rates. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule } from "effect"
import { annotation } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { interruptionsOf } from "../../src/cloud/interruptions.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { AccountEvent, Maintenance } from "../../src/linode/models.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import { documentedLimits } from "../../src/simulator/linode/rateLimits.ts"
import * as world from "./lkeWorld.ts"

const said = (status: number, reason: string): Fault =>
  ({ kind: "answered", status, body: JSON.stringify({ errors: [{ reason }] }) })
const refusals = Effect.map(LinodeSimulator, ({ api }) => api.log.filter(({ status }) => status === 429).length)
const calls = Effect.map(LinodeSimulator, ({ api }) => api.log.length)

/** Claims with their machines, which they know. */
const launched = Effect.fnUntraced(function*(cloud: world.Provider, names: ReadonlyArray<string>, options: world.ClaimOptions = {}) {
  const kube = yield* Kube
  const claims = yield* world.addClaims(names, options)
  yield* world.play(world.createAll(cloud, claims))
  yield* world.pass("10 seconds")
  return yield* world.play(Effect.forEach(claims, (claim) => Effect.gen(function*() {
    const current = yield* kube.get(NodeClaims, { name: claim.metadata.name })
    const machine = yield* cloud.create(current)
    const { annotations, labels } = current.metadata
    const noted = yield* kube.patch(NodeClaims, { name: claim.metadata.name }, {
      metadata: { annotations: { ...machine.annotations, ...annotations }, labels: { ...machine.labels, ...labels } }
    }, { kind: "merge" })
    return yield* kube.updateStatus(NodeClaims, { ...noted, status: { providerID: machine.providerID!, nodeName: machine.nodeName } })
  }), { concurrency: "unbounded" }))
})

const instanceOf = (claim: NodeClaim) => Effect.map(LinodeSimulator, ({ cloud }) =>
  cloud.instances.get(Number(claim.status?.providerID?.slice("linode://".length)))!)

describe("what Linode announces", () => {
  const maintenance = (over: Partial<Maintenance> = {}): Maintenance => ({
    entity: { id: 1, type: "linode" }, type: "reboot", status: "scheduled", reason: "why", when: "2026-03-01T13:00:00", ...over
  })
  const event = (over: Partial<AccountEvent> = {}): AccountEvent => ({
    id: 7, action: "linode_migrate", status: "scheduled", created: "2026-03-01T12:00:00", entity: { id: 2, type: "linode" },
    source: "platform", message: "why", not_before: "2026-03-01T14:00:00", ...over
  })
  const one = Date.parse("2026-03-01T13:00:00Z")
  const two = Date.parse("2026-03-01T14:00:00Z")
  const told = (maintenances: ReadonlyArray<Maintenance>, events: ReadonlyArray<AccountEvent>) =>
    interruptionsOf(maintenances, events).map(({ at, id, providerID }) => [id, providerID, at])
  const table = [
    ["maintenance that is to come", told([maintenance()], []), [["maintenance/1/reboot/2026-03-01T13:00:00", "linode://1", one]]],
    ["maintenance that has begun", told([maintenance({ status: "started" })], []), [["maintenance/1/reboot/2026-03-01T13:00:00", "linode://1", undefined]]],
    ["no maintenance that is over or called off", told([maintenance({ status: "completed" }), maintenance({ status: "canceled" })], []), []],
    ["no maintenance that a Linode stays up through", told([maintenance({ type: "live_migration" })], []), []],
    ["no maintenance of volumes", told([maintenance({ entity: { id: 1, type: "volume" }, type: "volume_migration" })], []), []],
    ["no maintenance of which nobody knows when", told([maintenance({ when: null, status: "pending" })], []), []],
    ["a time that only the earliest beginning tells", told([maintenance({ when: null, not_before: "2026-03-01T14:00:00" })], []), [["maintenance/1/reboot/2026-03-01T14:00:00", "linode://1", two]]],
    ["another time as another announcement", told([maintenance({ when: "2026-03-01T14:00:00" })], []), [["maintenance/1/reboot/2026-03-01T14:00:00", "linode://1", two]]],
    ["an event of the platform", told([], [event()]), [["event/7", "linode://2", two]]],
    ["a host that reboots now", told([], [event({ action: "host_reboot", status: "started", source: null })]), [["event/7", "linode://2", undefined]]],
    ["no reboot that its owner asked for", told([], [event({ action: "linode_reboot", source: "user", status: "started" })]), []],
    ["no event that is over", told([], [event({ status: "finished" }), event({ status: "canceled" })]), []],
    ["no event of anything else", told([], [event({ entity: { id: "x", type: "image" } }), event({ entity: null })]), []],
    ["no event of what a Linode stays up through", told([maintenance({ entity: { id: 2, type: "linode" }, type: "live_migration" })], [event()]), []],
    ["one cause once", told([maintenance({ entity: { id: 2, type: "linode" } })], [event()]), [["maintenance/2/reboot/2026-03-01T13:00:00", "linode://2", one]]]
  ] as const
  for (const [what, found, expected] of table) it(`is ${what}`, () => assert.deepStrictEqual(found, expected as unknown))

  it.effect("is read of both sources, of one where the token may not read the other, and asked for seldom then", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      const [claim] = yield* launched(cloud, ["a"])
      linode.power.planMaintenance(yield* instanceOf(claim!), { type: "cold_migration", after: 3_600_000, reason: "Bad memory" })
      const [found] = yield* world.play(cloud.interruptions)
      assert.strictEqual(found?.providerID, claim?.status?.providerID)
      assert.match(found?.message ?? "", /cold_migration.*Bad memory/)
      api.faults.on("GET /account/maintenance", said(403, "not authorized"), Infinity)
      for (let minute = 0; minute < 10; minute++) {
        assert.lengthOf(yield* world.play(cloud.interruptions), 1, "the event tells it too")
        yield* world.pass("1 minute")
      }
      assert.isAtMost(api.log.filter(({ route, status }) => route === "/account/maintenance" && status === 403).length, 7)
      assert.isUndefined(yield* cloud.accountTrouble, "these scopes can be done without")
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("the tags of a LinodeNodeClass", () => {
  const setTags = (tags: ReadonlyArray<string>) => Effect.flatMap(Kube, (kube) =>
    kube.patch<LinodeNodeClass>(LinodeNodeClasses, { name: "default" }, { spec: { tags } }, { kind: "merge" }))

  for (const tier of ["standard", "enterprise"] as const) {
    it.effect(`reach pools and Linodes in place on the ${tier} tier; nobody else's tags go, nor do ours`, () => Effect.gen(function*() {
      const { api, cloud: linode } = yield* LinodeSimulator
      const cluster = yield* world.setUp({ tier, spec: { tags: ["team=a", "prod"] } })
      const system = linode.poolsOf(cluster)[0]!
      yield* world.during((cloud) => Effect.gen(function*() {
        const claims = yield* launched(cloud, ["a", "b"])
        const pool = () => linode.poolsOf(cluster).find(({ id }) => id !== system.id)!
        const ours = pool().tags.filter((tag) => tag !== "team=a" && tag !== "prod")
        assert.include(pool().tags, "team=a")
        yield* world.play(cloud.retag(yield* setTags(["team=a", "prod"])))
        const instance = yield* instanceOf(claims[0]!)
        for (const tag of ["team=a", "prod"]) assert.include(instance.tags, tag)
        linode.tagInstance(instance, { tags: [...instance.tags, "by=hand"] })

        yield* world.play(cloud.retag(yield* setTags(["team=b", "prod"])))
        assert.deepStrictEqual(pool().tags.toSorted(), [...ours, "team=b", "prod"].toSorted())
        if (tier === "standard") assert.deepStrictEqual(instance.tags.toSorted(), ["by=hand", "prod", "team=b"])
        for (const tag of ["team=b", "prod"]) assert.include((yield* instanceOf(claims[1]!)).tags, tag)
        assert.notInclude((yield* instanceOf(claims[1]!)).tags, "team=a")
        for (const { metadata } of claims) {
          const now = yield* world.getClaim(metadata.name)
          assert.strictEqual(now.metadata.annotations?.[annotation.lastAppliedUserTags], `["prod","team=b"]`)
        }

        const before = api.log.filter(({ method }) => method === "PUT").length
        yield* world.play(cloud.retag(yield* setTags(["team=b", "prod"])))
        assert.strictEqual(api.log.filter(({ method }) => method === "PUT").length, before, "what is right is not written")

        // A note that somebody meddled with takes nothing of ours away.
        const kube = yield* Kube
        yield* kube.patch(NodeClaims, { name: "a" }, {
          metadata: { annotations: { [annotation.lastAppliedUserTags]: JSON.stringify([...pool().tags, "nodepool=1"]) } }
        }, { kind: "merge" })
        yield* world.play(cloud.retag(yield* setTags([])))
        assert.deepStrictEqual(pool().tags.toSorted(), ours.toSorted())
        assert.isUndefined((yield* world.getClaim("a")).metadata.annotations?.[annotation.lastAppliedUserTags])
        assert.deepStrictEqual(system.tags, [], "the user's own pool is let be")
      }))
    }).pipe(Effect.provide(world.outside())))
  }

  it.effect("are those of the last edit, though Linode's lists are older than the edit before", () => Effect.gen(function*() {
    const { cloud: linode } = yield* LinodeSimulator
    const cluster = yield* world.setUp({ spec: { tags: ["team=a"] } })
    yield* world.during((cloud) => Effect.gen(function*() {
      const claims = yield* launched(cloud, world.numbered("a", 5))
      yield* world.play(cloud.retag(yield* setTags(["team=a"])))
      const renewLists = linode.ageLists()
      yield* world.play(cloud.retag(yield* setTags(["team=b"])))
      yield* world.play(cloud.retag(yield* setTags(["team=a"])))
      renewLists()
      const instances = yield* Effect.forEach(claims, instanceOf)
      for (const { tags } of [...linode.poolsOf(cluster).slice(1), ...instances]) {
        assert.deepStrictEqual(tags.filter((tag) => tag.startsWith("team=")), ["team=a"])
      }
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("reach a machine that was too new to be listed once it is", () => Effect.gen(function*() {
    const { cloud: linode } = yield* LinodeSimulator
    yield* world.setUp({ spec: { tags: ["team=a"] } })
    yield* world.during((cloud) => Effect.gen(function*() {
      // A list by which it was found, and an older one after it.
      const before = structuredClone([...linode.pools.values()])
      const [claim] = yield* launched(cloud, ["a"])
      const now = [...linode.pools.values()]
      linode.pools.clear()
      for (const pool of before) linode.pools.set(pool.id, pool)
      const renewLists = linode.ageLists()
      for (const pool of now) linode.pools.set(pool.id, pool)
      const edited = yield* setTags(["team=b"])
      const error = yield* world.play(Effect.flip(cloud.retag(edited)))
      assert.strictEqual(error.reason._tag, "CloudUnavailable", "it asks to be called again")
      renewLists()
      yield* world.pass("1 minute")
      yield* world.play(cloud.retag(edited))
      assert.deepStrictEqual((yield* instanceOf(claim!)).tags, ["team=b"])
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("are not sent to a pool any more once what was noted of them may be forgotten", () => Effect.gen(function*() {
    const { api } = yield* LinodeSimulator
    const kube = yield* Kube
    yield* world.setUp({ spec: { tags: ["team=a"] } })
    yield* world.during((cloud) => Effect.gen(function*() {
      yield* launched(cloud, ["a", "b", "c", "d", "e"])
      yield* world.play(cloud.retag(yield* setTags(["team=a"])))
      // Until Linode takes requests again, all others wait for their turn.
      api.faults.on("DELETE /lke/clusters/{id}/nodes/{id}", { kind: "refused", status: 429, retryAfterSeconds: 150 })
      yield* kube.delete(NodeClaims, { name: "e" })
      yield* world.play(Effect.flip(cloud.delete(yield* world.getClaim("e"))))
      const before = api.log.length
      const error = yield* world.play(Effect.flip(cloud.retag(yield* setTags(["team=b"]))))
      assert.include(error.message, "no answer in time")
      assert.isFalse(api.log.slice(before).some(({ method, route }) => method === "PUT" && route.startsWith("/lke/")))
      const { annotations } = (yield* world.getClaim("a")).metadata
      assert.isDefined(annotations?.[annotation.lkeTagging], "they may have been sent after all")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("are finished after an error or a restart in the middle", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    const cluster = yield* world.setUp({ spec: { tags: ["team=a"] } })
    yield* world.during((cloud) => Effect.gen(function*() {
      yield* launched(cloud, ["a", "b"])
      yield* world.play(cloud.retag(yield* setTags(["team=a"])))
      api.faults.on("PUT /linode/instances/{id}", { kind: "refused", status: 500 })
      yield* world.play(Effect.flip(cloud.retag(yield* setTags(["team=b"]))))
    }))
    yield* world.during((cloud) => Effect.gen(function*() {
      yield* world.play(cloud.retag(yield* setTags(["team=c"])))
      for (const pool of linode.poolsOf(cluster).slice(1)) {
        assert.deepStrictEqual(pool.tags.filter((tag) => tag.startsWith("team=")), ["team=c"])
      }
      for (const name of ["a", "b"]) {
        const instance = yield* instanceOf(yield* world.getClaim(name))
        assert.deepStrictEqual(instance.tags, ["team=c"])
      }
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("tags that are written late", () => {
  it.effect("undo no sentence: a pool goes once they cannot come any more, also after a restart", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    const cluster = yield* world.setUp({ spec: { tags: ["team=a"] } })
    const kube = yield* Kube
    const setTags = (tags: ReadonlyArray<string>) =>
      kube.patch<LinodeNodeClass>(LinodeNodeClasses, { name: "default" }, { spec: { tags } }, { kind: "merge" })
    const poolRoute = "/lke/clusters/{id}/pools/{id}"
    yield* world.during((cloud) => Effect.gen(function*() {
      yield* launched(cloud, ["a", "b"])
      yield* world.play(cloud.retag(yield* setTags(["team=a"])))
      api.faults.on(`PUT ${poolRoute}`, { kind: "late", afterMillis: 100_000 })
      yield* world.play(Effect.flip(cloud.retag(yield* setTags(["team=b"]))))
    }))
    const sent = yield* Clock.currentTimeMillis
    yield* world.during((cloud) => Effect.gen(function*() {
      yield* world.play(world.deleteAll(cloud, ["a", "b"]), "10 minutes", 200)
      assert.lengthOf(yield* world.alive, 0)
      assert.lengthOf(linode.poolsOf(cluster), 1)
      const sentence = api.log.find(({ at, method, route }) => method === "PUT" && route === poolRoute && at > sent)
      assert.isAbove((sentence?.at ?? 0) - sent, 100_000, "not before the tags were written")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("are put right when they were overtaken", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    const cluster = yield* world.setUp({ spec: { tags: ["team=a"] } })
    const kube = yield* Kube
    const setTags = (tags: ReadonlyArray<string>) =>
      kube.patch<LinodeNodeClass>(LinodeNodeClasses, { name: "default" }, { spec: { tags } }, { kind: "merge" })
    yield* world.during((cloud) => Effect.gen(function*() {
      yield* launched(cloud, ["a", "b"])
      yield* world.play(cloud.retag(yield* setTags(["team=a"])))
      api.faults.on("PUT /lke/clusters/{id}/pools/{id}", { kind: "late", afterMillis: 60_000 })
      yield* world.play(Effect.flip(cloud.retag(yield* setTags(["team=b"]))))
      const next = yield* setTags(["team=c"])
      const again = yield* world.play(Effect.flip(cloud.retag(next)))
      assert.strictEqual(again.reason._tag, "CloudUnavailable", "it asks to be called again")
      yield* world.pass("3 minutes")
      const pool = linode.poolsOf(cluster)[1]!
      assert.include(pool.tags, "team=b", "the late ones came")
      yield* world.play(cloud.retag(next))
      assert.deepStrictEqual(pool.tags.filter((tag) => tag.startsWith("team=")), ["team=c"])
      assert.isUndefined((yield* world.getClaim("a")).metadata.annotations?.[annotation.lkeTagging])
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("whether machines exist", () => {
  it.effect("is one list for many and a reading for those that no list has: only Linode's word for an id counts", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      const claims = yield* launched(cloud, world.numbered("a", 30))
      const [gone, renamed] = claims
      linode.instances.delete((yield* instanceOf(gone!)).id)
      const other = yield* instanceOf(renamed!)
      linode.instances.set(other.id, { ...other, label: "my-favourite" })
      const before = api.log.length
      const states = yield* world.play(Effect.forEach(claims, cloud.exists, { concurrency: "unbounded" }))
      assert.deepStrictEqual(states.slice(0, 2), ["gone", "present"])
      assert.isTrue(states.slice(2).every((state) => state === "present"))
      const asked = api.log.slice(before).filter(({ route }) => route.startsWith("/linode/instances"))
      assert.deepStrictEqual(
        asked.map(({ route }) => route), ["/linode/instances", "/linode/instances/{id}", "/linode/instances/{id}"]
      )
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("is no guess after an error", () => Effect.gen(function*() {
    const { api } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      const claims = yield* launched(cloud, ["a"])
      for (const fault of [said(401, "Invalid Token"), { kind: "refused", status: 500 }, { kind: "lost" }] as const) {
        const heal = api.faults.on("GET /linode/instances/{id}", fault, Infinity)
        const error = yield* world.play(Effect.flip(cloud.exists(claims[0]!)))
        assert.strictEqual(error.reason._tag, "CloudUnavailable")
        heal()
        yield* world.pass("10 minutes")
      }
      assert.strictEqual(yield* world.play(cloud.exists(claims[0]!)), "present")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("and run: one is stopped when it stays down, not while it reboots or Linode works on it", () => Effect.gen(function*() {
    const { cloud: linode } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      const [a, b, c] = yield* launched(cloud, ["a", "b", "c"])
      yield* world.pass("3 minutes")
      const state = (claim: NodeClaim | undefined) => world.play(cloud.exists(claim!))
      linode.power.shutDown(yield* instanceOf(a!))
      linode.delays = { ...linode.delays, run: [600_000, 600_000] }
      linode.power.planMaintenance(yield* instanceOf(b!), { type: "power_off_on", after: 0 })
      linode.power.planMaintenance(yield* instanceOf(c!), { type: "reboot", after: 0 })
      yield* world.pass("15 seconds")
      yield* world.play(cloud.interruptions)
      assert.deepStrictEqual([(yield* instanceOf(a!)).status, (yield* instanceOf(b!)).status], ["offline", "offline"])
      for (const minutes of [0, 2, 4]) {
        const states = [yield* state(a), yield* state(b), yield* state(c)]
        assert.deepStrictEqual(states, [minutes < 4 ? "present" : "stopped", "present", "present"], `after ${minutes} minutes`)
        yield* world.pass("2 minutes")
      }
      linode.power.boot(yield* instanceOf(a!))
      assert.strictEqual(yield* state(a), "present")
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("what a LinodeNodeClass names", () => {
  it.effect("is asked of Linode, once a minute at most; what may not be read is let pass, no answer is no verdict", () => Effect.gen(function*() {
    const { api } = yield* LinodeSimulator
    yield* world.setUp({ tier: "enterprise" })
    yield* world.during((cloud) => Effect.gen(function*() {
      const reasons = (spec: LinodeNodeClass["spec"]) => Effect.map(
        world.play(cloud.validate(world.nodeClass(spec))), ({ issues }) => issues.map(({ reason }) => reason)
      )
      assert.deepStrictEqual(yield* reasons({ firewallID: 1, image: "linode/debian13" }), [])
      const { images } = yield* world.play(cloud.validate(world.nodeClass({ image: "linode/debian13" })))
      assert.deepStrictEqual(images, [{ id: "linode/debian13", label: "debian13" }])
      const wrong = { firewallID: 2, image: "private/5", placementGroup: { id: 6 }, lkeK8sVersion: "v1" }
      const all = ["LKEK8sVersionControlPlaneMismatch", "FirewallNotFound", "ImageNotFound", "PlacementGroupNotFound"]
      assert.deepStrictEqual(yield* reasons(wrong), all)
      const before = api.log.length
      assert.deepStrictEqual(yield* reasons(wrong), all)
      assert.strictEqual(api.log.length, before)
      yield* world.pass("1 minute")
      assert.deepStrictEqual(yield* reasons(wrong), all)
      assert.strictEqual(api.log.length, before + 4)
      const heal = api.faults.on("GET /networking/firewalls/{id}", said(403, "not authorized"), Infinity)
      assert.deepStrictEqual(yield* reasons({ firewallID: 3 }), [])
      heal()
      api.faults.on("GET /images/{id}", { kind: "refused", status: 500 }, Infinity)
      const error = yield* world.play(Effect.flip(cloud.validate(world.nodeClass({ image: "private/7" }))))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
    }))
  }).pipe(Effect.provide(world.outside({ firewalls: [1] }))))
})

describe("an account that is refused", () => {
  /** What 60 claims of 6 kinds ask in ten minutes, as the lifecycle controller lets them. */
  const insist = (cloud: world.Provider) => Effect.gen(function*() {
    const kube = yield* Kube
    const claims = yield* Effect.forEach([0, 1, 2, 3, 4, 5], (kind) =>
      world.addClaims(world.numbered(`k${kind}`, 10), { nodePool: `pool-${kind}` }))
    const errors = new Set<string>()
    const until = (yield* Clock.currentTimeMillis) + 600_000
    yield* world.play(Effect.forEach(claims.flat(), (claim) => Effect.gen(function*() {
      for (let wait = 1_000; (yield* Clock.currentTimeMillis) < until; wait = Math.min(60_000, wait * 2)) {
        const answer = yield* Effect.result(cloud.create(yield* kube.get(NodeClaims, { name: claim.metadata.name })))
        if (answer._tag === "Success") return
        const { reason } = answer.failure
        errors.add(reason._tag === "CreateFailed" ? reason.condition : reason._tag)
        yield* Effect.sleep(wait)
      }
    }), { concurrency: "unbounded" }), "15 minutes", 500)
    return errors
  })

  it.effect("for its limit is asked as one, and asked at once when it has room again", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      linode.accountLimit = 3
      const errors = yield* insist(cloud)
      assert.isTrue(errors.has("AccountLimitReached"))
      assert.isFalse(errors.has("InsufficientCapacity"))
      assert.deepInclude(yield* cloud.accountTrouble, { reason: "AccountLimitReached" })
      assert.match((yield* cloud.accountTrouble)?.message ?? "", /Account Limit reached\. Please open a support ticket\.\. The account may have: Linodes 3$/)
      const buys = api.log.filter(({ method, route }) => method !== "GET" && route.includes("/pools")).length
      assert.isAtMost(buys, 60, "purchases that were tried in ten minutes, of 60 claims that want one every minute")
      assert.lengthOf(yield* world.alive, 2)
      linode.accountLimit = Infinity
      const kube = yield* Kube
      yield* world.pass("2 minutes")
      // One asks; whoever comes before its answer is told the refusal once more, and tries again as the lifecycle does.
      const again = (claim: NodeClaim) => Effect.retry(cloud.create(claim), Schedule.spaced("5 seconds"))
      yield* world.play(Effect.forEach((yield* kube.list(NodeClaims)).items, again, { concurrency: "unbounded" }), "2 minutes", 200)
      assert.lengthOf(yield* world.alive, 60)
      assert.isUndefined(yield* cloud.accountTrouble)
    }))
  }).pipe(Effect.provide(world.outside({
    quotas: [
      { quota_id: "a", quota_name: "Linodes", quota_limit: 3, resource_metric: "linode", region_applied: "us-ord" },
      { quota_id: "b", quota_name: "Linodes elsewhere", quota_limit: 9, resource_metric: "linode", region_applied: "nl-ams" }
    ]
  }))))

  it.effect("for its token is asked as one, and what it wants fails with Linode's words", () => Effect.gen(function*() {
    const { api } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      api.faults.on(() => true, said(401, "Invalid Token"), Infinity)
      const before = yield* calls
      const errors = yield* insist(cloud)
      assert.deepStrictEqual([...errors], ["LinodeAuthFailed"])
      assert.isAtMost((yield* calls) - before, 15, "requests in ten minutes")
      assert.deepInclude(yield* cloud.accountTrouble, { reason: "LinodeAuthFailed" })
      assert.include((yield* cloud.accountTrouble)?.message, "Invalid Token")
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("200 NodeClaims at once", () => {
  it.effect("get their machines, and give them back, within Linode's documented rates", () => Effect.gen(function*() {
    const { api, cloud: linode } = yield* LinodeSimulator
    yield* world.setUp()
    yield* world.during((cloud) => Effect.gen(function*() {
      const names = Array.from({ length: 20 }, (_, kind) => world.numbered(`k${String(kind).padStart(2, "0")}`, 10))
      const claims = yield* Effect.forEach(names, (group, kind) => world.addClaims(group, { nodePool: `pool-${kind}` }))
      yield* world.play(world.createAll(cloud, claims.flat()), "10 minutes", 100)
      assert.lengthOf(yield* world.alive, 200)
      assert.lengthOf(yield* world.everBought, 200)
      assert.strictEqual(yield* refusals, 0, "requests refused for their rate")
      const launch = yield* calls
      assert.isAtMost(launch, 200, "one request for each claim would be the least without sharing")
      yield* world.play(world.deleteAll(cloud, names.flat()), "20 minutes", 100)
      assert.lengthOf(yield* world.alive, 0)
      assert.strictEqual(yield* refusals, 0)
      assert.isAtMost(api.log.filter(({ method, route }) => method === "GET" && route === "/linode/instances/{id}").length, 20)
      assert.isAbove(linode.purchases.length, 200)
    }))
  }).pipe(Effect.provide(world.outside({ rateLimits: documentedLimits }))))
})
