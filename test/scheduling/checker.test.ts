/** The judge is judged: of two plans for one problem that differ in one thing only it finds the right one right. */
import { assert, describe, it } from "@effect/vitest"
import type {
  InstanceType, NewNode, Plan, Pod, PodAffinityTerm, PodSpec, Problem, Requirement
} from "../../src/scheduling/index.ts"
import { node, pod, pods, pool, problem, type } from "./build.ts"
import { violations } from "./checker.ts"

const zone = "topology.kubernetes.io/zone"
const hostname = "kubernetes.io/hostname"
const capacityType = "karpenter.sh/capacity-type"
const offered = (zones: ReadonlyArray<string>, price = 1, kind = "on-demand") =>
  zones.map((name) => ({ zone: name, capacityType: kind, price }))
const types: ReadonlyArray<InstanceType> = [
  type("small", 2, 4, 1, { offerings: offered(["a", "b", "c"], 1) }),
  type("large", 8, 16, 4, { offerings: offered(["a", "b", "c"], 4) })
]

/** `pods` of a new node, and what of it is not as always: the type `large` in zone a, of NodePool `default`. */
interface Bought {
  readonly pods: ReadonlyArray<string>
  readonly zones?: ReadonlyArray<string>
  readonly options?: ReadonlyArray<string>
  readonly pool?: string
  readonly requirements?: ReadonlyArray<Requirement>
  readonly capacityType?: string
  readonly price?: number
}

const planOf = (parts: {
  readonly bought?: ReadonlyArray<Bought>
  readonly filled?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly left?: ReadonlyArray<string>
}): Plan => {
  const refs = (names: ReadonlyArray<string>) => names.map((name) => ({ namespace: "default", name }))
  const newNodes = (parts.bought ?? []).map((made, i): NewNode => {
    const { zones = ["a"], options = ["large"], price = options[0] === "small" ? 1 : 4 } = made
    return {
      name: `new-${i}`, nodePool: made.pool ?? "default", instanceType: options[0]!, zone: zones[0]!,
      capacityType: made.capacityType ?? "on-demand", hourlyPrice: price, instanceTypeOptions: options,
      requirements: [{ key: zone, operator: "In", values: zones }, ...(made.requirements ?? [])],
      labels: {}, taints: [], requests: {}, pods: refs(made.pods), minValuesRelaxed: false
    }
  })
  const unschedulable = refs(parts.left ?? []).map((ref) => (
    { pod: ref, reasons: [{ nodePool: "", reason: "InsufficientResources" as const, message: "no room" }] }
  ))
  const hourlyPrice = newNodes.reduce((sum, made) => sum + made.hourlyPrice, 0)
  return {
    version: 1, newNodes, unschedulable,
    existingNodes: Object.entries(parts.filled ?? {}).map(([name, on]) => ({ name, pods: refs(on) })),
    totals: { newNodes: newNodes.length, hourlyPrice, unschedulable: unschedulable.length }
  }
}

const cases = (
  given: Partial<Problem>, right: Parameters<typeof planOf>[0], wrong: Parameters<typeof planOf>[0], saying: RegExp
) => () => {
  const asked = problem({ types, ...given })
  assert.deepStrictEqual(violations(asked, planOf(right)), [])
  assert.match(violations(asked, planOf(wrong)).join("\n"), saying)
}

const web = { matchLabels: { app: "web" } }
const rule = (
  kind: "podAffinity" | "podAntiAffinity", topologyKey: string, extra: Partial<PodAffinityTerm> = {}
): Partial<PodSpec> => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: web, ...extra }] } }
})
const spread = (topologyKey: string, extra: object = {}): Partial<PodSpec> => ({
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable: "DoNotSchedule", labelSelector: web, ...extra }]
})
const labels = { app: "web" }
const one = { cpu: 1 }
const webs = (count: number, spec: Partial<PodSpec>): ReadonlyArray<Pod> => pods(count, one, { ...spec, labels })

