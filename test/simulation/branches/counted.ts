/** Has the processes that are started from now on count which code they run, and tells what came of it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Mode } from "../world.ts"
import { coverageOf, summary } from "./reached.ts"

const root = fileURLToPath(new URL("../../../src", import.meta.url))
const below: ReadonlyArray<string> = ["controllers", "cloud"]

/** Gives back what is called once they have ended: the lines to print. The other mode's own code is left out. */
export const countBranches = (mode: Mode): () => ReadonlyArray<string> => {
  const folder = mkdtempSync(join(tmpdir(), "lives-"))
  process.env["NODE_V8_COVERAGE"] = folder
  return () => {
    delete process.env["NODE_V8_COVERAGE"]
    try {
      const others = `cloud/${mode === "lke" ? "instance" : "lke"}/`
      return summary(coverageOf(folder, root, below).filter(({ file }) => !file.startsWith(others)), below)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}
