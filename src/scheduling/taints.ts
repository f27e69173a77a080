/** Taints and tolerations, by Kubernetes' rules. */
import type { Taint, Toleration } from "./problem.ts"

const integer = /^[+-]?\d+$/

/** True when the toleration is for this taint. No key, with Exists, is for every taint; no effect for every effect. */
export const tolerationMatches = (toleration: Toleration, taint: Taint): boolean => {
  if (toleration.effect !== undefined && toleration.effect !== "" && toleration.effect !== taint.effect) return false
  const key = toleration.key ?? ""
  const operator = toleration.operator === undefined || toleration.operator === "" ? "Equal" : toleration.operator
  if (key === "") return operator === "Exists"
  if (key !== taint.key) return false
  const value = toleration.value ?? ""
  const tainted = taint.value ?? ""
  switch (operator) {
    case "Exists":
      return true
    case "Equal":
      return value === tainted
    case "Gt":
      return integer.test(value) && integer.test(tainted) && BigInt(tainted) > BigInt(value)
    case "Lt":
      return integer.test(value) && integer.test(tainted) && BigInt(tainted) < BigInt(value)
    default:
      return false
  }
}

/** The taints that no toleration is for, whatever their effect: a preference counts until it is relaxed. */
export const untolerated = (
  taints: ReadonlyArray<Taint>,
  tolerations: ReadonlyArray<Toleration> | undefined
): ReadonlyArray<Taint> =>
  taints.filter((taint) => !(tolerations ?? []).some((toleration) => tolerationMatches(toleration, taint)))

/** What relaxation adds to a pod that no node without a PreferNoSchedule taint can take. */
export const softToleration: Toleration = { operator: "Exists", effect: "PreferNoSchedule" }

/** What the DaemonSet controller gives to every pod it makes, beyond the template. */
export const daemonTolerations: ReadonlyArray<Toleration> = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" }
]

/** `key=value:effect`, as kubectl writes it. */
export const describeTaint = (taint: Taint): string =>
  `${taint.key}${taint.value === undefined || taint.value === "" ? "" : `=${taint.value}`}:${taint.effect}`
