/** `npm run simulate`: see args.ts. */
import { availableParallelism } from "node:os"
import type { Options } from "./args.ts"
import { help, parse } from "./args.ts"
import { lineText, replayCommand } from "./report.ts"
import type { Outcome } from "./work.ts"
import { workHere, workShared } from "./work.ts"

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const simulate = async (options: Options): Promise<number> => {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const faults = new Map<string, number>()
  let lives = 0
  let violations = 0
  const progress = (): void => {
    if (!process.stderr.isTTY) return
    process.stderr.write(`\r${lives}/${options.seeds} lives, ${violations} violations, ${(lives / seconds()).toFixed(1)} a second `)
    if (lives === options.seeds) process.stderr.write("\r\u001b[K")
  }
  const complain = ({ seed, trace, violation }: Outcome): void => {
    if (violation === undefined) return
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
    print(`seed ${seed}: ${violation.invariant}: ${violation.text}`)
    if (!options.trace) for (const line of trace) print(`  ${line}`)
    print(`  ${replayCommand(options.mode, seed)}`)
  }
  const onOutcome = (outcome: Outcome): boolean => {
    lives++
    for (const [kind, times] of outcome.faults) faults.set(kind, (faults.get(kind) ?? 0) + times)
    if (outcome.violation !== undefined) {
      violations++
      complain(outcome)
    }
    progress()
    return outcome.violation === undefined || options.keepGoing
  }
  const counted = options.coverage ? (await import("./branches/counted.ts")).countBranches(options.mode) : undefined
  if (options.workers > 1 || counted !== undefined) await workShared(options.mode, options.seed, options.seeds, options.workers, { onOutcome })
  else await workHere(options.mode, options.seed, options.seeds, {
    onOutcome,
    onLines: (_, lines) => {
      if (options.trace) for (const line of lines) print(lineText(line))
    }
  })
  if (options.kinds) {
    for (const [kind, times] of [...faults].toSorted(([a], [b]) => a < b ? -1 : 1)) print(`${String(times).padStart(9)} ${kind}`)
  }
  for (const line of counted?.() ?? []) print(line)
  const sum = [...faults.values()].reduce((total, times) => total + times, 0)
  print(`${lives} lives, ${violations} violations, ${sum} faults in ${faults.size} kinds, ${seconds().toFixed(1)} s`)
  return violations > 0 ? 1 : 0
}

const parsed = parse(process.argv.slice(2), availableParallelism())
switch (parsed.is) {
  case "help":
    process.stdout.write(help)
    break
  case "wrong":
    process.stderr.write(`${parsed.message}\n`)
    process.exitCode = 2
    break
  case "options":
    process.exitCode = await simulate(parsed.options)
}