describe("the checker sees", () => {
  it("pods in two places, in none, and pods that nobody asked about", () => {
    const asked = problem({ types, pods: pods(2, one) })
    const said = (plan: Parameters<typeof planOf>[0]) => violations(asked, planOf(plan)).join("\n")
    assert.match(said({ bought: [{ pods: ["p0", "p1"] }, { pods: ["p1"] }] }), /p1 is in 2 places/)
    assert.match(said({ bought: [{ pods: ["p0"] }] }), /p1 is in 0 places/)
    assert.match(said({ bought: [{ pods: ["p0", "p1", "p2"] }] }), /p2 is a pod that the problem has not/)
  })

  it("a node that is too full", cases({ pods: pods(3, one) }, { bought: [{ pods: ["p0", "p1", "p2"] }] }, {
    bought: [{ pods: ["p0", "p1", "p2"], options: ["small"] }]
  }, /small in a: 3000 cpu on 2000/))

  it("options out of order", cases(
    { pods: pods(2, one) }, { bought: [{ pods: ["p0", "p1"], options: ["small", "large"] }] },
    { bought: [{ pods: ["p0", "p1"], options: ["large", "small"] }] }, /small is cheaper than those before it/
  ))

  it("a wrong price", cases({ pods: pods(1, one) }, { bought: [{ pods: ["p0"] }] }, {
    bought: [{ pods: ["p0"], price: 3 }]
  }, /wrong price or type/))

  it("a zone that is not sold", cases({ pods: pods(1, one) }, { bought: [{ pods: ["p0"] }] }, {
    bought: [{ pods: ["p0"], zones: ["d"] }]
  }, /large is not to be had/))

  it("a zone that the pod may not be in", cases(
    { pods: pods(1, one, { nodeSelector: { [zone]: "a" } }) }, { bought: [{ pods: ["p0"] }] },
    { bought: [{ pods: ["p0"], zones: ["a", "b"] }] }, /in b: p0 does not select it/
  ))

  it("a taint that is not tolerated", cases(
    { pods: pods(1, one), nodes: [node("n", 4, 8, { taints: [{ key: "k", effect: "NoSchedule" }] })] },
    { bought: [{ pods: ["p0"] }] }, { filled: { n: ["p0"] } }, /does not tolerate/
  ))

  it("host ports that clash", cases(
    { pods: [pod("p0", one), pod("p1", one)].map((it) => ({
      ...it, spec: { containers: [{ ...it.spec.containers[0], ports: [{ hostPort: 80 }] }] }
    })) },
    { bought: [{ pods: ["p0"] }, { pods: ["p1"] }] }, { bought: [{ pods: ["p0", "p1"] }] }, /host ports clash/
  ))

  it("pods that may meet against their will in a zone that is still open", cases(
    { pods: webs(2, rule("podAntiAffinity", zone)) },
    { bought: [{ pods: ["p0"] }, { pods: ["p1"], zones: ["b", "c"] }] },
    { bought: [{ pods: ["p0"] }, { pods: ["p1"], zones: ["a", "b"] }] }, /p0 may meet p1/
  ))

  it("a pod that a running pod keeps away", cases(
    {
      pods: webs(1, {}), nodes: [node("n", 8, 8, {
        labels: { [zone]: "a" }, taints: [{ key: "k", effect: "NoSchedule" }],
        pods: [pod("old", one, rule("podAntiAffinity", zone))]
      })]
    },
    { bought: [{ pods: ["p0"], zones: ["b"] }] }, { bought: [{ pods: ["p0"] }] }, /p0 may meet old/
  ))

  it("a pod without the peer that it needs", cases(
    { pods: [pod("p0", one, rule("podAffinity", zone)), pod("p1", one, { labels })] },
    { bought: [{ pods: ["p0"] }, { pods: ["p1"] }] },
    { bought: [{ pods: ["p0"], zones: ["b"] }, { pods: ["p1"] }] }, /has none of its own/
  ))

  it("a peer that is only perhaps in the zone", cases(
    { pods: [pod("p0", one, rule("podAffinity", zone)), pod("p1", one, { labels })] },
    { bought: [{ pods: ["p0", "p1"], zones: ["a", "b"] }] },
    { bought: [{ pods: ["p0"] }, { pods: ["p1"], zones: ["a", "b"] }] }, /has none of its own/
  ))

  it("two that both want to be the first of their kind", cases(
    { pods: webs(4, rule("podAffinity", zone)) },
    { bought: [{ pods: ["p0", "p1"] }, { pods: ["p2", "p3"] }] },
    { bought: [{ pods: ["p0", "p1"] }, { pods: ["p2", "p3"], zones: ["b"] }] }, /has none of its own/
  ))

  it("a skew between zones, an empty one that could be opened included", cases(
    { pods: webs(4, spread(zone)) },
    { bought: [{ pods: ["p0", "p1"] }, { pods: ["p2"], zones: ["b"] }, { pods: ["p3"], zones: ["c"] }] },
    { bought: [{ pods: ["p0", "p1"] }, { pods: ["p2", "p3"], zones: ["b"] }] }, /2 in (a|b), 0 elsewhere, skew 1/
  ))

  it("a skew against what runs", cases(
    { pods: webs(1, spread(zone)), nodes: [node("n", 1, 8, { labels: { [zone]: "a" }, pods: webs(1, {}).map(
      (it) => ({ ...it, metadata: { ...it.metadata, name: "old" } })
    ) })] },
    { bought: [{ pods: ["p0"], zones: ["b"] }] }, { bought: [{ pods: ["p0"] }] }, /2 in a, 0 elsewhere/
  ))

  it("too many of a kind on a host", cases(
    { pods: webs(2, spread(hostname)) }, { bought: [{ pods: ["p0"] }, { pods: ["p1"] }] },
    { bought: [{ pods: ["p0", "p1"] }] }, /2 in new new-0, 0 elsewhere/
  ))

  it("fewer domains than there must be", cases(
    { pods: [...webs(2, spread(zone, { minDomains: 4 })), pod("p2", one, { ...spread(zone, { minDomains: 4 }), labels })] },
    { bought: [{ pods: ["p0"] }, { pods: ["p1"], zones: ["b"] }, { pods: ["p2"], zones: ["c"] }] },
    { bought: [{ pods: ["p0", "p1"] }, { pods: ["p2"], zones: ["b"] }] }, /2 in a, 0 elsewhere/
  ))

  it("a volume that cannot be reached", cases(
    {
      pods: pods(1, one, { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }),
      persistentVolumeClaims: [{
        metadata: { name: "c", namespace: "default", annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
        spec: { volumeName: "pv" }, status: { phase: "Bound" }
      }],
      persistentVolumes: [{ metadata: { name: "pv" }, spec: {
        csi: { driver: "d" }, nodeAffinity: { required: { nodeSelectorTerms: [
          { matchExpressions: [{ key: zone, operator: "In", values: ["b"] }] }
        ] } }
      } }]
    },
    { bought: [{ pods: ["p0"], zones: ["b"] }] }, { bought: [{ pods: ["p0"] }] }, /default\/c cannot be reached/
  ))

  it("more volumes than a node can attach", () => {
    const using = (name: string) => pod(name, one, { volumes: [{ name: "v", persistentVolumeClaim: { claimName: name } }] })
    const claim = (name: string) => ({ metadata: { name, namespace: "default" }, spec: { storageClassName: "s" } })
    cases(
      {
        pods: [using("p0"), using("p1")], persistentVolumeClaims: [claim("p0"), claim("p1")],
        storageClasses: [{ metadata: { name: "s" }, provisioner: "d", volumeBindingMode: "WaitForFirstConsumer" }],
        nodes: [node("n", 8, 8, { volumeLimits: { d: 1 } })]
      },
      { filled: { n: ["p0"] }, bought: [{ pods: ["p1"] }] },
      { filled: { n: ["p0", "p1"] } }, /2 volumes of d, 1 can be attached/
    )()
  })

  it("a limit that is not kept, counted by the largest option", cases(
    { pods: pods(2, one), nodePools: [pool("default", { limits: { cpu: 8 } })] },
    { bought: [{ pods: ["p0", "p1"], options: ["small", "large"] }] },
    { bought: [{ pods: ["p0"], options: ["small", "large"] }, { pods: ["p1"], options: ["small"] }] },
    /goes over its limit of 8 cpu/
  ))

  it("fewer types than minValues asks for", cases(
    { pods: pods(1, one), nodePools: [pool("default", { requirements: [
      { key: "node.kubernetes.io/instance-type", operator: "Exists", minValues: 2 }
    ] })] },
    { bought: [{ pods: ["p0"], options: ["small", "large"] }] }, { bought: [{ pods: ["p0"] }] }, /fewer than 2 values/
  ))

  it("a reservation that too many nodes hold", () => {
    const reserved: InstanceType = {
      ...types[1]!, offerings: [{ zone: "a", capacityType: "reserved", price: 4, reservationId: "r", reservationCapacity: 1 }]
    }
    const held = { capacityType: "reserved", requirements: [{ key: capacityType, operator: "In", values: ["reserved"] }] }
    const asked = { pods: pods(2, one), instanceTypes: { default: [reserved] } }
    cases(
      asked, { bought: [{ pods: ["p0", "p1"], ...held }] },
      { bought: [{ pods: ["p0"], ...held }, { pods: ["p1"], ...held }] }, /reservation r is held by new-0 new-1/
    )()
  })

  it("a pod that is left out for nothing", cases(
    { pods: pods(2, one), nodes: [node("n", 2, 8)], nodePools: [] }, { filled: { n: ["p0", "p1"] } },
    { filled: { n: ["p0"] }, left: ["p1"] }, /p1 is left out, n could take it/
  ))

  it("a node that is bought though one is there, and a node on its way that is filled before a ready one", () => {
    const nodes = [node("a", 2, 8, { initialized: false }), node("b", 2, 8)]
    const given = { pods: pods(1, one), nodes }
    cases(given, { filled: { b: ["p0"] } }, { bought: [{ pods: ["p0"] }] }, /p0 is on new-0, a comes first/)()
    cases(given, { filled: { b: ["p0"] } }, { filled: { a: ["p0"] } }, /p0 is on a, b comes first/)()
  })

  it("a node of a lighter NodePool that none of its pods needs", () => {
    const nodePools = [pool("default"), pool("heavy", { weight: 10, requirements: [
      { key: "node.kubernetes.io/instance-type", operator: "In", values: ["small"] }
    ] })]
    cases(
      { pods: [pod("p0", one), pod("p1", { cpu: 4 })], nodePools }, { bought: [{ pods: ["p0", "p1"] }] },
      { bought: [{ pods: ["p0"] }, { pods: ["p1"] }] }, /new-0 holds only pods that a heavier NodePool could take/
    )()
  })
})
