import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { Linode } from "../../src/linode/linode.ts"
import type { LinodeError } from "../../src/linode/linodeError.ts"
import * as live from "../../src/linode/live.ts"
import type { NewInstance } from "../../src/linode/models.ts"
import { type LinodeCall, LinodeCalls, Transport } from "../../src/linode/options.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"
import { LinodeSimulator, layer as simulatorLayer } from "../../src/simulator/linode/linodeSimulator.ts"
import { transport } from "../../src/simulator/linode/transport.ts"
import { overHttp, token, world } from "./support.ts"

const route = "POST /linode/instances"
const password = "Pass1-word2+of/a machine"
const secretLine = "join --token abcdef.0123456789abcdef"
const userData = `#cloud-config\nruncmd:\n  - ${secretLine}\n`
const encoded = Buffer.from(userData).toString("base64")

const machine = (change: Partial<NewInstance> = {}): NewInstance => ({
  label: "claim-1-0a1b2c3d", type: "g6-standard-2", region: "us-ord", image: "linode/ubuntu22.04", tags: ["kubernetes.io/cluster/a=owned"],
  root_pass: Redacted.make(password), user_data: Redacted.make(userData), ...change
})
const said = (status: number, reason: string, field?: string): Fault => ({
  kind: "answered", status, body: JSON.stringify({ errors: [{ reason, field }] })
})

/** Whatever prints the error, no secret is in it, nor a part of one. */
const assertSecret = (error: LinodeError) => {
  const texts = [
    String(error), JSON.stringify(error), inspect(error, { depth: 20, showHidden: true }), error.stack ?? "",
    Cause.pretty(Cause.fail(error)), JSON.stringify(Exit.fail(error))
  ]
  const secrets = [token, password, "0123456789abcdef", encoded, encoded.slice(8, 40)]
  for (const text of texts) for (const secret of secrets) assert.notInclude(text, secret)
}

describe("a Linode of our own", () => {
  it.live("is made with all that can be said of it, found by its label, and deleted", () => Effect.gen(function*() {
    const { cloud } = yield* world()
    const linode = yield* Linode
    const made = yield* linode.createInstance(machine({
      authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEx me@home"], authorized_users: ["me"], backups_enabled: true,
      disk_encryption: "enabled", swap_size: 256, firewall_id: 12, placement_group: { id: 7, compliant_only: true }
    }))
    assert.containsSubset(made, { label: "claim-1-0a1b2c3d", status: "provisioning", type: "g6-standard-2", lke_cluster_id: null })
    assert.containsSubset(cloud.instances.get(made.id), { userData, firewallId: 12, placementGroupId: 7, image: "linode/ubuntu22.04" })
    assert.deepStrictEqual((yield* linode.instancesByLabel(made.label)).map(({ id }) => id), [made.id])
    assert.deepStrictEqual(yield* linode.instancesByLabel("claim-1-0a1b2c3"), [])
    assert.deepStrictEqual((yield* linode.instances(["kubernetes.io/cluster/a=owned"])).map(({ id }) => id), [made.id])
    yield* linode.deleteInstance(made.id)
    assert.strictEqual((yield* linode.instance(made.id)).status, "deleting")
    assert.strictEqual(cloud.hourlyPrice, 0)
  }).pipe(Effect.provide(overHttp({
    simulator: {
      placementGroups: [{
        id: 7, label: "g", region: "us-ord", placement_group_type: "anti_affinity:local", placement_group_policy: "strict", members: []
      }]
    }
  }))))

  it.live("with the smallest order passes the client's own check, and sends nothing that was not asked for", () => Effect.gen(function*() {
    const { api } = yield* world()
    yield* (yield* Linode).createInstance(machine())
    assert.deepStrictEqual(JSON.parse(api.log.at(-1)!.body), {
      label: "claim-1-0a1b2c3d", type: "g6-standard-2", region: "us-ord", image: "linode/ubuntu22.04",
      tags: ["kubernetes.io/cluster/a=owned"], root_pass: password, metadata: { user_data: encoded }
    })
  }).pipe(Effect.provide(overHttp())))
})

