import { assert, describe, it } from "@effect/vitest"
import type {
  NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim, Pod, Requirement, StorageClass, Volume
} from "../../src/scheduling/index.ts"
import { serializeRequirements } from "../../src/scheduling/index.ts"
import { attachments, Volumes } from "../../src/scheduling/volumes.ts"
import { pod } from "./build.ts"

const zone = "topology.kubernetes.io/zone"
const region = "topology.linode.com/region"
const driver = "linodebs.csi.linode.com"
const within = (key: string, ...values: ReadonlyArray<string>): Requirement => ({ key, operator: "In", values })
const term = (...matchExpressions: ReadonlyArray<Requirement>): NodeSelectorTerm => ({ matchExpressions })

type ClaimParts = Partial<PersistentVolumeClaim["spec"]> & { readonly metadata?: object; readonly phase?: string }
const claim = (name: string, parts: ClaimParts = {}): PersistentVolumeClaim => {
  const { metadata, phase, ...spec } = parts
  return { metadata: { name, namespace: "default", ...metadata }, spec, ...(phase === undefined ? {} : { status: { phase } }) }
}
const bound = (name: string, volumeName: string, metadata: object = {}): PersistentVolumeClaim =>
  claim(name, { volumeName, metadata: { annotations: { "pv.kubernetes.io/bind-completed": "yes" }, ...metadata } })
const volume = (
  name: string, nodeSelectorTerms?: ReadonlyArray<NodeSelectorTerm>, spec: Partial<PersistentVolume["spec"]> = {}
): PersistentVolume => ({
  metadata: { name },
  spec: {
    csi: { driver },
    ...(nodeSelectorTerms === undefined ? {} : { nodeAffinity: { required: { nodeSelectorTerms } } }),
    ...spec
  }
})
const isDefault = { "storageclass.kubernetes.io/is-default-class": "true" }
const storageClass = (name: string, parts: Partial<StorageClass> = {}): StorageClass =>
  ({ metadata: { name }, provisioner: driver, volumeBindingMode: "WaitForFirstConsumer", ...parts })
const zonal = (name: string, ...zones: ReadonlyArray<string>): StorageClass =>
  storageClass(name, { allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: zones }] }] })

const using = (name: string, ...claims: ReadonlyArray<string>): Pod =>
  pod(name, { cpu: 1 }, { volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) })

interface Storage {
  readonly claims?: ReadonlyArray<PersistentVolumeClaim>
  readonly volumes?: ReadonlyArray<PersistentVolume>
  readonly classes?: ReadonlyArray<StorageClass>
}
const volumesOf = ({ claims = [], volumes = [], classes = [] }: Storage): Volumes =>
  new Volumes({ persistentVolumeClaims: claims, persistentVolumes: volumes, storageClasses: classes })
const alternatives = (storage: Storage, one: Pod) => {
  const demand = volumesOf(storage).of(one)
  assert.isUndefined(demand.refusal)
  return demand.alternatives.map(serializeRequirements)
}
const refusal = (storage: Storage, one: Pod = using("a", "data")) => volumesOf(storage).of(one).refusal

