import { assert, describe, it } from "@effect/vitest"
import { consolidate, consolidating } from "../../../src/scheduling/consolidation/consolidate.ts"
import type { Candidate, ConsolidationProblem, Disruption } from "../../../src/scheduling/consolidation/contract.ts"
import { afterwards, untilStable } from "../../../src/scheduling/consolidation/untilStable.ts"
import type { Pod, Problem } from "../../../src/scheduling/index.ts"
import { schedule } from "../../../src/scheduling/index.ts"
import { generate, shuffled } from "../generate.ts"
import { chance, fleet } from "./fleet.ts"
import { ladder } from "../build.ts"
import { objectionsTo } from "./judge.ts"

const keyOf = ({ metadata: { name, namespace = "default" } }: Pod): string => `${namespace}/${name}`

/** The generated problem as a cluster: what its plan places runs there, some of it has ended since, what it leaves out waits. */
const clusterOf = (seed: number): ConsolidationProblem => {
  const random = chance(seed)
  const given = generate(seed)
  const plan = schedule(given, { steps: 5 })
  const pods = new Map(given.pods.map((pod) => [keyOf(pod), pod]))
  const running = (refs: ReadonlyArray<{ readonly namespace: string; readonly name: string }>): ReadonlyArray<Pod> =>
    refs.filter(() => random() < 0.6).map(({ name, namespace }) => pods.get(`${namespace}/${name}`)!)
  const nodes = [
    ...given.nodes.map((node) => {
      const more = plan.existingNodes.find(({ name }) => name === node.name)
      return more === undefined ? node : { ...node, pods: [...node.pods, ...running(more.pods)] }
    }),
    ...plan.newNodes.map((made) => {
      const type = given.instanceTypes[made.nodePool]!.find(({ name }) => name === made.instanceType)!
      const single = made.requirements.flatMap(({ key, operator, values = [] }) =>
        operator === "In" && values.length === 1 ? [[key, values[0]!] as const] : [])
      return {
        name: made.name,
        nodePool: made.nodePool,
        labels: {
          ...type.labels, ...made.labels, ...Object.fromEntries(single), "kubernetes.io/hostname": made.name,
          "node.kubernetes.io/instance-type": type.name, "topology.kubernetes.io/zone": made.zone, "karpenter.sh/capacity-type": made.capacityType
        },
        taints: made.taints,
        capacity: type.capacity,
        allocatable: type.capacity,
        initialized: random() < 0.9,
        pods: running(made.pods),
        ...(type.volumeLimits === undefined ? {} : { volumeLimits: type.volumeLimits })
      }
    })
  ]
  const candidates = nodes.flatMap((node): ReadonlyArray<Candidate> => node.nodePool === undefined || random() < 0.2 ? [] : [{
    node: node.name,
    hourlyPrice: plan.newNodes.find(({ name }) => name === node.name)?.hourlyPrice ?? 0.02 + random() * 0.3,
    moving: node.pods.map(keyOf),
    disruptionCost: 1 + node.pods.length,
    nodePool: node.nodePool,
    ...(random() < 0.2 ? { policy: "Balanced" as const } : {})
  }])
  const left = plan.unschedulable.map(({ pod: { name, namespace } }) => pods.get(`${namespace}/${name}`)!)
  const { assert: _, ...options } = given.options ?? {}
  return {
    ...given,
    options,
    pods: random() < 0.5 ? left : [],
    nodes,
    candidates,
    ...(random() < 0.5 ? { budgets: { [given.nodePools[0]!.metadata.name]: Math.floor(random() * 3) } } : {}),
    consolidation: random() < 0.5 ? {} : { spotToSpot: true, podPrice: random() < 0.5 ? 0 : 0.001 }
  }
}

/** Pods that move, and that have no place as the scheduler sees it, asked anew with the nodes gone. */
const leftBehind = (given: ConsolidationProblem, { moves, remove }: Disruption): ReadonlyArray<string> => {
  const moving = new Set(moves.map(({ pod: { name, namespace } }) => `${namespace}/${name}`))
  const pods = given.nodes.flatMap((node) => node.pods.filter((pod) => moving.has(keyOf(pod))))
  const state: Problem = {
    ...given, nodes: given.nodes.filter(({ name }) => !remove.includes(name)),
    pods: [...given.pods, ...pods]
  }
  return schedule(state, { steps: 1 }).unschedulable.map(({ pod: { name, namespace } }) => `${namespace}/${name}`)
    .filter((key) => moving.has(key))
}

