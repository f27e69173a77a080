/** The text of `karpenter-linode controller --help`. */
import { table } from "./table.ts"
import type { Setting } from "./table.ts"

const wrap = (text: string, width: number, indent: string): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map((each) => indent + each).join("\n")
}

const one = (setting: Setting<unknown>): string => {
  const names = [...(setting.flag === undefined ? [] : [`--${setting.flag}`]), ...setting.env].join(", ")
  const fallback = setting.fallback === undefined ? "required" : `default: ${setting.fallback.shown}`
  return `  ${names}\n${wrap(setting.about, 90, "      ")}\n${wrap(`Expects ${setting.kind.expected} (${fallback}).`, 90, "      ")}`
}

/** Every setting by group, with its flag, variables, meaning and default. */
export const settingsHelp: string = Object.entries(
  Object.groupBy(Object.values(table) as ReadonlyArray<Setting<unknown>>, (setting) => setting.group)
).map(([group, settings]) => `${group}\n${(settings ?? []).map(one).join("\n")}`).join("\n\n")
