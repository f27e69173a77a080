/** The metrics of voluntary disruption, under Karpenter's names (core-lifecycle §15). */
import type { Context } from "effect"
import type { Metrics } from "../../runtime/metrics.ts"

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
  eligible: metrics.gauge(
    "karpenter_voluntary_disruption_eligible_nodes",
    "Number of nodes eligible for disruption by Karpenter.",
    ["reason"]
  ),
  failedValidations: metrics.counter(
    "karpenter_voluntary_disruption_failed_validations_total",
    "Number of candidates that failed validation before disruption.",
    ["consolidation_type"]
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
