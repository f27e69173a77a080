import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Redacted } from "effect"
import { annotation, label, unregisteredTaint } from "../../src/apis/labels.ts"
import { nodeClassHash } from "../../src/apis/hash.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { CloudError, CloudUnavailable } from "../../src/cloud/cloudProvider.ts"
import { Bootstrap } from "../../src/cloud/instance/bootstrap.ts"
import { machineLabel } from "../../src/cloud/instance/label.ts"
import { clusterTag } from "../../src/cloud/instance/tags.ts"
import { Kube } from "../../src/kube/kube.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import { documentedLimits } from "../../src/simulator/linode/rateLimits.ts"
import * as world from "./instanceWorld.ts"

const { addClaims, adopt, alive, changes, claimOf, createAll, during, everBought, getClaim, identity, intentOf, numbered, pass, play, requests, setUp } = world

const purchase = "POST /linode/instances"
const list = "GET /linode/instances"

const faults = Effect.map(LinodeSimulator, ({ api }) => api.faults)

const labelOf = Effect.fnUntraced(function*(name: string) {
  return machineLabel(yield* identity, yield* getClaim(name))
})

describe("buying Linodes", () => {
  it.effect("buys one for a claim and tells all about it at once", () => Effect.gen(function*() {
    const nodeClass = yield* setUp({ tags: ["team=a"], authorizedKeys: ["ssh-ed25519 AAAA"], firewallID: 3, image: "linode/debian13" })
    const [claim] = yield* addClaims(["general-a"], { labels: { team: "a" }, taints: [{ key: "dedicated", effect: "NoSchedule" }] })
    const machine = yield* during((cloud) => play(cloud.create(claim!)))
    assert.deepStrictEqual(yield* changes, [purchase])
    const [bought] = yield* alive
    assert.strictEqual(machine.providerID, `linode://${bought!.id}`)
    assert.strictEqual(machine.nodeName, bought!.label)
    assert.strictEqual(machine.nodeName, yield* labelOf("general-a"))
    assert.strictEqual(machine.imageID, "linode/debian13")
    assert.deepStrictEqual(machine.annotations, {
      [annotation.nodeClassHash]: nodeClassHash(nodeClass.spec), [annotation.nodeClassHashVersion]: "v1-linode-1",
      [annotation.lastAppliedUserTags]: "[\"team=a\"]"
    })
    assert.include(machine.labels, { [label.instanceType]: "g6-standard-2", [label.zone]: world.region, [label.capacityType]: "on-demand" })
    assert.isAbove(Object.keys(machine.allocatable).length, 2)
    assert.includeMembers([...bought!.tags], [clusterTag(yield* identity), "team=a", "karpenter.sh/nodepool=general", "lke-cluster-name=prod"])
    assert.strictEqual(bought!.firewallId, 3)
  }).pipe(Effect.provide(world.outside())))

  it.effect("puts a machine behind its class's firewall, though the account's new Linodes get interfaces that have their own", () =>
    Effect.gen(function*() {
      yield* setUp({ firewallID: 3 })
      const [claim] = yield* addClaims(["a"])
      yield* during((cloud) => play(cloud.create(claim!)))
      assert.deepStrictEqual((yield* alive).map(({ firewallId }) => firewallId), [3])
    }).pipe(Effect.provide(world.outside({ interfaces: "linode" }))))

  it.effect("gives the node its labels and taints from its first second, with the taint that keeps pods away", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"], { labels: { team: "a" }, taints: [{ key: "dedicated", effect: "NoSchedule" }] })
    const machine = yield* during((cloud) => play(cloud.create(claim!)))
    const [bought] = yield* alive
    const told = JSON.parse(bought!.userData!)
    assert.strictEqual(told.nodeName, machine.nodeName)
    assert.deepStrictEqual(told.labels, { ...machine.labels, ...claim!.metadata.labels })
    assert.deepStrictEqual(told.taints, [{ key: "dedicated", effect: "NoSchedule" }, unregisteredTaint])
  }).pipe(Effect.provide(world.outside())))

  it.effect("asks for no list where nothing was asked of Linode before", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    yield* during((cloud) => play(cloud.create(claim!)))
    assert.notInclude(yield* requests, list)
  }).pipe(Effect.provide(world.outside())))

  it.effect("buys for 50 claims one each, within Linode's rates", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(numbered("claim", 50))
    const machines = yield* during((cloud) => play(createAll(cloud, claims)))
    assert.strictEqual((yield* everBought).length, 50)
    assert.strictEqual(new Set(machines.map(({ providerID }) => providerID)).size, 50)
    assert.isFalse((yield* LinodeSimulator).api.log.some(({ status }) => status === 429))
  }).pipe(Effect.provide(world.outside({ rateLimits: documentedLimits }))))

  it.effect("tells of the machine that a claim has, however often it is asked, and whatever became of its class", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    const first = yield* during((cloud) => play(cloud.create(claim!)))
    const known = yield* adopt("a", first)
    yield* kube.delete(LinodeNodeClasses, { name: "default" })
    const again = yield* during((cloud) => play(Effect.all([cloud.create(claim!), cloud.create(known), cloud.create(known)], { concurrency: 3 })))
    for (const machine of again) assert.strictEqual(machine.providerID, first.providerID)
    assert.deepStrictEqual(yield* changes, [purchase])
  }).pipe(Effect.provide(world.outside())))

  it.effect("shares one list among many claims that ask for the machines that they may have", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(numbered("claim", 20))
    yield* during((cloud) => play(Effect.forEach(claims, (claim) => cloud.create(claim), { concurrency: "unbounded" })))
    yield* during((cloud) => play(Effect.forEach(claims, (claim) => cloud.create(claim), { concurrency: "unbounded" })))
    assert.isAtMost((yield* requests).filter((request) => request === list).length, 3)
    assert.strictEqual((yield* everBought).length, 20)
  }).pipe(Effect.provide(world.outside())))

  it.effect("makes a claim's machine known before anybody said so: by a note, not by a guess", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      assert.isUndefined(cloud.nodeName(claim!))
      const { nodeName } = yield* play(cloud.create(claim!))
      assert.strictEqual(cloud.nodeName(yield* getClaim("a")), nodeName)
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("a request whose answer is lost", () => {
  const losses = [
    ["was carried out", { kind: "lost" }], ["was not carried out", { kind: "lost", acts: false }], ["hangs", { kind: "hung" }],
    ["was answered with an error, and carried out", { kind: "failedAfter" }], ["was answered with nonsense", { kind: "malformed" }],
    ["is carried out later", { kind: "late", afterMillis: 8_000 }], ["is carried out much later", { kind: "late", afterMillis: 100_000 }]
  ] as const
  for (const [when, fault] of losses) {
    it.effect(`comes to one machine when it ${when}`, () => Effect.gen(function*() {
      yield* setUp()
      ;(yield* faults).on(purchase, fault)
      const claims = yield* addClaims(["a", "b"])
      const machines = yield* during((cloud) => play(createAll(cloud, claims)))
      yield* pass("3 minutes")
      assert.strictEqual((yield* alive).length, 2)
      assert.strictEqual((yield* everBought).length, 2)
      assert.deepStrictEqual((yield* alive).map(({ id }) => `linode://${id}`).toSorted(), machines.map(({ providerID }) => providerID!).toSorted())
    }).pipe(Effect.provide(world.outside())))
  }

  const meanwhile = [
    ["its type is sold out by what another claim was told", Effect.fnUntraced(function*(cloud: world.Provider) {
      ;(yield* LinodeSimulator).cloud.soldOut("g6-standard-2", world.region)
      const [other] = yield* addClaims(["b"])
      const error = yield* play(Effect.flip(cloud.create(other!)))
      assert.strictEqual(error.reason._tag, "InsufficientCapacity")
    })],
    ["its class is being edited", () => Effect.flatMap(Kube, (kube) =>
      kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { firewallID: 3 } }, { kind: "merge" }))]
  ] as const
  for (const [what, happens] of meanwhile) {
    it.effect(`keeps its claim waiting while no list may have its machine yet, though ${what}`, () => Effect.gen(function*() {
      yield* setUp()
      ;(yield* faults).on(purchase, { kind: "lost" })
      const [claim] = yield* addClaims(["a"])
      const renewLists = (yield* LinodeSimulator).cloud.ageLists()
      yield* during((cloud) => Effect.gen(function*() {
        yield* play(Effect.flip(cloud.create(claim!)))
        yield* happens(cloud)
        const error = yield* play(Effect.flip(cloud.create(claim!)))
        assert.strictEqual(error.reason._tag, "CloudUnavailable")
        renewLists()
        const { providerID } = yield* play(cloud.create(claim!))
        assert.deepStrictEqual((yield* alive).map(({ id }) => `linode://${id}`), [providerID])
      }))
    }).pipe(Effect.provide(world.outside({ firewalls: [3] }))))

    it.effect(`keeps its claim waiting no longer than a machine may come, where ${what}`, () => Effect.gen(function*() {
      yield* setUp()
      ;(yield* faults).on(purchase, { kind: "lost", acts: false })
      const [claim] = yield* addClaims(["a"])
      yield* during((cloud) => Effect.gen(function*() {
        yield* play(Effect.flip(cloud.create(claim!)))
        yield* happens(cloud)
        yield* pass("3 minutes")
        const error = yield* play(Effect.flip(cloud.create(claim!)))
        assert.include(["InsufficientCapacity", "NodeClassNotReady"], error.reason._tag)
      }))
    }).pipe(Effect.provide(world.outside({ firewalls: [3] }))))
  }

  it.effect("is looked for by its label before anything is sent again", () => Effect.gen(function*() {
    yield* setUp()
    ;(yield* faults).on(purchase, { kind: "lost" })
    const [claim] = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      const error = yield* play(Effect.flip(cloud.create(claim!)))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
      yield* play(cloud.create(claim!))
    }))
    assert.deepStrictEqual(yield* changes, [purchase])
  }).pipe(Effect.provide(world.outside())))

  it.effect("finds the machine that it made when the list has not got it yet: Linode refuses the label", () => Effect.gen(function*() {
    yield* setUp()
    const trouble = yield* faults
    trouble.on(purchase, { kind: "lost" })
    const [claim] = yield* addClaims(["a"])
    const machine = yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.flip(cloud.create(claim!)))
      trouble.on(`GET /linode/instances`, { kind: "answered", status: 200, body: JSON.stringify({ data: [], page: 1, pages: 1, results: 0 }) })
      return yield* play(cloud.create(claim!))
    }))
    const [bought, ...more] = yield* everBought
    assert.deepStrictEqual(more, [])
    assert.strictEqual(machine.nodeName, bought!.name)
    assert.deepInclude(yield* intentOf("a"), { attempts: 1 })
  }).pipe(Effect.provide(world.outside())))

  it.effect("made a machine of the class as it was then, though the class was edited before it was found", () => Effect.gen(function*() {
    const kube = yield* Kube
    const first = yield* setUp({ image: "linode/debian12" })
    ;(yield* faults).on(purchase, { kind: "lost" })
    const [claim] = yield* addClaims(["a"])
    const machine = yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.flip(cloud.create(claim!)))
      yield* kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { image: "linode/debian13" } }, { kind: "merge" })
      return yield* play(cloud.create(claim!))
    }))
    assert.strictEqual(machine.imageID, "linode/debian12")
    assert.strictEqual(machine.annotations[annotation.nodeClassHash], nodeClassHash(first.spec))
  }).pipe(Effect.provide(world.outside())))
})