describe("a claim keeps its pod from being scheduled", () => {
  const gone = { deletionTimestamp: "2026-01-01T00:00:00Z" }
  it.each<[string, Storage, string]>([
    ["that is not there", {}, "does not exist"],
    ["of another namespace", { claims: [claim("data", { metadata: { namespace: "other" } })] }, "does not exist"],
    ["that is being deleted", { claims: [bound("data", "pv", gone)], volumes: [volume("pv")] }, "is being deleted"],
    ["whose volume is lost", { claims: [claim("data", { phase: "Lost", volumeName: "pv" })] }, "has lost its volume"],
    ["whose volume is not there", { claims: [bound("data", "pv")] }, "is bound to PersistentVolume pv, which does not exist"],
    [
      "whose volume is being deleted",
      { claims: [bound("data", "pv")], volumes: [{ ...volume("pv"), metadata: { name: "pv", ...gone } }] },
      "is bound to PersistentVolume pv, which is being deleted"
    ],
    [
      "that is being bound", { claims: [claim("data", { volumeName: "pv" })], volumes: [volume("pv")] },
      "is not bound to its PersistentVolume pv yet"
    ],
    ["without a class", { claims: [claim("data")] }, "is not bound, and names no storage class that could make its volume"],
    [
      "that wants no class", {
        claims: [claim("data", { storageClassName: "" })],
        classes: [storageClass("std", { metadata: { name: "std", annotations: isDefault } })]
      },
      "is not bound, and names no storage class that could make its volume"
    ],
    [
      "whose class is not there", { claims: [claim("data", { storageClassName: "fast" })] },
      "is not bound, and its StorageClass fast does not exist"
    ],
    ...["Immediate", undefined].map((mode): [string, Storage, string] => [
      `whose class binds at once (${mode})`,
      {
        claims: [claim("data", { storageClassName: "fast" })],
        classes: [{ metadata: { name: "fast" }, provisioner: driver, ...(mode === undefined ? {} : { volumeBindingMode: mode }) }]
      },
      "is not bound yet: its StorageClass fast binds at once, without waiting for a pod"
    ]),
    ...[[{}], [{ matchFields: [within("metadata.name", "n1")] }], [term(within(zone))], []].map(
      (terms, i): [string, Storage, string] => [
        `whose volume has only terms that match no node (${i})`,
        { claims: [bound("data", "pv")], volumes: [volume("pv", terms)] },
        "can be attached to no node: no term of its topology can hold"
      ]
    )
  ])("%s", (_, storage, message) => {
    assert.strictEqual(refusal(storage), `PersistentVolumeClaim default/data ${message}`)
  })

  it("and each of them is named", () => {
    assert.strictEqual(
      refusal({ claims: [claim("b")] }, using("a", "a", "b")),
      "PersistentVolumeClaim default/a does not exist; " +
        "PersistentVolumeClaim default/b is not bound, and names no storage class that could make its volume"
    )
  })

  it("when its volume lies where those of the others do not", () => {
    const volumes = [volume("pv-a", [term(within(zone, "a"))]), volume("pv-b", [term(within(zone, "b"))])]
    assert.strictEqual(
      refusal({ claims: [bound("a", "pv-a"), bound("b", "pv-b")], volumes }, using("a", "a", "b")),
      `PersistentVolumeClaim default/b needs ${zone} In [b], the pod's other claims need ${zone} In [a]`
    )
  })
})

