/** What `plan --consolidate -o json` prints. */
import { Schema } from "effect"
import type { Consolidated } from "./consolidate.ts"
import { podName, rounded } from "./json.ts"

const Texts = Schema.Array(Schema.String)
const Total = { nodes: Schema.Int, hourlyPrice: Schema.Finite }

/** Prices are US dollars an hour, pods `namespace/name`, times milliseconds. */
export const ConsolidationJson = Schema.Struct({
  version: Schema.Literal(1),
  /** In the order in which they would be carried out. */
  disruptions: Schema.Array(Schema.Struct({
    reason: Schema.Literals(["Empty", "Underutilized"]),
    remove: Texts,
    replace: Schema.Array(Schema.Struct({
      name: Schema.String,
      nodePool: Schema.String,
      instanceType: Schema.String,
      zone: Schema.String,
      hourlyPrice: Schema.Finite,
      pods: Texts
    })),
    moves: Schema.Array(Schema.Struct({ pod: Schema.String, to: Schema.String })),
    hourlySavings: Schema.Finite,
    podsMoved: Schema.Int
  })),
  kept: Schema.Array(Schema.Struct({ node: Schema.String, reason: Schema.String, message: Schema.String })),
  totals: Schema.Struct({
    before: Schema.Struct(Total),
    after: Schema.Struct({ ...Total, lowerBound: Schema.Finite })
  }),
  elapsedMs: Schema.Finite
})
export type ConsolidationJson = typeof ConsolidationJson.Type

export const consolidationJson = ({ disruptions, elapsedMs, kept, totals }: Consolidated): ConsolidationJson => ({
  version: 1,
  disruptions: disruptions.map(({ hourlySavings, moves, podsMoved, reason, remove, replace }) => ({
    reason,
    remove,
    replace: replace.map(({ hourlyPrice, instanceType, name, nodePool, pods, zone }) =>
      ({ name, nodePool, instanceType, zone, hourlyPrice, pods: pods.map(podName) })),
    moves: moves.map(({ pod, to }) => ({ pod: podName(pod), to })),
    hourlySavings: rounded(hourlySavings),
    podsMoved
  })),
  kept: kept.map(({ message, node, reason }) => ({ node, reason, message })),
  totals: {
    before: { nodes: totals.before.nodes, hourlyPrice: rounded(totals.before.hourlyPrice) },
    after: {
      nodes: totals.after.nodes, hourlyPrice: rounded(totals.after.hourlyPrice), lowerBound: rounded(totals.after.lowerBound)
    }
  },
  elapsedMs
})
