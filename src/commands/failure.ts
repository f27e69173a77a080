/** What a command that failed says to the person who started it: what is wrong and, where we know it, what to do. */
import { Cause } from "effect"
import { LinodeError } from "../linode/linodeError.ts"
import { causeText } from "../runtime/log.ts"
import { SettingsInvalid } from "../settings/load.ts"

const sentence = (error: unknown): string => {
  if (error instanceof SettingsInvalid) {
    const many = error.problems.length
    return [
      `${many} setting${many === 1 ? " is" : "s are"} missing or wrong:`,
      ...error.problems.map((p) => `  ${p.name}: ${p.found}, expected ${p.expected}`),
      "See karpenter-linode controller --help."
    ].join("\n")
  }
  if (error instanceof LinodeError) {
    const where = `(${error.route}${error.status === 0 ? "" : `, HTTP ${error.status}`})`
    if (error.reason._tag === "Auth") return `Linode does not accept LINODE_TOKEN: ${error.detail} ${where}`
    return `Linode: ${error.detail} ${where}`
  }
  return error instanceof Error ? error.message : String(error)
}

/** One line per failure; a defect shows its stack, because it is a bug of ours. */
export const explain = (cause: Cause.Cause<unknown>): string => {
  const failures = cause.reasons.filter(Cause.isFailReason)
  return failures.length > 0 ? failures.map((reason) => sentence(reason.error)).join("\n") : causeText(cause)
}