describe("the topology of volumes", () => {
  const boundTo = (...volumes: ReadonlyArray<PersistentVolume>): Storage =>
    ({ claims: volumes.map(({ metadata: { name } }) => bound(name, name)), volumes })
  const own = (terms: ReadonlyArray<NodeSelectorTerm>, spec: Partial<PersistentVolume["spec"]> = {}) =>
    alternatives(boundTo(volume("pv", terms, spec)), using("a", "pv"))

  it("of a bound claim is that of its PersistentVolume", () => {
    assert.deepStrictEqual(own([term(within(region, "us-ord"))]), [[within(region, "us-ord")]])
    assert.deepStrictEqual(own([term(within(zone, "a"), within("disk", "ssd"))]), [[within("disk", "ssd"), within(zone, "a")]])
  })

  it("speaks of labels by their present names", () => {
    assert.deepStrictEqual(own([term(within("failure-domain.beta.kubernetes.io/zone", "a"))]), [[within(zone, "a")]])
  })

  it("is one requirement where terms differ in one label only, whatever their order", () => {
    assert.deepStrictEqual(own([term(within(zone, "b")), term(within(zone, "a"))]), [[within(zone, "a", "b")]])
    const disk = within("disk", "ssd")
    assert.deepStrictEqual(
      own([term(within(zone, "a"), disk), term(within(zone, "b")), term(disk, within(zone, "c")), term(within(zone, "d"))]),
      [[disk, within(zone, "a", "c")], [within(zone, "b", "d")]]
    )
    assert.deepStrictEqual(
      own(["a", "b"].flatMap((z) => ["ssd", "hdd"].map((d) => term(within(zone, z), within("disk", d))))),
      [[within("disk", "hdd", "ssd"), within(zone, "a", "b")]]
    )
  })

  it("keeps terms apart that differ otherwise", () => {
    const terms = [term(within(zone, "a")), term({ key: zone, operator: "NotIn", values: ["a", "b"] })]
    assert.deepStrictEqual(own(terms), [[within(zone, "a")], [{ key: zone, operator: "NotIn", values: ["a", "b"] }]])
  })

  it("skips terms that match no node", () => {
    const onFields = { matchFields: [within("metadata.name", "n1")] }
    assert.deepStrictEqual(own([{}, term(within(zone, "a")), onFields]), [[within(zone, "a")]])
  })

  it.each([{ local: {} }, { hostPath: {} }])("of a volume on a host is what it says beside the host's name: %o", (place) => {
    const host = within("kubernetes.io/hostname", "n1")
    assert.deepStrictEqual(own([term(host, within(zone, "a"))], place), [[within(zone, "a")]])
    assert.deepStrictEqual(own([term(host)], place), [])
    assert.deepStrictEqual(own([term(within(zone, "a")), term(host)], place), [])
    assert.deepStrictEqual(own([term(host)]), [[host]])
  })

  it("of a claim to be bound is that of its class", () => {
    const claims = [claim("data", { storageClassName: "std" })]
    assert.deepStrictEqual(alternatives({ claims, classes: [storageClass("std")] }, using("a", "data")), [])
    assert.deepStrictEqual(
      alternatives({ claims, classes: [zonal("std", "a", "b")] }, using("a", "data")), [[within(zone, "a", "b")]]
    )
    const terms = [[{ key: zone, values: ["a"] }], [{ key: zone, values: ["b"] }], []]
      .map((matchLabelExpressions) => ({ matchLabelExpressions }))
    assert.deepStrictEqual(
      alternatives({ claims, classes: [storageClass("std", { allowedTopologies: terms })] }, using("a", "data")),
      [[within(zone, "a", "b")]]
    )
  })

  it("of a claim that names no class is that of the newest default class", () => {
    const byDefault = (name: string, creationTimestamp: string, ...zones: ReadonlyArray<string>): StorageClass => ({
      ...zonal(name, ...zones),
      metadata: { name, creationTimestamp, annotations: isDefault }
    })
    const classes = [
      byDefault("old", "2026-01-01T00:00:00Z", "a"), byDefault("y", "2026-02-01T00:00:00Z", "c"),
      byDefault("x", "2026-02-01T00:00:00Z", "b"), zonal("newer", "d")
    ]
    assert.deepStrictEqual(alternatives({ claims: [claim("data")], classes }, using("a", "data")), [[within(zone, "b")]])
    const beta = claim("data", { metadata: { annotations: { "volume.beta.kubernetes.io/storage-class": "newer" } } })
    assert.deepStrictEqual(alternatives({ claims: [beta], classes }, using("a", "data")), [[within(zone, "d")]])
  })

  it("of several volumes is what they have in common", () => {
    const either = volume("either", [term(within(zone, "a")), term(within(region, "r1"), within(zone, "c"))])
    const storage = boundTo(either, volume("ab", [term(within(zone, "a", "b"))]), volume("anywhere"))
    assert.deepStrictEqual(alternatives(storage, using("p", "either", "ab", "anywhere")), [[within(zone, "a")]])
    assert.deepStrictEqual(alternatives(storage, using("p", "anywhere", "either")), [
      [within(zone, "a")], [within(zone, "c"), within(region, "r1")]
    ])
  })

  it("is one object for pods that need the same", () => {
    const volumes = volumesOf(boundTo(volume("one", [term(within(zone, "a"))]), volume("two", [term(within(zone, "a"))])))
    assert.strictEqual(volumes.of(using("a", "one")).alternatives, volumes.of(using("b", "two")).alternatives)
    assert.strictEqual(volumes.of(using("a", "one")), volumes.of(using("b", "one")))
    assert.strictEqual(volumes.of(pod("c", { cpu: 1 })), volumes.of(pod("d", { cpu: 1 }, { volumes: [{ name: "tmp" }] })))
  })
})

