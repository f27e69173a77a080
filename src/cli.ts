/** Picks a command and runs it. Exit codes: 0 done or told to stop, 1 it could not be done, others as the command says. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Schema } from "effect"
import type { Runtime } from "effect"
import { explain } from "./commands/failure.ts"
import { readVersion } from "./version.ts"

const usage = `karpenter-linode [command] [flags]

Commands
  controller   serve a cluster (the default)
  demo         watch the controller work on a simulated Linode, at 60 times the speed
  plan         say what the controller would buy, for files or for a cluster; change nothing

karpenter-linode COMMAND --help tells a command's flags; --version the version.
`

const version = readVersion()

/** SIGTERM and SIGINT are not failures: what was begun has been put in order. A command that succeeds may say its own code. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit)) onExit(typeof exit.value === "number" ? exit.value : 0)
  else onExit(Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
}

class UnknownCommand extends Schema.TaggedError<UnknownCommand>()("UnknownCommand", { name: Schema.String }) {
  override get message(): string {
    return `there is no command "${this.name}"\n\n${usage}`
  }
}

const print = (text: string): Effect.Effect<void> => Effect.sync(() => process.stdout.write(text))

const command = (argv: ReadonlyArray<string>): Effect.Effect<unknown, unknown> => {
  const named = argv[0] !== undefined && !argv[0].startsWith("-")
  const name = named ? argv[0] : "controller"
  const args = named ? argv.slice(1) : argv
  const wantsHelp = args.includes("--help") || args.includes("-h")
  if (args.includes("--version")) return print(`karpenter-linode ${version.version} (${version.commit})\n`)
  if (!named && wantsHelp) return print(usage)
  // Each command brings its own clients: the other's need not be loaded.
  switch (name) {
    case "controller":
      return Effect.flatMap(Effect.promise(() => import("./commands/controller.ts")), ({ controller, help }) =>
        wantsHelp ? print(help) : controller({ args, env: process.env }, version))
    case "demo":
      return Effect.flatMap(Effect.promise(() => import("./commands/demo.ts")), ({ demo, help }) =>
        wantsHelp ? print(help) : demo(args))
    case "plan":
      return Effect.flatMap(Effect.promise(() => import("./commands/plan.ts")), ({ plan, help }) =>
        wantsHelp ? print(help) : plan(args, process.env))
    default:
      return Effect.fail(new UnknownCommand({ name: name ?? "" }))
  }
}

// Whoever read our output went away: end in silence, as other programs do on SIGPIPE.
process.stdout.on("error", () => process.exit(1))

NodeRuntime.runMain(
  command(process.argv.slice(2)).pipe(Effect.tapCause((cause) => Cause.hasInterruptsOnly(cause)
    ? Effect.void
    : Effect.sync(() => process.stderr.write(`karpenter-linode: ${explain(cause)}\n`)))),
  { disableErrorReporting: true, teardown }
)
