/** What came of a run of the demo, and whether it was good. */
import type { LinodeCloud } from "../../simulator/linode/linodeCloud.ts"

export interface Report {
  /** The most pods that ran at once. */
  readonly podsRunning: number
  readonly nodesBought: number
  /** Nodes of ours that Kubernetes still has. */
  readonly nodesLeft: number
  /** Linodes bought and not given back. */
  readonly linodesLeaked: number
  /** Linodes that no NodeClaim ever owned. */
  readonly duplicateNodes: number
  /** US dollars. */
  readonly peakHourlyPrice: number
  readonly linodeApiCalls: Readonly<Record<string, number>>
  /** From the pod's creation until it ran, in simulated seconds. */
  readonly timeToRunningSeconds: { readonly p50: number; readonly max: number }
}

const median = (sorted: ReadonlyArray<number>): number => sorted[Math.floor((sorted.length - 1) / 2)] ?? 0

export const makeReport = (facts: {
  readonly cloud: LinodeCloud
  /** Names of the nodes that NodeClaims were seen to own. */
  readonly owned: ReadonlySet<string>
  readonly mostRunning: number
  readonly nodesLeft: number
  readonly calls: ReadonlyMap<string, number>
  /** Seconds, one per pod that ran. */
  readonly waits: ReadonlyArray<number>
}): Report => {
  const bought = facts.cloud.purchases.filter((purchase) => !purchase.seeded)
  const waits = facts.waits.toSorted((a, b) => a - b)
  return {
    podsRunning: facts.mostRunning,
    nodesBought: bought.length,
    nodesLeft: facts.nodesLeft,
    linodesLeaked: bought.filter((purchase) => purchase.deletedAt === undefined).length,
    duplicateNodes: bought.filter((purchase) => !facts.owned.has(purchase.name)).length,
    peakHourlyPrice: Math.round(facts.cloud.peakHourlyPrice * 10_000) / 10_000,
    linodeApiCalls: Object.fromEntries([...facts.calls].sort(([a], [b]) => a.localeCompare(b))),
    timeToRunningSeconds: { p50: Math.round(median(waits)), max: Math.round(waits.at(-1) ?? 0) }
  }
}

/** Nothing was left behind and nothing was bought twice. */
export const isClean = (report: Report): boolean =>
  report.nodesLeft === 0 && report.linodesLeaked === 0 && report.duplicateNodes === 0

/** The report for a person. */
export const reportLines = (report: Report): ReadonlyArray<string> => [
  `  ${report.podsRunning} pods ran on ${report.nodesBought} Linodes, ${report.timeToRunningSeconds.p50} s after they were created (median; ${report.timeToRunningSeconds.max} s at most).`,
  `  At most $${report.peakHourlyPrice.toFixed(3)} an hour. Given back: ${report.nodesBought - report.linodesLeaked} of ${report.nodesBought}. Bought twice: ${report.duplicateNodes}.`,
  "",
  "  Calls to Linode:",
  ...Object.entries(report.linodeApiCalls).map(([route, n]) => `  ${String(n).padStart(6)}  ${route}`)
]
