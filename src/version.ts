/** Which build this is. An image carries its commit in a file beside package.json; a checkout has none. */
import { readFileSync } from "node:fs"

const beside = (file: string): URL => new URL(`../${file}`, import.meta.url)

const commitOf = (): string => {
  try {
    return readFileSync(beside("commit"), "utf8").trim()
  } catch {
    return "unspecified"
  }
}

export interface Version {
  readonly version: string
  readonly commit: string
}

/** Reads both from the package's own files. */
export const readVersion = (): Version => ({
  version: (JSON.parse(readFileSync(beside("package.json"), "utf8")) as { readonly version: string }).version,
  commit: commitOf()
})
