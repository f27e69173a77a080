import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { pendingAttachments } from "../../../src/controllers/node/attachments.ts"
import { Kube } from "../../../src/kube/kube.ts"
import type { PersistentVolumeClaim, Pod, VolumeAttachment } from "../../../src/kube/objects.ts"
import { PersistentVolumeClaims, VolumeAttachments } from "../../../src/kube/resources.ts"
import {
  claim, condition, deleteNode, eventsOn, FakeCloud, finishPod, inWorld, node, runPod, seconds, start, statusOf
} from "../nodeclaim/support.ts"
import { nodeName, podHere, readyNode } from "./support.ts"

const attachment = (name: string, volume: string | undefined = name): VolumeAttachment => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "VolumeAttachment",
  metadata: { name },
  spec: { attacher: "linodebs.csi.linode.com", nodeName, source: volume === undefined ? {} : { persistentVolumeName: volume } }
})
const volumeClaim = (name: string, volumeName: string): PersistentVolumeClaim => ({
  apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name, namespace: "default" }, spec: { volumeName }
})
const using = (name: string, volume: object, spec: Partial<Pod["spec"]> = {}): Pod =>
  podHere(name, { spec: { volumes: [{ name: "data", ...volume }], ...spec } })
/** Would come straight back to a node that is being drained. */
const staying = { tolerations: [{ operator: "Exists" }] }

describe("volumes to wait for", () => {
  const claims = new Map([["mine", volumeClaim("mine", "pv-1")], ["agent-data", volumeClaim("agent-data", "pv-1")]])
  const pending = (attachments: ReadonlyArray<VolumeAttachment>, pods: ReadonlyArray<Pod>) =>
    pendingAttachments(attachments, pods, ({ name }) => claims.get(name), start).map(({ metadata }) => metadata.name)
  const persistent = { persistentVolumeClaim: { claimName: "mine" } }
  it.each<[string, ReadonlyArray<VolumeAttachment>, ReadonlyArray<Pod>, ReadonlyArray<string>]>([
    ["those whose pods have left", [attachment("pv-1"), attachment("pv-2")], [], ["pv-1", "pv-2"]],
    ["none that is no PersistentVolume", [{ ...attachment("inline"), spec: { ...attachment("inline").spec, source: {} } }], [], []],
    ["none of a pod that stays", [attachment("pv-1"), attachment("pv-2")], [using("agent", persistent, staying)], ["pv-2"]],
    ["none of its ephemeral volumes either", [attachment("pv-1")], [using("agent", { ephemeral: {} }, staying)], []],
    ["those of a pod that leaves", [attachment("pv-1")], [using("web", persistent)], ["pv-1"]],
    ["those of a pod whose claim is gone", [attachment("pv-1")],
      [using("agent", { persistentVolumeClaim: { claimName: "gone" } }, staying)], ["pv-1"]]
  ])("%s", (_, attachments, pods, expected) => {
    assert.deepStrictEqual(pending(attachments, pods), expected)
  })
})

const attach = (name: string) => Kube.use((kube) => kube.create(VolumeAttachments, attachment(name)))
const detach = (name: string) => Kube.use((kube) => kube.delete(VolumeAttachments, { name }))
const deletions = Effect.map(FakeCloud, (cloud) => cloud.calls.filter((call) => call.startsWith("delete")).length)

describe("a node with volumes", () => {
  it.effect("keeps its machine until they are detached", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("db"))
    yield* attach("pv-1")
    yield* deleteNode(nodeName)
    yield* seconds(2)
    assert.isUndefined(yield* statusOf("a", "VolumesDetached"))
    yield* finishPod("db")
    yield* seconds(20)
    assert.strictEqual(yield* statusOf("a", "Drained"), "True")
    assert.deepInclude(yield* condition("a", "VolumesDetached"), { status: "Unknown", reason: "AwaitingVolumeDetachment" })
    assert.strictEqual(yield* deletions, 0)
    const [event] = (yield* eventsOn(nodeName)).filter(({ reason }) => reason === "AwaitingVolumeDetachment")
    assert.include(event?.message ?? "", "pv-1")
    yield* detach("pv-1")
    yield* seconds(3)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("does not wait for those of pods that it keeps", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* Kube.use((kube) => kube.create(PersistentVolumeClaims, volumeClaim("mine", "pv-1")))
    yield* runPod(using("agent", { persistentVolumeClaim: { claimName: "mine" } }, staying))
    yield* attach("pv-1")
    yield* deleteNode(nodeName)
    yield* seconds(8)
    assert.isUndefined(yield* node(nodeName))
  })))

  it.effect("does not wait beyond its grace period, and says so", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.deletion = "terminating"
    yield* readyNode({ terminationGracePeriod: "60s" })
    yield* attach("pv-1")
    yield* deleteNode(nodeName)
    yield* seconds(50)
    assert.strictEqual(yield* statusOf("a", "VolumesDetached"), "Unknown")
    assert.strictEqual(yield* deletions, 0)
    yield* seconds(15)
    assert.deepInclude(yield* condition("a", "VolumesDetached"), { status: "False", reason: "TerminationGracePeriodElapsed" })
    assert.isAtLeast(yield* deletions, 1)
  })))
})
