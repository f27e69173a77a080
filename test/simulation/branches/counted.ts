/** Has the processes that are started from now on count which code they run, and tells what came of it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { coverageOf, summary } from "./reached.ts"

const root = fileURLToPath(new URL("../../../src", import.meta.url))
const below: ReadonlyArray<string> = ["controllers", "cloud"]

/** Gives back what is called once they have ended: the lines to print. */
export const countBranches = (): () => ReadonlyArray<string> => {
  const folder = mkdtempSync(join(tmpdir(), "lives-"))
  process.env["NODE_V8_COVERAGE"] = folder
  return () => {
    delete process.env["NODE_V8_COVERAGE"]
    try {
      return summary(coverageOf(folder, root, below), below)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}
