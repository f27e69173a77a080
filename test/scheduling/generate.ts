/** Problems out of a seed: small, crowded, with every rule in play. */
import type { Problem } from "../../src/scheduling/index.ts"
import { dice, times } from "./generate/dice.ts"
import { nodeFrom } from "./generate/nodes.ts"
import { apps, appsFrom, podsFrom } from "./generate/pods.ts"
import type { Rule } from "./generate/rules.ts"
import { allRules, chosenRules, generationLabel, namespaces, reservationLabel, shapeLabel, zoneLabel } from "./generate/rules.ts"
import { daemonFrom, poolFrom, typeFrom } from "./generate/supply.ts"
import { withVolumes } from "./generate/volumes.ts"

export type { Rule } from "./generate/rules.ts"
export { allRules } from "./generate/rules.ts"

export interface GenerateOptions {
  /** What may be in the problem; everything, where it is not said. */
  readonly rules?: ReadonlyArray<Rule>
}

/** The problem of a seed: 1 to 6 apps of up to 10 pods, 1 to 3 NodePools, 2 to 9 types in up to three zones, up to 5 nodes. */
export const generate = (seed: number, { rules: allowed = allRules }: GenerateOptions = {}): Problem => {
  const d = dice(seed)
  const rules = chosenRules(d, allowed)
  const zones = d.pick([["z1"], ["z1", "z2"], ["z1", "z2", "z3"], ["z1", "z2", "z3"]])
  const nodePools = times(1 + d.upTo(3), (i) => poolFrom(d, i, rules, zones))
  const shared = times(2 + d.upTo(8), (i) => typeFrom(d, i, zones, rules))
  const all = appsFrom(d, rules)
  const problem: Problem = {
    version: 1,
    pods: podsFrom(d, all, rules).slice(0, 40),
    nodePools,
    instanceTypes: Object.fromEntries(nodePools.map((pool) => [
      pool.metadata.name, d.chance(0.8) ? shared : times(1 + d.upTo(4), (i) => typeFrom(d, i, zones, rules))
    ])),
    nodes: rules.has("nodes") ? times(1 + d.upTo(5), (i) => nodeFrom(d, i, nodePools, zones, all, rules)) : [],
    daemonSets: rules.has("daemons") ? times(1 + d.upTo(2), (i) => daemonFrom(d, i)) : [],
    wellKnownLabels: [shapeLabel, generationLabel, ...(rules.has("reserved") ? [reservationLabel] : [])],
    namespaces: namespaces.map((name) => ({ metadata: { name, labels: name === "other" ? { stage: "test" } : {} } })),
    ...(rules.has("reserved") ? { reservationIdLabel: reservationLabel } : {}),
    ...(rules.has("defaultSpread") ? { defaultSpread: {
      constraints: [{
        maxSkew: d.pick([1, 2]), topologyKey: zoneLabel, whenUnsatisfiable: d.pick(["DoNotSchedule", "ScheduleAnyway"])
      }],
      selecting: apps.slice(0, 2).flatMap((app) => namespaces.map((namespace) => (
        { kind: "Service", metadata: { name: app, namespace }, spec: { selector: { app } } }
      )))
    } } : {}),
    options: {
      assert: true,
      preferencePolicy: d.pick(["Respect", "Respect", "Ignore"]),
      minValuesPolicy: d.pick(["Strict", "BestEffort"]),
      ...(d.chance(0.2) ? { maxInstanceTypes: 3 } : {})
    }
  }
  return rules.has("volumes") ? withVolumes(d, problem, zones) : problem
}

/** The same problem with every list in another order, of those whose order says nothing. */
export const shuffled = (problem: Problem, seed: number): Problem => {
  const d = dice(seed)
  const mix = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> => {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = d.upTo(i + 1)
      ;[out[i], out[j]] = [out[j]!, out[i]!]
    }
    return out
  }
  const { persistentVolumeClaims, persistentVolumes, storageClasses, namespaces: spaces } = problem
  return {
    ...problem,
    pods: mix(problem.pods),
    nodePools: mix(problem.nodePools),
    instanceTypes: Object.fromEntries(mix(Object.entries(problem.instanceTypes)).map(([name, types]) => [name, mix(types)])),
    nodes: mix(problem.nodes).map((node) => ({ ...node, pods: mix(node.pods) })),
    daemonSets: mix(problem.daemonSets),
    ...(spaces === undefined ? {} : { namespaces: mix(spaces) }),
    ...(persistentVolumeClaims === undefined ? {} : { persistentVolumeClaims: mix(persistentVolumeClaims) }),
    ...(persistentVolumes === undefined ? {} : { persistentVolumes: mix(persistentVolumes) }),
    ...(storageClasses === undefined ? {} : { storageClasses: mix(storageClasses) })
  }
}
