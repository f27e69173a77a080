/** How far a plan meets what pods prefer: a plan that meets more may cost more. */
import type { Plan, Pod, PodSpec, Problem } from "../../src/scheduling/index.ts"
import { affinityObjections } from "../scheduling/checker/affinity.ts"
import { antiAffinityObjections } from "../scheduling/checker/antiAffinity.ts"
import { meets, untolerated } from "../scheduling/checker/labels.ts"
import { spreadObjections } from "../scheduling/checker/spread.ts"
import type { Spot, World } from "../scheduling/checker/world.ts"
import { worldOf } from "../scheduling/checker/world.ts"

/** Each wish about other pods as the rule that it would be, and whether the pod's place keeps it. */
const about = (pod: Pod): ReadonlyArray<readonly [PodSpec, (world: World, spot: Spot, pod: Pod) => ReadonlyArray<string>]> => {
  const { containers, affinity, topologySpreadConstraints = [] } = pod.spec
  const node = affinity?.nodeAffinity === undefined ? {} : { nodeAffinity: affinity.nodeAffinity }
  return [
    ...(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => [
      { containers, affinity: { ...node, podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podAffinityTerm] } } },
      affinityObjections
    ] as const),
    ...(affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => [
      { containers, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podAffinityTerm] } } },
      antiAffinityObjections
    ] as const),
    ...topologySpreadConstraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway").map((constraint) => [
      { ...pod.spec, topologySpreadConstraints: [{ ...constraint, whenUnsatisfiable: "DoNotSchedule" }] }, spreadObjections
    ] as const)
  ]
}

/** The world in which a pod has another spec. */
const withSpec = (world: World, spot: Spot, pod: Pod, spec: PodSpec) => {
  const changed = { ...pod, spec }
  const place = { ...spot, placed: spot.placed.map((other) => other === pod ? changed : other) }
  return { world: { ...world, spots: world.spots.map((other) => other === spot ? place : other) }, spot: place, pod: changed }
}

const metOn = (world: World, spot: Spot, pod: Pod): number => {
  const wanted = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const nodes = wanted.filter(({ preference }) =>
    spot.faces.every(({ labels }) => (preference.matchExpressions ?? []).every((item) => meets(item, labels)))).length
  const others = about(pod).filter(([spec, objections]) => {
    const asked = withSpec(world, spot, pod, spec)
    return objections(asked.world, asked.spot, asked.pod).length === 0
  }).length
  return nodes + others + (untolerated(pod.spec, spot.taints).length === 0 ? 1 : 0)
}

/** The number of wishes that the plan meets, of all pods. */
export const wishesMet = (problem: Problem, plan: Plan): number => {
  const world = worldOf(problem, plan)
  return world.spots.flatMap((spot) => spot.placed.map((pod) => metOn(world, spot, pod))).reduce((sum, met) => sum + met, 0)
}
