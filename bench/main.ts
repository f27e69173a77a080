/** Measures what is promised, prints it, and keeps it in bench/RESULTS.md. */
import { parseArgs } from "node:util"
import { consolidation } from "./consolidation.ts"
import { controller } from "./controller.ts"
import { cost } from "./costSection.ts"
import type { Section } from "./results.ts"
import { keep } from "./results.ts"
import { scale } from "./scale.ts"
import { scheduling } from "./scheduling.ts"
import { mixes } from "./schedulingMixes.ts"

const help = `npm run bench [-- flags]

  --only SECTION   scheduling, cost, consolidation, controller or scale; may be given several times (default: all)
  --runs N         how often everything is measured (default 5)
  --max-pods N     leaves larger batches out (default: none)
  --mix NAME       of scheduling, only this batch; may be given several times: ${mixes.map(({ name }) => name).join(", ")}
  --help           this text

Builds first, also Karpenter's Go scheduler (needs Go), which is the rival. All of it takes about half an hour, a third of that for consolidation; other work on the
machine shows in the figures. A section of bench/RESULTS.md is replaced whole by what was measured of it; others stay as they are.
`

const names = ["scheduling", "cost", "consolidation", "controller", "scale"] as const

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    runs: { type: "string", default: "5" },
    "max-pods": { type: "string", default: "Infinity" },
    mix: { type: "string", multiple: true },
    help: { type: "boolean", default: false }
  }
})
const only = values.only ?? names
const runs = Number(values.runs)
const maxPods = Number(values["max-pods"])
const chosen = values.mix ?? mixes.map(({ name }) => name)

const wrong = [
  ...only.filter((name) => !names.some((known) => known === name)).map((name) => `--only ${name}: expected ${names.join(", ")}`),
  ...chosen.filter((name) => !mixes.some((known) => known.name === name)).map((name) => `--mix ${name}: no batch is called so`),
  ...(Number.isInteger(runs) && runs > 0 ? [] : [`--runs ${values.runs}: expected a number above 0`]),
  ...(maxPods > 0 ? [] : [`--max-pods ${values["max-pods"]}: expected a number above 0`])
]

const measure: Readonly<Record<typeof names[number], () => Promise<Section>>> = {
  scheduling: () => scheduling(mixes.filter(({ name, pods }) => pods <= maxPods && chosen.includes(name)), runs),
  cost: () => cost(maxPods),
  consolidation: () => consolidation(runs, maxPods),
  controller: () => controller(runs),
  scale: () => Promise.resolve(scale())
}

if (values.help) process.stdout.write(help)
else if (wrong.length > 0) {
  process.stderr.write(`${wrong.join("\n")}\n\n${help}`)
  process.exitCode = 1
} else {
  for (const name of names.filter((each) => only.includes(each))) {
    process.stderr.write(`::: ${name}\n`)
    const section = await measure[name]()
    keep(section)
    process.stdout.write(`## ${section.title}\n\n${section.text}\n\n`)
  }
}
