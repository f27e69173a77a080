/** What plans cost beside the lower bound, and what the rival pays for the same pods. */
import type { CostRow } from "./cost.ts"
import { budgets, costProblem, costRows, means, sizes } from "./cost.ts"
import { peerOf } from "./peer.ts"
import type { Section } from "./results.ts"
import { machine, table } from "./results.ts"
import { provideRival } from "./rival.ts"

interface Row extends CostRow {
  readonly rival: number
}

const share = (price: number, { bound }: CostRow): string => (price / bound).toFixed(3)

const cells = (row: Row): ReadonlyArray<string> => [
  row.mix, row.pods.toLocaleString("en"), row.plans, row.bound.toFixed(2), share(row.rival, row), share(row.firstFit, row),
  ...row.searched.map((price) => share(price, row)), String(row.nodes.firstFit), String(row.nodes.searched)
]

/** The rows that the goal is about. */
const counted = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  rows.filter(({ plans, pods }) => plans === "standard+dedicated" && pods >= 100)

const mean = (values: ReadonlyArray<number>): string => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3)

export const cost = async (maxPods: number): Promise<Section> => {
  const rival = (await provideRival()).serve(1)
  const rows: Array<Row> = []
  for (const row of costRows(sizes.filter((size) => size <= maxPods))) {
    const { runs: [run] } = await rival.ask(peerOf(costProblem(row.mix, row.pods, row.plans)))
    rows.push({ ...row, rival: run!.totalPrice })
    const ours = row.searched.map((price) => share(price, row)).join(" ")
    process.stderr.write(`${row.mix}, ${row.pods} pods, ${row.plans}: rival ${share(run!.totalPrice, row)}, ours ${ours}\n`)
  }
  rival.close()
  return {
    title: "Cost",
    text: [
      `${machine()}. Pods on Linode's plans and prices. The bound is what the pods would cost if they could be poured; all ` +
      `else is the price as a multiple of it: the rival's, our first plan's, and after a search of ${budgets.join(", ")} ms. ` +
      `Goal: at most 1.03 on average at ${budgets[1]} ms for 100 pods and more on standard and dedicated plans.`,
      "",
      table([
        "mix", "pods", "plans", "bound, $/h", "rival", "first-fit", ...budgets.map((budget) => `${budget} ms`),
        "nodes: first-fit", `${budgets[1]} ms`
      ], [
        ...rows.map(cells),
        ...(counted(rows).length === 0 ? [] : [[
          "mean", "≥ 100", "standard+dedicated", "", mean(counted(rows).map(({ bound, rival: price }) => price / bound)),
          ...means(rows).map((value) => value.toFixed(3)), "", ""
        ]])
      ])
    ].join("\n")
  }
}
