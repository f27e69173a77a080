/** The real controller as its own process, with what the chart gives it: its environment and its service account. */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import { resolve } from "node:path"
import { until } from "./cli.ts"
import type { Cli } from "./cli.ts"

export const main = resolve(import.meta.dirname, "../../../src/main.ts")

interface DeploymentObject {
  readonly spec: { readonly template: { readonly spec: { readonly serviceAccountName: string; readonly containers: ReadonlyArray<{
    readonly name: string
    readonly env?: ReadonlyArray<{ readonly name: string; readonly value?: string }>
    readonly envFrom?: ReadonlyArray<{ readonly secretRef?: { readonly name: string } }>
  }> } } }
}

/** What the pod of the installed chart would find in its environment, and the service account it runs as. */
export const fromChart = async (cli: Cli, namespace: string): Promise<{ readonly env: Record<string, string>; readonly serviceAccount: string }> => {
  const [deployment] = await cli.get<DeploymentObject>("deployment", "karpenter", "-n", namespace)
  const pod = deployment!.spec.template.spec
  const container = pod.containers.find((each) => each.name === "controller")!
  const env: Record<string, string> = {}
  for (const { secretRef } of container.envFrom ?? []) {
    if (secretRef === undefined) continue
    const [secret] = await cli.get<{ readonly data: Readonly<Record<string, string>> }>("secret", secretRef.name, "-n", namespace)
    for (const [key, value] of Object.entries(secret!.data)) env[key] = Buffer.from(value, "base64").toString()
  }
  for (const { name, value } of container.env ?? []) if (value !== undefined) env[name] = value
  return { env, serviceAccount: pod.serviceAccountName }
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly message?: string; readonly level?: string }

export interface Running {
  readonly process: ChildProcess
  readonly healthPort: number
  readonly metricsPort: number
  /** Every line so far, as text. */
  readonly output: () => string
  readonly lines: () => ReadonlyArray<LogLine>
  /** Milliseconds from the spawn until /readyz said ok. */
  readonly readyAfter: number
  /** SIGKILL: nothing of the process runs any more. */
  readonly kill: () => Promise<void>
  /** SIGTERM: it may put things in order. Gives its exit code. */
  readonly stop: () => Promise<number | null>
  readonly exited: Promise<number | null>
}

/** Starts the controller and waits until it is ready. */
export const startController = async (env: Readonly<Record<string, string>>, ports: readonly [number, number]): Promise<Running> => {
  const [healthPort, metricsPort] = ports
  const started = performance.now()
  const child = spawn(process.execPath, [main, "controller"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"], HOME: process.env["HOME"], ...env,
      METRICS_PORT: String(metricsPort), HEALTH_PROBE_PORT: String(healthPort)
    }
  })
  const texts: Array<string> = []
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => texts.push(line))
  const exited = new Promise<number | null>((done) => child.on("exit", done))
  const output = () => texts.join("\n")
  await until("the controller to be ready", async () => {
    if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}:\n${output()}`)
    return (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status === 200
  }, 30)
  return {
    process: child, healthPort, metricsPort, output, exited,
    readyAfter: performance.now() - started,
    lines: () => texts.flatMap((text) => {
      try {
        return [JSON.parse(text) as LogLine]
      } catch {
        return []
      }
    }),
    kill: async () => {
      child.kill("SIGKILL")
      await exited
    },
    stop: async () => {
      child.kill("SIGTERM")
      return await exited
    }
  }
}