describe("a label that is taken", () => {
  it.effect("by a Linode that is not this cluster's keeps the claim waiting, and leaves that Linode alone", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    const { cloud: linode } = yield* LinodeSimulator
    const taken = linode.addInstance({ label: yield* labelOf("a"), region: world.region, type: "g6-standard-2", tags: ["lke-cluster-name=prod"] })
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.strictEqual(error.reason._tag, "CloudUnavailable")
    assert.include(error.message, `Linode ${taken.id}`)
    assert.strictEqual(taken.status, "running")
    assert.isUndefined(yield* intentOf("a"))
    assert.deepStrictEqual(yield* everBought, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("by the claim's machine that is being deleted is waited for, then the claim gets another like it", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"], { types: ["g6-standard-2", "g6-standard-4"] })
    const { cloud: linode } = yield* LinodeSimulator
    const soldOut = linode.soldOut("g6-standard-2", world.region)
    yield* during((cloud) => Effect.gen(function*() {
      const first = yield* play(cloud.create(claim!))
      const known = yield* adopt("a", first)
      linode.deleteInstance((yield* alive)[0]!)
      soldOut()
      const error = yield* play(Effect.flip(cloud.create(known)))
      assert.include(error.message, "is being deleted")
      const [second] = yield* play(createAll(cloud, [known]))
      assert.notStrictEqual(second!.providerID, first.providerID)
      assert.strictEqual(second!.nodeName, first.nodeName)
      const told = JSON.parse((yield* alive)[0]!.userData!)
      assert.strictEqual(told.labels[label.instanceType], "g6-standard-4", "what its NodePool's limits are charged for")
      assert.deepInclude(yield* intentOf("a"), { attempts: 2 })
    }))
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("is free again when the machine is gone, but none of another type is bought under it", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"], { types: ["g6-standard-2", "g6-standard-4"] })
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      const known = yield* adopt("a", yield* play(cloud.create(claim!)))
      linode.deleteInstance((yield* alive)[0]!)
      yield* world.pass("1 minute")
      linode.soldOut("g6-standard-2", world.region)
      const error = yield* play(Effect.flip(cloud.create(known)))
      assert.strictEqual(error.reason._tag, "InsufficientCapacity")
    }))
    assert.deepStrictEqual(yield* alive, [])
  }).pipe(Effect.provide(world.outside())))
})

