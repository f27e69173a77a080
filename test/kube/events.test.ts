import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { layer, Recorder } from "../../src/kube/events.ts"
import type { EventInput } from "../../src/kube/events.ts"
import { Kube } from "../../src/kube/kube.ts"
import { Denied, KubeError } from "../../src/kube/kubeError.ts"
import type { Event, KubeObject } from "../../src/kube/objects.ts"

const node: KubeObject = { apiVersion: "v1", kind: "Node", metadata: { name: "n1", uid: "u1" } }
const pod: KubeObject = { apiVersion: "v1", kind: "Pod", metadata: { name: "p1", namespace: "apps", uid: "u2" } }
const event = (more: Partial<EventInput> = {}): EventInput =>
  ({ object: node, type: "Normal", reason: "DisruptionBlocked", message: "m", dedupe: ["u1"], ...more })

const fixture = (create?: (n: number) => Effect.Effect<void, KubeError>) => {
  const sent: Array<Event> = []
  let calls = 0
  const kube = Layer.mock(Kube, {
    create: <A extends KubeObject>(_: unknown, object: A) => Effect.andThen(create?.(calls++) ?? Effect.void, Effect.sync(() => {
      sent.push(object as unknown as Event)
      return object
    }))
  })
  return { sent, layer: layer.pipe(Layer.provide(kube)) }
}
const publish = (input: EventInput) => Effect.flatMap(Recorder, (recorder) => recorder.publish(input))
const settle = TestClock.adjust("1 millis")

it.effect("an event names its object and comes from karpenter", () => {
  const { layer, sent } = fixture()
  return Effect.gen(function*() {
    yield* publish(event({ object: pod, type: "Warning", reason: "FailedScheduling", message: "no room" }))
    yield* settle
    assert.lengthOf(sent, 1)
    assert.deepInclude(sent[0], {
      type: "Warning",
      reason: "FailedScheduling",
      message: "no room",
      involvedObject: { apiVersion: "v1", kind: "Pod", name: "p1", namespace: "apps", uid: "u2" },
      source: { component: "karpenter" },
      reportingComponent: "karpenter",
      firstTimestamp: "1970-01-01T00:00:00Z"
    })
    assert.strictEqual(sent[0]?.metadata.namespace, "apps")
  }).pipe(Effect.provide(layer))
})

it.effect("an event of a cluster-scoped object is put into the namespace default", () => {
  const { layer, sent } = fixture()
  return Effect.gen(function*() {
    yield* publish(event())
    yield* settle
    assert.strictEqual(sent[0]?.metadata.namespace, "default")
    assert.notProperty(sent[0]?.involvedObject, "namespace")
  }).pipe(Effect.provide(layer))
})

it.effect("the same reason and values are published once per window, whatever the message says", () => {
  const { layer, sent } = fixture()
  return Effect.gen(function*() {
    yield* publish(event({ message: "one" }))
    yield* publish(event({ message: "two" }))
    yield* publish(event({ dedupe: ["other"] }))
    yield* publish(event({ reason: "Unconsolidatable" }))
    yield* TestClock.adjust("119 seconds")
    yield* publish(event())
    assert.lengthOf(sent, 3)
    yield* TestClock.adjust("2 seconds")
    yield* publish(event())
    yield* settle
    assert.lengthOf(sent, 4)
  }).pipe(Effect.provide(layer))
})

it.effect("an event may have a window of its own", () => {
  const { layer, sent } = fixture()
  return Effect.gen(function*() {
    yield* publish(event({ dedupeFor: "15 minutes" }))
    yield* TestClock.adjust("14 minutes")
    yield* publish(event({ dedupeFor: "15 minutes" }))
    yield* TestClock.adjust("2 minutes")
    yield* publish(event({ dedupeFor: "15 minutes" }))
    yield* settle
    assert.lengthOf(sent, 2)
  }).pipe(Effect.provide(layer))
})

it.effect("an event without dedupe values is published every time", () => {
  const { layer, sent } = fixture()
  return Effect.gen(function*() {
    yield* publish(event({ dedupe: [] }))
    yield* publish(event({ dedupe: [] }))
    yield* settle
    assert.lengthOf(sent, 2)
  }).pipe(Effect.provide(layer))
})

it.effect("rate limited events share ten at once and five a second, and the dropped ones have used their window", () => {
  const { layer, sent } = fixture()
  const nominated = (n: number) => publish(event({ object: pod, reason: "Nominated", dedupe: [`pod-${n}`], rateLimited: true }))
  return Effect.gen(function*() {
    for (let n = 0; n < 30; n++) yield* nominated(n)
    yield* TestClock.adjust("1 second")
    assert.lengthOf(sent, 10)
    for (let n = 0; n < 60; n++) yield* nominated(n)
    yield* settle
    assert.lengthOf(sent, 15)
    yield* publish(event())
    yield* settle
    assert.lengthOf(sent, 16)
  }).pipe(Effect.provide(layer))
})

it.effect("what the server refuses is dropped, and the next event goes out", () => {
  const refuse = Effect.fail(new KubeError({ request: "POST", status: 403, detail: "", reason: new Denied() }))
  const { layer, sent } = fixture((n) => n === 0 ? refuse : n === 1 ? Effect.die("bug") : Effect.void)
  return Effect.gen(function*() {
    for (const value of ["a", "b", "c"]) yield* publish(event({ dedupe: [value] }))
    yield* settle
    assert.lengthOf(sent, 1)
  }).pipe(Effect.provide(layer))
})

it.effect("publishing does not wait for a server that hangs, and what is too much is dropped", () => {
  const { layer, sent } = fixture(() => Effect.never)
  return Effect.gen(function*() {
    for (let n = 0; n < 3000; n++) yield* publish(event({ dedupe: [] }))
    yield* settle
    assert.lengthOf(sent, 0)
  }).pipe(Effect.provide(layer))
})