describe("generic ephemeral volumes", () => {
  const scratch: Volume = { name: "scratch", ephemeral: { volumeClaimTemplate: { spec: { storageClassName: "std" } } } }
  const owned = { ...pod("a", { cpu: 1 }, { volumes: [scratch] }), metadata: { name: "a", namespace: "default", uid: "u1" } }
  const ownedBy = (uid: string) => ({ metadata: { ownerReferences: [{ kind: "Pod", name: "a", uid, controller: true }] } })
  const classes = [zonal("std", "a"), zonal("other", "b")]

  it("are judged by their claim, which is named after pod and volume", () => {
    const claims = [claim("a-scratch", { storageClassName: "other", ...ownedBy("u1") })]
    assert.deepStrictEqual(alternatives({ claims, classes }, owned), [[within(zone, "b")]])
  })

  it("are judged by their template while their claim is not there", () => {
    assert.deepStrictEqual(alternatives({ classes }, owned), [[within(zone, "a")]])
    assert.strictEqual(refusal({}, owned),
      "PersistentVolumeClaim default/a-scratch is not bound, and its StorageClass std does not exist")
    const volumes = volumesOf({ classes })
    assert.isUndefined(volumes.of(owned).refusal)
    assert.strictEqual(volumes.of(using("b", "a-scratch")).refusal, "PersistentVolumeClaim default/a-scratch does not exist")
  })

  it("do not take somebody else's claim", () => {
    const claims = [claim("a-scratch", { storageClassName: "std", ...ownedBy("u2") })]
    assert.strictEqual(refusal({ claims, classes }, owned),
      "PersistentVolumeClaim default/a-scratch was not made for the pod, whose volume scratch must have a claim of that name")
  })
})

describe("attached claims", () => {
  const classes = [
    storageClass("std"),
    storageClass("ebs", { provisioner: "kubernetes.io/aws-ebs" }),
    storageClass("now", { volumeBindingMode: "Immediate" })
  ]
  const counted = (storage: Storage, ...pods: ReadonlyArray<Pod>) =>
    Object.fromEntries([...attachments(pods, volumesOf(storage))].map(([name, claims]) => [name, [...claims]]))

  it("count once on a node, under the driver of their volume or else of their class", () => {
    const claims = [
      bound("data", "pv"), claim("new", { storageClassName: "std" }), claim("old", { storageClassName: "ebs" }),
      { ...bound("legacy", "in-tree"), spec: { volumeName: "in-tree", storageClassName: "ebs" } }
    ]
    const inTree: PersistentVolume = { metadata: { name: "in-tree" }, spec: {} }
    const storage = { claims, classes, volumes: [volume("pv", undefined, { csi: { driver: "other.csi" } }), inTree] }
    assert.deepStrictEqual(counted(storage, using("a", "data", "new", "data"), using("b", "data", "old"), using("c", "legacy")), {
      "other.csi": ["default/data"], [driver]: ["default/new"], "ebs.csi.aws.com": ["default/old", "default/legacy"]
    })
  })

  it("count for a pod that runs, whatever has become of its claim since", () => {
    const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z" }
    const claims = [claim("going", { storageClassName: "std", metadata }), claim("slow", { storageClassName: "now" })]
    assert.deepStrictEqual(counted({ claims, classes }, using("a", "going", "slow", "unknown")), {
      [driver]: ["default/going", "default/slow"]
    })
  })

  it("are none where no class tells the driver", () => {
    const storage = { claims: [claim("a", { storageClassName: "gone" }), claim("b")], classes: [] }
    assert.deepStrictEqual(counted(storage, using("p", "a", "b")), {})
  })
})