describe("what Linode refuses", () => {
  const two = { types: ["g6-standard-2", "g6-standard-4"] }

  it.effect("is tried with the next type when it is a shortage, and no more with this one", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    linode.soldOut("g6-standard-2", world.region)
    const claims = yield* addClaims(["a", "b"], two)
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(cloud.create(claims[0]!))
      yield* play(cloud.create(claims[1]!))
    }))
    assert.deepStrictEqual((yield* alive).map(({ type }) => type), ["g6-standard-4", "g6-standard-4"])
    assert.strictEqual((yield* changes).length, 3)
    assert.deepInclude(yield* intentOf("a"), { attempts: 1 })
  }).pipe(Effect.provide(world.outside())))

  it.effect("fails for want of capacity when no type is left, and nothing is remembered of it", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    for (const type of two.types) linode.soldOut(type, world.region)
    const [claim] = yield* addClaims(["a"], two)
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.strictEqual(error.reason._tag, "InsufficientCapacity")
    assert.isUndefined(yield* intentOf("a"))
  }).pipe(Effect.provide(world.outside())))

  it.effect("is told as it is when the account is full, asked once for all, and asked anew when a machine went", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(numbered("claim", 12))
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(cloud.create(claims[0]!))
      const errors = yield* play(Effect.forEach(claims.slice(1), (claim) => Effect.flip(cloud.create(claim)), { concurrency: "unbounded" }))
      for (const { reason } of errors) assert.deepInclude(reason, { condition: "AccountLimitReached" })
      assert.strictEqual((yield* cloud.accountTrouble)?.reason, "AccountLimitReached")
      // Those that were under way together were refused together.
      assert.isAtMost((yield* changes).length, 1 + 5)
    }))
    assert.isUndefined(yield* intentOf(claims[11]!.metadata.name))
  }).pipe(Effect.provide(world.outside({ accountLimit: 1 }))))

  it.effect("names the field when the class asks for what is not there, and leaves the price list alone", () => Effect.gen(function*() {
    yield* setUp({ firewallID: 9 })
    const [claim] = yield* addClaims(["a"], two)
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.deepInclude(error.reason, { condition: "InstanceCreationFailed" })
    assert.include(error.message, "firewall_id")
    assert.strictEqual((yield* changes).length, 1)
    assert.isUndefined(yield* intentOf("a"))
  }).pipe(Effect.provide(world.outside({ firewalls: [3] }))))

  it.effect("fails as an authentication failure when the token is", () => Effect.gen(function*() {
    yield* setUp()
    ;(yield* faults).on(purchase, { kind: "answered", status: 401, body: JSON.stringify({ errors: [{ reason: "Invalid Token" }] }) })
    const [claim] = yield* addClaims(["a"])
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.deepInclude(error.reason, { condition: "LinodeAuthFailed" })
  }).pipe(Effect.provide(world.outside())))

  it.effect("is asked again later when there are too many requests", () => Effect.gen(function*() {
    yield* setUp()
    ;(yield* faults).on(purchase, { kind: "refused", status: 429, retryAfterSeconds: 3 })
    const [claim] = yield* addClaims(["a"])
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.deepStrictEqual({ ...error.reason }, { ...new CloudUnavailable({ retryAfterSeconds: 3 }) })
    assert.isUndefined(yield* intentOf("a"))
  }).pipe(Effect.provide(world.outside())))
})

