import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation } from "../../src/apis/labels.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { machineLabel } from "../../src/cloud/instance/label.ts"
import { clusterTag } from "../../src/cloud/instance/tags.ts"
import { Kube } from "../../src/kube/kube.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./instanceWorld.ts"
import * as lkeWorld from "./lkeWorld.ts"

const { addClaims, adopt, alive, changes, createAll, deleteAll, during, everBought, getClaim, identity, intentOf, numbered, pass, play, requests, setUp } = world

const purchase = "POST /linode/instances"
const removal = "DELETE /linode/instances/{id}"

const faults = Effect.map(LinodeSimulator, ({ api }) => api.faults)

/** Marks the claim as being deleted, and gives it back as it is then. */
const sentence = (name: string) => Effect.gen(function*() {
  yield* (yield* Kube).delete(NodeClaims, { name })
  return yield* getClaim(name)
})

/** Takes the finalizers off, as a user may. */
const forget = (name: string) => Effect.gen(function*() {
  const kube = yield* Kube
  yield* kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" })
  yield* kube.delete(NodeClaims, { name })
})

describe("giving Linodes back", () => {
  it.effect("deletes the claim's machine, and says that it is gone when it is", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a", "b"])
    yield* during((cloud) => Effect.gen(function*() {
      const machines = yield* play(createAll(cloud, claims))
      const doomed = yield* sentence("a")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "terminating")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "terminating")
      yield* pass("1 minute")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "gone")
      assert.deepStrictEqual((yield* alive).map(({ id }) => `linode://${id}`), [machines[1]!.providerID])
    }))
    assert.deepStrictEqual(yield* changes, [purchase, purchase, removal])
  }).pipe(Effect.provide(world.outside())))

  it.effect("says at once that a claim for which nothing was asked has nothing, and asks for nothing", () => Effect.gen(function*() {
    yield* setUp()
    yield* addClaims(["a"])
    const doomed = yield* sentence("a")
    const before = (yield* requests).length
    yield* during((cloud) => Effect.gen(function*() {
      assert.strictEqual(yield* play(cloud.delete(doomed)), "gone")
    }))
    assert.notInclude((yield* requests).slice(before), "GET /linode/instances")
  }).pipe(Effect.provide(world.outside())))

  it.effect("gives 30 back with few lists", () => Effect.gen(function*() {
    yield* setUp()
    const names = numbered("claim", 30)
    const claims = yield* addClaims(names)
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const before = (yield* requests).length
      yield* play(deleteAll(cloud, names))
      assert.isAtMost((yield* requests).slice(before).filter((request) => request === "GET /linode/instances").length, 12)
    }))
    assert.deepStrictEqual(yield* alive, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("does not touch the machine of a claim that lives", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const error = yield* play(Effect.flip(cloud.delete(yield* getClaim("a"))))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
    }))
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  const losses = [{ kind: "lost" }, { kind: "lost", acts: false }, { kind: "failedAfter" }, { kind: "refused", status: 503 }, { kind: "late", afterMillis: 9_000 }] as const
  for (const fault of losses) {
    it.effect(`goes on until it is proven when the request meets ${JSON.stringify(fault)}`, () => Effect.gen(function*() {
      yield* setUp()
      const claims = yield* addClaims(["a"])
      ;(yield* faults).on(removal, fault)
      yield* during((cloud) => Effect.gen(function*() {
        yield* play(createAll(cloud, claims))
        yield* play(deleteAll(cloud, ["a"]))
      }))
      assert.deepStrictEqual(yield* alive, [])
    }).pipe(Effect.provide(world.outside())))
  }

  it.effect("never deletes what does not carry this cluster's tag, whatever a claim says: the claim loses only itself", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    yield* addClaims(["a", "b"])
    const { cloud: linode } = yield* LinodeSimulator
    const add = (label: string, tags: ReadonlyArray<string>) => linode.addInstance({ label, region: world.region, type: "g6-standard-2", tags })
    const foreign = add("web", ["lke-cluster-name=prod", "kubernetes.io/cluster/prod=owned"])
    const another = add("general-x", ["lke-cluster-name=prod", clusterTag("fedcba9876543210")])
    for (const [name, { id }] of [["a", foreign], ["b", another]] as const) {
      yield* kube.patch(NodeClaims, { name }, { status: { providerID: `linode://${id}` } }, { kind: "merge", subresource: "status" })
    }
    yield* during((cloud) => Effect.gen(function*() {
      for (const name of ["a", "b"]) assert.strictEqual(yield* play(cloud.delete(yield* sentence(name))), "gone")
    }))
    assert.deepStrictEqual(yield* changes, [])
    assert.deepStrictEqual([foreign.status, another.status], ["running", "running"])
  }).pipe(Effect.provide(world.outside())))

  for (const known of [true, false]) {
    it.effect(`takes a machine whose tags somebody took off, ${known ? "by its id" : "by its label alone"}`, () => Effect.gen(function*() {
      yield* setUp()
      const claims = yield* addClaims(["a"])
      yield* during((cloud) => Effect.gen(function*() {
        yield* play(known ? createAll(cloud, claims) : Effect.all([cloud.create(claims[0]!)]))
        for (const instance of (yield* LinodeSimulator).cloud.instances.values()) instance.tags = []
        yield* play(deleteAll(cloud, ["a"]))
      }))
      assert.deepStrictEqual(yield* alive, [])
    }).pipe(Effect.provide(world.outside())))
  }

  it.effect("takes the second machine of a claim, whose tags somebody took off, though the claim names the first", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      const known = yield* adopt("a", yield* play(cloud.create(claim!)))
      linode.deleteInstance((yield* alive)[0]!)
      yield* play(lkeWorld.createAll(cloud, [known]))
      for (const instance of linode.instances.values()) instance.tags = []
      yield* play(deleteAll(cloud, ["a"]))
    }))
    assert.deepStrictEqual(yield* alive, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("keeps a claim that was bought through LKE, whose node would be paid for and forgotten", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    yield* addClaims(["a"])
    yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { annotations: { [annotation.lkePoolKey]: "k" } } }, { kind: "merge" })
    yield* kube.patch(NodeClaims, { name: "a" }, { status: { providerID: "linode://5" } }, { kind: "merge", subresource: "status" })
    const doomed = yield* sentence("a")
    yield* during((cloud) => Effect.gen(function*() {
      const error = yield* play(Effect.flip(cloud.delete(doomed)))
      assert.include(error.message, "mode lke")
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("leaves the machine of another claim alone, though a claim's status names it", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* setUp()
    const claims = yield* addClaims(["a", "b"])
    yield* during((cloud) => Effect.gen(function*() {
      const [machine] = yield* play(createAll(cloud, claims.slice(0, 1)))
      yield* kube.patch(NodeClaims, { name: "b" }, { status: { providerID: machine!.providerID } }, { kind: "merge", subresource: "status" })
      assert.strictEqual(yield* play(cloud.delete(yield* sentence("b"))), "gone")
    }))
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))
})