describe("an order of a Linode that is refused", () => {
  const quoted = `line 3: "${secretLine}" of ${encoded.slice(0, 48)}, password ${password}`
  const cases: ReadonlyArray<readonly [string, Fault, object]> = [
    ["for its label", said(400, "Label must be unique among your linodes", "label"), { _tag: "Validation", field: "label" }],
    ["for a type that is sold out", said(400, "The selected plan is currently unavailable", "type"), { _tag: "Capacity" }],
    ["for a region that is full", said(400, "No room", "region"), { _tag: "Capacity" }],
    ["for nothing in particular", said(400, "Not today"), { _tag: "Capacity" }],
    ["for the account", said(400, "Account Limit reached. Please open a support ticket."), { _tag: "Quota" }],
    ["for its image", said(400, "image is not valid", "image"), { _tag: "Validation", field: "image" }],
    ["for its firewall", said(400, "firewall_id is not valid", "firewall_id"), { _tag: "Validation", field: "firewall_id" }],
    ["for its placement group", said(400, "full", "placement_group.id"), { _tag: "Validation", field: "placement_group.id" }],
    ["for its user data, which is quoted", said(400, quoted, "metadata.user_data"), { _tag: "Validation", field: "metadata.user_data" }],
    ["with its password quoted", said(400, `${password} is weak`, "root_pass"), { _tag: "Validation", field: "root_pass" }],
    ["by a 500 that quotes", said(500, quoted), { _tag: "Transient", outcomeUnknown: true }],
    ["by a reply that quotes", { kind: "answered", status: 200, body: JSON.stringify({ id: quoted }) }, { _tag: "Decode" }],
    ["by silence", { kind: "lost" }, { _tag: "Transient", outcomeUnknown: true }]
  ]
  for (const [name, fault, reason] of cases) {
    it.live(`${name} is ${JSON.stringify(reason)}, and no error has its secrets`, () => Effect.gen(function*() {
      const { api } = yield* world()
      api.faults.on(route, fault)
      const error = yield* Effect.flip((yield* Linode).createInstance(machine()))
      assert.containsSubset(error.reason, reason)
      assert.strictEqual(error.route, route)
      assertSecret(error)
    }).pipe(Effect.provide(overHttp())))
  }

  it.live("keeps the words that say what is wrong", () => Effect.gen(function*() {
    const { api } = yield* world()
    api.faults.on(route, said(400, `Invalid ${secretLine}`, "metadata.user_data"))
    const error = yield* Effect.flip((yield* Linode).createInstance(machine()))
    assert.strictEqual(error.detail, "metadata.user_data: Invalid join --token abcdef.<redacted>")
  }).pipe(Effect.provide(overHttp())))

  const unsent: ReadonlyArray<readonly [string, Partial<NewInstance>, string]> = [
    ["a label", { label: "a".repeat(65) }, "label"],
    ["a password", { root_pass: Redacted.make("") }, "root_pass"],
    ["a swap disk", { swap_size: "0123456789abcdef" as unknown as number }, "swap_size"]
  ]
  for (const [name, change, field] of unsent) {
    it.live(`before it is sent, for ${name}, has no secrets in its error either`, () => Effect.gen(function*() {
      const { api } = yield* world()
      const error = yield* Effect.flip((yield* Linode).createInstance(machine(change)))
      assert.deepStrictEqual([error.reason._tag, error.status, api.calls()[route]], ["Validation", 0, undefined], error.message)
      assert.include(error.detail, field)
      assertSecret(error)
    }).pipe(Effect.provide(overHttp())))
  }
})

it.live("what is told of an exchange has no secrets", () => {
  const calls: Array<LinodeCall> = []
  return Effect.gen(function*() {
    yield* world()
    yield* (yield* Linode).createInstance(machine())
    assert.deepStrictEqual(calls.map(({ kind, method, route, status }) => [method, route, kind, status]), [["POST", "/linode/instances", "creations", 200]])
    assert.notInclude(JSON.stringify(calls), "0123456789abcdef")
  }).pipe(Effect.provide(overHttp()), Effect.provideService(LinodeCalls, (call: LinodeCall) => calls.push(call)))
})

const inProcess = Layer.unwrap(Effect.map(LinodeSimulator, ({ api }) =>
  live.layer({ token: Redacted.make("simulated-token") }).pipe(Layer.provide(Layer.succeed(Transport, transport(api))))
)).pipe(Layer.provideMerge(simulatorLayer()), Layer.orDie)

it.effect("of a hundred orders at once none is refused, and what waits for more than 15 seconds is never sent", () => Effect.gen(function*() {
  const { api, cloud } = yield* world()
  const linode = yield* Linode
  const buy = (_: unknown, i: number) => linode.createInstance(machine({ label: `claim-${i}` })).pipe(
    Effect.as("made"), Effect.catch((error) => Effect.succeed(error.detail)),
    Effect.zip(Clock.currentTimeMillis)
  )
  const all = yield* Effect.forkChild(Effect.all(Array.from({ length: 100 }, buy), { concurrency: "unbounded" }))
  while (all.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  const results = yield* Fiber.join(all)
  const made = results.filter(([text]) => text === "made").length
  assert.isAbove(made, 15)
  assert.strictEqual(cloud.machines().length, made)
  assert.isTrue(api.log.every(({ at, status }) => status === 200 && at <= 15_000))
  assert.deepStrictEqual([...new Set(results.map(([text]) => text).filter((text) => text !== "made"))], ["not sent: there was no turn within 15 s"])
}).pipe(Effect.provide(inProcess)))
