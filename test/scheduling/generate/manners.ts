/** Rules of pods about other pods. */
import type { PodAffinity, PodAffinityTerm, PodSpec, SpreadConstraint } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { times } from "./dice.ts"
import type { Rules } from "./rules.ts"
import { capacityTypeLabel, hostnameLabel, shapeLabel, teamLabel, zoneLabel } from "./rules.ts"

const keyFrom = (d: Dice): string =>
  d.chance(0.6) ? d.pick([zoneLabel, zoneLabel, hostnameLabel]) : d.pick([capacityTypeLabel, shapeLabel, teamLabel])

const constraint = (d: Dice, app: string, rules: Rules, whenUnsatisfiable: string): SpreadConstraint => ({
  maxSkew: d.pick([1, 1, 2, 3]),
  topologyKey: d.pick([zoneLabel, zoneLabel, hostnameLabel, keyFrom(d)]),
  whenUnsatisfiable,
  ...(d.chance(0.97) ? { labelSelector: d.chance(0.9) ? { matchLabels: { app } } : {
    matchExpressions: [{ key: "app", operator: "In", values: [app, "cache"] }]
  } } : {}),
  ...(whenUnsatisfiable === "DoNotSchedule" && d.chance(0.15) ? { minDomains: 1 + d.upTo(3) } : {}),
  ...(d.chance(0.15) ? { nodeAffinityPolicy: d.pick(["Honor", "Ignore"]) } : {}),
  ...(d.chance(0.15) ? { nodeTaintsPolicy: d.pick(["Honor", "Ignore"]) } : {}),
  ...(rules.has("revisions") && d.chance(0.5) ? { matchLabelKeys: ["rev"] } : {})
})

const term = (d: Dice, app: string, rules: Rules): PodAffinityTerm => ({
  topologyKey: d.pick([zoneLabel, hostnameLabel, keyFrom(d)]),
  labelSelector: { matchLabels: { app } },
  ...(rules.has("namespaces") && d.chance(0.4) ? d.pick([
    { namespaces: ["other"] }, { namespaceSelector: {} }, { namespaceSelector: { matchLabels: { stage: "test" } } },
    { namespaces: ["default"], namespaceSelector: { matchExpressions: [{ key: "stage", operator: "Exists" }] } }
  ]) : {}),
  ...(rules.has("revisions") && d.chance(0.3) ? d.pick([{ matchLabelKeys: ["rev"] }, { mismatchLabelKeys: ["rev"] }]) : {})
})

const preferred = (d: Dice, app: string, rules: Rules) => ({
  preferredDuringSchedulingIgnoredDuringExecution: times(1 + d.upTo(2), () => ({
    weight: 1 + d.upTo(100), podAffinityTerm: term(d, app, rules)
  }))
})

const required = (d: Dice, app: string, rules: Rules) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [term(d, app, rules)]
})

interface Manners extends Pick<PodSpec, "topologySpreadConstraints"> {
  readonly podAffinity?: PodAffinity
  readonly podAntiAffinity?: PodAffinity
}

/** The rules that all pods of an app have; most of them are about the app itself. */
export const mannersFrom = (d: Dice, app: string, apps: ReadonlyArray<string>, rules: Rules): Manners => {
  const other = d.chance(0.75) ? app : d.pick(apps)
  const spread = [
    ...(rules.has("spread") && d.chance(0.4) ? times(d.pick([1, 1, 2]), () => constraint(d, app, rules, "DoNotSchedule")) : []),
    ...(rules.has("softSpread") && d.chance(0.4) ? [constraint(d, app, rules, "ScheduleAnyway")] : [])
  ]
  const unique = spread.filter((one, i) => spread.findIndex((two) => two.topologyKey === one.topologyKey) === i)
  const wishes = rules.has("preferredAffinity")
  const roll = d.upTo(10)
  const podAffinity = {
    ...(rules.has("affinity") && roll < 3 ? required(d, other, rules) : {}),
    ...(wishes && d.chance(0.2) ? preferred(d, other, rules) : {})
  }
  const podAntiAffinity = {
    ...(rules.has("antiAffinity") && roll > 6 ? required(d, other, rules) : {}),
    ...(wishes && d.chance(0.2) ? preferred(d, other, rules) : {})
  }
  return {
    ...(unique.length > 0 ? { topologySpreadConstraints: unique } : {}),
    ...(Object.keys(podAffinity).length > 0 ? { podAffinity } : {}),
    ...(Object.keys(podAntiAffinity).length > 0 ? { podAntiAffinity } : {})
  }
}