describe("a claim that is deleted while a request is in doubt", () => {
  it.effect("takes the machine with it that a late request makes", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    ;(yield* faults).on(purchase, { kind: "late", afterMillis: 100_000 })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.flip(cloud.create(claims[0]!)))
      const doomed = yield* sentence("a")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "waiting")
      yield* play(deleteAll(cloud, ["a"]))
    }))
    yield* pass("5 minutes")
    assert.strictEqual((yield* everBought).length, 1)
    assert.deepStrictEqual(yield* alive, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("does not wait for a request that has been carried out, as its machine shows", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    ;(yield* faults).on(purchase, { kind: "lost" })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.flip(cloud.create(claims[0]!)))
      const [bought] = yield* alive
      const doomed = yield* sentence("a")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "terminating")
      assert.deepInclude(yield* intentOf("a"), { attempts: 1, machine: bought!.id })
      yield* pass("30 seconds")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "gone")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("shares one list with many others, which finds machines whose tags somebody took off", () => Effect.gen(function*() {
    yield* setUp()
    const names = numbered("claim", 10)
    const claims = yield* addClaims(names)
    const trouble = yield* faults
    for (let i = 0; i < names.length; i++) trouble.on(purchase, { kind: "lost", acts: i < 3 })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.forEach(claims, (claim) => Effect.flip(cloud.create(claim)), { concurrency: "unbounded" }))
      for (const instance of (yield* LinodeSimulator).cloud.instances.values()) instance.tags = []
      const doomed = yield* Effect.forEach(names, sentence)
      const before = (yield* requests).length
      const told = yield* play(Effect.forEach(doomed, (claim) => cloud.delete(claim), { concurrency: "unbounded" }))
      const asked = (yield* requests).slice(before)
      assert.strictEqual(asked.filter((request) => request === "GET /linode/instances").length, 2)
      assert.deepStrictEqual([...told].sort(), [...Array(3).fill("terminating"), ...Array(7).fill("waiting")])
      yield* play(deleteAll(cloud, names))
    }))
    assert.deepStrictEqual([(yield* everBought).length, yield* alive], [3, []])
  }).pipe(Effect.provide(world.outside())))

  it.effect("is not done with a machine that it found, though somebody took its tags off since and its deletion failed", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    ;(yield* faults).on(purchase, { kind: "lost" })
    ;(yield* faults).on(removal, { kind: "refused", status: 503 })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.flip(cloud.create(claims[0]!)))
      const doomed = yield* sentence("a")
      yield* play(Effect.exit(cloud.delete(doomed)))
      for (const instance of (yield* LinodeSimulator).cloud.instances.values()) instance.tags = []
      yield* play(deleteAll(cloud, ["a"]))
    }))
    assert.deepStrictEqual(yield* alive, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("waits for the second of two requests, though the first was carried out", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    const trouble = yield* faults
    trouble.on(purchase, { kind: "lost", acts: false })
    trouble.on(purchase, { kind: "late", afterMillis: 60_000 })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(Effect.flip(cloud.create(claims[0]!)))
      yield* play(Effect.flip(cloud.create(claims[0]!)))
      yield* play(createAll(cloud, claims))
      const doomed = yield* sentence("a")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "terminating")
      yield* pass("20 seconds")
      assert.strictEqual(yield* play(cloud.delete(doomed)), "waiting")
      yield* pass("1 minute")
      yield* play(deleteAll(cloud, ["a"]))
    }))
    yield* pass("5 minutes")
    assert.deepStrictEqual(yield* alive, [])
    assert.strictEqual((yield* everBought).length, 2)
  }).pipe(Effect.provide(world.outside())))
})