const clusters = (count: number) => Array.from({ length: count }, (_, i) => ({ seed: i + 1, given: clusterOf(i + 1) }))

const steps = { steps: 60 }

describe("any cluster", () => {
  it("gets commands only that save, keep to budgets, and leave every pod where Kubernetes would have it", () => {
    let commands = 0
    for (const { seed, given } of clusters(250)) {
      const { command, totals } = consolidate(given, steps)
      if (command === undefined) continue
      commands++
      assert.deepStrictEqual(objectionsTo(given, command), [], `seed ${seed}`)
      assert.isAtMost(totals.after.hourlyPrice, totals.before.hourlyPrice, `seed ${seed}`)
      assert.deepStrictEqual(leftBehind(given, command), [], `seed ${seed}`)
    }
    assert.isAbove(commands, 60)
  })

  it("says of every candidate that it goes or why it stays", () => {
    for (const { seed, given } of clusters(100)) {
      const { command, kept } = consolidate(given, steps)
      const told = [...command?.remove ?? [], ...kept.map(({ node }) => node)].sort()
      assert.deepStrictEqual(told, given.candidates.map(({ node }) => node).sort(), `seed ${seed}`)
      for (const { message } of kept) assert.isAbove(message.length, 10)
    }
  })

  it("has one answer, whatever the order of its lists, and however it is cut into slices", () => {
    for (const { seed, given } of clusters(100)) {
      const mixed: ConsolidationProblem = { ...given, ...shuffled(given as Problem, seed), candidates: [...given.candidates].reverse() }
      const one = consolidate(given, steps)
      assert.deepStrictEqual(consolidate(mixed, steps), one, `seed ${seed}`)
    }
  })

  it("comes to rest, each command on the way as good as the first, and stays there", () => {
    for (const { seed, given } of clusters(80)) {
      let state = given
      let round = 0
      for (;;) {
        const { command } = consolidate(state, steps)
        if (command === undefined) break
        assert.deepStrictEqual(objectionsTo(state, command), [], `seed ${seed}, round ${round}`)
        assert.isBelow(++round, 40, `seed ${seed} does not come to rest`)
        state = afterwards(state, command, round)
      }
      assert.isUndefined(consolidate(state, steps).command)
      assert.lengthOf(untilStable(given, steps).disruptions, round)
    }
  })
})

describe("a fleet", () => {
  const types = ladder
  const fragmented = (seed: number, extra: Partial<Parameters<typeof fleet>[0]> = {}) =>
    fleet({ nodes: 30, seed, types, among: ["c4", "c8", "c16"], ...extra })

  it("costs little more than the bound once it is at rest", () => {
    for (const seed of [1, 2, 3]) {
      const { totals: { after } } = untilStable(fragmented(seed))
      assert.isAtMost(after.hourlyPrice, 1.1 * after.lowerBound, `seed ${seed}`)
      assert.isAtLeast(after.hourlyPrice, after.lowerBound - 1e-9, `seed ${seed}`)
    }
  })

  it("saves nearly as much of the others where nodes cannot go", () => {
    for (const seed of [1, 2, 3]) {
      const given = fragmented(seed, { immovable: 0.3 })
      const { totals: { after, before } } = untilStable(given)
      assert.isBelow(after.hourlyPrice, 0.8 * before.hourlyPrice, `seed ${seed}`)
      assert.isAtMost(after.hourlyPrice, 1.1 * after.lowerBound, `seed ${seed}`)
    }
  })

  it("is decided on in slices, and the answer is that of one go", () => {
    const search = consolidating(fragmented(4))
    let slices = 0
    for (;;) {
      const { done, value } = search.next()
      slices++
      if (done === true) {
        assert.deepStrictEqual(value, consolidate(fragmented(4)))
        break
      }
    }
    assert.isAbove(slices, 10)
  })
})
