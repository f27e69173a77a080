/** Labels, taints and names that the problems are made of. */
import type { Taint } from "../../../src/scheduling/index.ts"

export const label = {
  zone: "topology.kubernetes.io/zone",
  hostname: "kubernetes.io/hostname",
  capacityType: "karpenter.sh/capacity-type",
  instanceType: "node.kubernetes.io/instance-type",
  arch: "kubernetes.io/arch",
  /** Of the provider, on every type. */
  family: "example.com/family",
  /** Of the provider, a number, on most types. */
  cpus: "example.com/cpus",
  /** Of users, set by NodePools. */
  team: "example.org/team",
  tier: "example.org/tier"
} as const

/** Nodes of a reservation name it by this label. */
export const reservationIdLabel = "example.com/reservation"

export const wellKnownLabels: ReadonlyArray<string> = [label.family, label.cpus]

export const taints: ReadonlyArray<Taint> = [
  { key: "gpu", value: "yes", effect: "NoSchedule" },
  { key: "batch", effect: "NoExecute" },
  { key: "slow", value: "very", effect: "PreferNoSchedule" }
]

/** What deployments are called by; the label `app` of their pods. */
export const apps = ["web", "db", "job", "cache", "queue"] as const

export const driver = "block.example.com"

/** What a problem is about. Few at a time: then a difference says where it comes from, and everything still has a place. */
export const themes = [
  "affinity", "antiAffinity", "capacityTypes", "daemons", "hostPorts", "limits", "minValues", "nodeAffinity", "nodes", "pools",
  "preferences", "requests", "reservations", "softSpread", "spread", "spreadPolicies", "taints", "volumes"
] as const

export type Theme = typeof themes[number]
export type Themes = ReadonlySet<Theme>
