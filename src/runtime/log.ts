/**
 * Log lines as Karpenter writes them: one JSON object with `level`, `time`, `logger`, `message`, `commit`, then what the
 * code around it annotated (`controller`, `NodeClaim`, `reconcileID`, …), and `error` where something failed.
 */
import { Cause, Layer, Logger, References } from "effect"

const levels: Readonly<Record<string, string>> = { Fatal: "ERROR", Error: "ERROR", Warn: "WARN", Info: "INFO", Debug: "DEBUG", Trace: "DEBUG" }

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** One sentence per failure of the cause; stacks only for defects, since those are bugs. */
export const causeText = (cause: Cause.Cause<unknown>): string =>
  cause.reasons.map((reason) => {
    if (Cause.isFailReason(reason)) return reason.error instanceof Error ? reason.error.message : String(reason.error)
    if (Cause.isDieReason(reason)) return reason.defect instanceof Error ? reason.defect.stack ?? reason.defect.message : String(reason.defect)
    return "interrupted"
  }).join("; ")

/** Turns what was logged into the fields of a line. The first text is the message; plain objects add fields. */
export const lineOf = (options: Logger.Options<unknown>, commit: string): Record<string, unknown> => {
  const parts = Array.isArray(options.message) ? options.message : [options.message]
  const line: Record<string, unknown> = {
    level: levels[options.logLevel] ?? "INFO",
    time: options.date.toISOString(),
    logger: "controller",
    message: "",
    commit
  }
  const texts: Array<string> = []
  for (const part of parts) {
    if (isRecord(part)) Object.assign(line, part)
    else if (part instanceof Error) line["error"] = part.message
    else texts.push(String(part))
  }
  line["message"] = texts.join(" ")
  for (const [key, value] of Object.entries(options.fiber.getRef(References.CurrentLogAnnotations))) line[key] = value
  if (options.cause.reasons.length > 0) line["error"] = causeText(options.cause)
  return line
}

export type LogLevel = "debug" | "info" | "error"

const minimum = { debug: "Debug", info: "Info", error: "Error" } as const

/** JSON lines to `write` (a line without its newline), from `level` upwards. */
export const layer = (options: {
  readonly level: LogLevel
  readonly commit: string
  readonly write: (line: string) => void
}): Layer.Layer<never> => Layer.mergeAll(
  Logger.layer([Logger.make((entry) => options.write(JSON.stringify(lineOf(entry, options.commit))))]),
  Layer.succeed(References.MinimumLogLevel, minimum[options.level])
)
