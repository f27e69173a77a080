/** What a generated problem may have in it, and the words that all of its parts use. */
import type { Dice } from "./dice.ts"

export const allRules = [
  "nodeAffinity", "preferredNodeAffinity", "nodeSelectors", "taints", "spread", "softSpread", "affinity", "antiAffinity",
  "preferredAffinity", "hostPorts", "volumes", "volumeLimits", "limits", "minValues", "weights", "daemons", "nodes", "namespaces",
  "reserved", "defaultSpread", "revisions"
] as const

export type Rule = typeof allRules[number]

/** Of the rules that are allowed those that one problem has: about half, so that what remains can be met more often. */
export type Rules = ReadonlySet<Rule>

export const chosenRules = (d: Dice, allowed: ReadonlyArray<Rule>): Rules => {
  const share = d.pick([0.2, 0.4, 0.7])
  return new Set(allRules.filter((rule) => d.chance(share) && allowed.includes(rule)))
}

export const zoneLabel = "topology.kubernetes.io/zone"
export const capacityTypeLabel = "karpenter.sh/capacity-type"
export const typeLabel = "node.kubernetes.io/instance-type"
export const hostnameLabel = "kubernetes.io/hostname"
/** Labels of the cloud: every node may have them. */
export const shapeLabel = "linode/class"
export const generationLabel = "linode/generation"
export const reservationLabel = "linode/reservation"
/** Labels that only NodePools give. */
export const teamLabel = "example.com/team"
export const tierLabel = "example.com/tier"

export const taints = [
  { key: "gpu", value: "yes", effect: "NoSchedule" }, { key: "batch", effect: "NoExecute" },
  { key: "slow", effect: "PreferNoSchedule" }
]
export const driver = "csi.example.com"
export const namespaces = ["default", "other"]
