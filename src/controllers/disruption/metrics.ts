/** The metrics of voluntary disruption, under Karpenter's names. */
import type { Context } from "effect"
import type { Metrics } from "../../runtime/metrics.ts"

const scoreBuckets = [0.1, 0.25, 0.33, 0.5, 1, 2, 5, 10]

export const disruptionMetrics = (metrics: Context.Service.Shape<typeof Metrics>) => ({
  evaluation: metrics.histogram(
    "karpenter_voluntary_disruption_decision_evaluation_duration_seconds",
    "Duration of the disruption decision evaluation process in seconds.",
    ["reason", "consolidation_type"]
  ),
  decisions: metrics.counter(
    "karpenter_voluntary_disruption_decisions_total",
    "Number of disruption decisions performed.",
    ["decision", "reason", "consolidation_type"]
  ),
  decisionsByNodePool: metrics.counter(
    "karpenter_voluntary_disruption_decisions_by_nodepool_total",
    "Number of disruption decisions performed, by NodePool of the nodes.",
    ["nodepool", "decision", "reason", "consolidation_type"]
  ),
  eligible: metrics.gauge(
    "karpenter_voluntary_disruption_eligible_nodes",
    "Number of nodes eligible for disruption by Karpenter.",
    ["reason"]
  ),
  timeouts: metrics.counter(
    "karpenter_voluntary_disruption_consolidation_timeouts_total",
    "Number of times the consolidation algorithm has reached a timeout.",
    ["consolidation_type"]
  ),
  failedValidations: metrics.counter(
    "karpenter_voluntary_disruption_failed_validations_total",
    "Number of candidates that failed validation before disruption.",
    ["consolidation_type"]
  ),
  queueFailures: metrics.counter(
    "karpenter_voluntary_disruption_queue_failures_total",
    "Number of replacements that were not there in time, or went away, for a decision that was then called off.",
    ["decision", "reason", "consolidation_type"]
  ),
  score: metrics.histogram(
    "karpenter_consolidation_score",
    "What a consolidation saves of its NodePool's cost against what it disturbs of it, where the policy is Balanced.",
    ["decision", "nodepool", "policy"],
    scoreBuckets
  ),
  moves: metrics.counter(
    "karpenter_consolidation_moves_total",
    "Number of consolidations that were judged, by what was decided.",
    ["decision", "nodepool", "policy"]
  ),
  allowed: metrics.gauge(
    "karpenter_nodepools_allowed_disruptions",
    "The number of nodes for a given NodePool that can be concurrently disrupting.",
    ["nodepool", "reason"]
  ),
  consuming: metrics.gauge(
    "karpenter_nodepools_nodes_consuming_budgets",
    "The number of nodes of a NodePool that use up its disruption budgets.",
    ["nodepool", "reason"]
  )
})
