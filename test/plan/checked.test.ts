/** What plan answers is judged by the checker that knows Kubernetes' rules and not the scheduler. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { violations } from "../scheduling/checker.ts"
import { list, node, nodePool, plan, pod, workload } from "./support.ts"

const example = (file: string): string => readFileSync(resolve(import.meta.dirname, "../../examples/plan", file), "utf8")

const spread = { topologySpreadConstraints: [{
  maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "even" } }
}] }
const even = (n: number) => pod(`even-${n}`, { cpu: "700m", memory: "1Gi" }, spread, { labels: { app: "even" } })

const inputs: ReadonlyArray<readonly [string, string]> = [
  ["examples/plan/shop.yaml", example("shop.yaml")],
  ["examples/plan/misfits.yaml", example("misfits.yaml")],
  ["a cluster with nodes, limits and rules about other pods", list(
    nodePool("first", { weight: 10, limits: { cpu: "12" } }), nodePool("second"),
    node("n1"), node("n2"), pod("busy", { cpu: "6" }, { nodeName: "n1" }),
    workload("Deployment", "web", 20), even(1), even(2), even(3), even(4)
  )]
]

describe("the plan command's plans", () => {
  it.effect.each(inputs)("keep the rules for %s, first and searched", ([, input]) => Effect.gen(function*() {
    for (const searchMillis of [0, 5]) {
      const { answer, question } = yield* plan(input, { searchMillis })
      assert.deepStrictEqual(violations(question.problem, answer.plan), [])
    }
  }))
})