describe("a claim that goes or changes", () => {
  it.effect("gets nothing once it is being deleted", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    yield* kube.delete(NodeClaims, { name: "a" })
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.strictEqual(error.reason._tag, "CloudUnavailable")
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("gets nothing when it is deleted while it waits for its turn", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    const names = numbered("claim", 6)
    const claims = yield* addClaims(names)
    const slow = Layer.succeed(Bootstrap, { userData: () => Effect.delay(Effect.succeed(Redacted.make("#cloud-config")), "5 seconds") })
    yield* world.duringWith(world.programWith({}, slow))((cloud) => play(Effect.all([
      Effect.forEach(claims, (claim) => Effect.exit(cloud.create(claim)), { concurrency: "unbounded" }),
      Effect.delay(kube.delete(NodeClaims, { name: names[5]! }), "2 seconds")
    ], { concurrency: 2 })))
    assert.strictEqual((yield* everBought).length, 5)
    assert.isUndefined(yield* intentOf(names[5]!))
  }).pipe(Effect.provide(world.outside())))

  it.effect("gets nothing when another of its name took its place", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { finalizers: null } }, { kind: "merge" })
    yield* kube.delete(NodeClaims, { name: "a" })
    yield* kube.create(NodeClaims, claimOf("a"))
    yield* during((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("is written to between its reading and the request, and gets its machine all the same", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { annotations: { somebody: "was here" } } }, { kind: "merge" })
    yield* during((cloud) => play(cloud.create(claim!)))
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("gets no second machine when its status names a Linode of somebody else", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    yield* addClaims(["a"])
    const { cloud: linode } = yield* LinodeSimulator
    const foreign = linode.addInstance({ label: "web", region: world.region, type: "g6-standard-2" })
    const claim = yield* kube.patch(NodeClaims, { name: "a" }, { status: { providerID: `linode://${foreign.id}` } }, { kind: "merge", subresource: "status" })
    const error = yield* during((cloud) => play(Effect.flip(cloud.create(claim))))
    assert.include(error.message, "does not carry the tag")
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))
})

describe("user data", () => {
  const failing = Layer.succeed(Bootstrap, {
    userData: () => Effect.fail(new CloudError({ operation: "bootstrap", detail: "the cluster does not tell how to be joined", reason: new CloudUnavailable({}) }))
  })
  it.effect("that cannot be made keeps the claim waiting, and nothing is in doubt", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    const error = yield* world.duringWith(world.programWith({}, failing))((cloud) => play(Effect.flip(cloud.create(claim!))))
    assert.strictEqual(error.reason._tag, "CloudUnavailable")
    assert.deepStrictEqual(yield* changes, [])
    assert.isUndefined(yield* intentOf("a"))
  }).pipe(Effect.provide(world.outside())))

  it.effect("that takes too long to make is not sent", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    const never = Layer.effect(Bootstrap, Effect.map(Deferred.make<Redacted.Redacted>(), (made) => ({ userData: () => Deferred.await(made) })))
    yield* world.duringWith(world.programWith({}, never))((cloud) => Effect.gen(function*() {
      const error = yield* play(Effect.flip(cloud.create(claim!)))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
    }))
    assert.deepStrictEqual(yield* changes, [])
    assert.isUndefined(yield* intentOf("a"))
  }).pipe(Effect.provide(world.outside())))
})