describe("machines without a claim", () => {
  it.effect("are given back after four minutes, those of claims never", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a", "b"])
    yield* during((cloud) => Effect.gen(function*() {
      const machines = yield* play(createAll(cloud, claims))
      yield* forget("a")
      yield* play(cloud.collectGarbage)
      yield* pass("230 seconds")
      yield* play(cloud.collectGarbage)
      assert.strictEqual((yield* alive).length, 2)
      yield* pass("10 seconds")
      yield* play(cloud.collectGarbage)
      assert.deepStrictEqual((yield* alive).map(({ id }) => `linode://${id}`), [machines[1]!.providerID])
      yield* pass("10 minutes")
      yield* play(cloud.collectGarbage)
      assert.strictEqual((yield* alive).length, 1)
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("are not those of a claim that has not got to say so", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(cloud.create(claims[0]!))
      for (let i = 0; i < 3; i++) {
        yield* play(cloud.collectGarbage)
        yield* pass("4 minutes")
      }
    }))
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("are counted anew by a new process", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      yield* forget("a")
      yield* play(cloud.collectGarbage)
    }))
    yield* pass("5 minutes")
    yield* during((cloud) => play(cloud.collectGarbage))
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("are never another cluster's, nor anybody else's, though they carry our cluster's name", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const foreign = [["lke-cluster-name=prod"], [clusterTag("fedcba9876543210"), "kubernetes.io/cluster/prod=owned"], []].map((tags, i) =>
      linode.addInstance({ label: `other-${i}`, region: world.region, type: "g6-standard-2", tags }))
    yield* during((cloud) => Effect.gen(function*() {
      for (let i = 0; i < 3; i++) {
        yield* play(cloud.collectGarbage)
        yield* pass("5 minutes")
      }
    }))
    assert.deepStrictEqual(foreign.map(({ status }) => status), ["running", "running", "running"])
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("that cannot be deleted do not keep the others from going", () => Effect.gen(function*() {
    yield* setUp()
    const names = ["a", "b", "c"]
    const claims = yield* addClaims(names)
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      yield* Effect.forEach(names, forget)
      yield* play(cloud.collectGarbage)
      yield* pass("4 minutes")
      ;(yield* faults).on(removal, { kind: "refused", status: 500 })
      const error = yield* play(Effect.flip(cloud.collectGarbage))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
      assert.strictEqual((yield* alive).length, 1)
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("whether a claim's machine exists", () => {
  it.effect("is said by Linode: present, stopped when it is down for long, gone when its id is unknown", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const claim = yield* getClaim("a")
      yield* pass("2 minutes")
      assert.strictEqual(yield* play(cloud.exists(claim)), "present")
      const [bought] = yield* alive
      linode.power.shutDown(bought!)
      yield* pass("1 minute")
      assert.strictEqual(yield* play(cloud.exists(claim)), "present")
      yield* pass("4 minutes")
      assert.strictEqual(yield* play(cloud.exists(claim)), "stopped")
      linode.deleteInstance(bought!)
      yield* pass("1 minute")
      assert.strictEqual(yield* play(cloud.exists(claim)), "gone")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("is no matter of an old outage: one that is down for a moment, and again hours later, is not stopped", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const state = Effect.flatMap(getClaim("a"), (claim) => play(cloud.exists(claim)))
      yield* pass("2 minutes")
      const [bought] = yield* alive
      linode.power.shutDown(bought!)
      yield* pass("1 minute")
      assert.strictEqual(yield* state, "present")
      linode.power.boot(bought!)
      yield* pass("1 hour")
      linode.power.shutDown(bought!)
      yield* pass("1 minute")
      assert.strictEqual(bought!.status, "offline")
      for (const expected of ["present", "present", "stopped"] as const) {
        assert.strictEqual(yield* state, expected)
        yield* pass("2 minutes")
      }
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("is found by its label where the claim does not name it, and not denied while a request is in doubt", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    ;(yield* faults).on(purchase, { kind: "late", afterMillis: 60_000 })
    yield* during((cloud) => Effect.gen(function*() {
      assert.strictEqual(yield* play(cloud.exists(claims[0]!)), "gone")
      yield* play(Effect.flip(cloud.create(claims[0]!)))
      assert.strictEqual(yield* play(cloud.exists(claims[0]!)), "present")
      yield* pass("4 minutes")
      assert.strictEqual((yield* alive).length, 1)
      assert.strictEqual(yield* play(cloud.exists(claims[0]!)), "present")
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("an account with clusters of one name", () => {
  it.effect("has machines of each that the other does not see: the label and the tag are made of what each cluster is", () => Effect.gen(function*() {
    yield* setUp()
    const [claim] = yield* addClaims(["a"])
    const own = yield* identity
    const { cloud: linode } = yield* LinodeSimulator
    const twin = linode.addInstance({
      label: machineLabel("fedcba9876543210", claim!), region: world.region, type: "g6-standard-2",
      tags: [clusterTag("fedcba9876543210"), "lke-cluster-name=prod", "karpenter.sh/nodepool=general"]
    })
    yield* during((cloud) => Effect.gen(function*() {
      const machine = yield* play(cloud.create(claim!))
      assert.notStrictEqual(machine.providerID, `linode://${twin.id}`)
      assert.strictEqual(machine.nodeName, machineLabel(own, claim!))
    }))
    assert.strictEqual(twin.status, "running")
  }).pipe(Effect.provide(world.outside())))
})
