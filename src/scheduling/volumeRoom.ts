/** Attached volumes as one more thing that a node has room for: how many of each CSI driver. */
import type { Resources } from "./problem.ts"

const prefix = "volumes of "

/** More than any node can attach: what a driver without a limit has. */
const unlimited = 1e9

/** The name under which a driver's volumes are counted among resources. */
export const attachable = (driver: string): string => `${prefix}${driver}`

export const isAttachable = (resource: string): boolean => resource.startsWith(prefix)

/** What volumes take of a node. */
export const attachmentsOf = (volumes: ReadonlyArray<{ readonly driver: string }>): Resources => {
  const out: Record<string, number> = {}
  for (const { driver } of volumes) out[attachable(driver)] = Number(out[attachable(driver)] ?? 0) + 1
  return out
}

/** What a node has of the resources named, those volumes included that its limits do not speak of. */
export const withAttachable = (
  resources: Resources, limits: { readonly [driver: string]: number } | undefined, names: ReadonlyArray<string>
): Resources => {
  const counted = names.filter(isAttachable)
  if (counted.length === 0) return resources
  return { ...resources, ...Object.fromEntries(counted.map((name) => [name, limits?.[name.slice(prefix.length)] ?? unlimited])) }
}
