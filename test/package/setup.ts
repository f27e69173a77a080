/** Packs what would be published, once, and unpacks it by hand: an installer would bring dependencies along. */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    /** A folder that holds the examples, and the unpacked package as its only module. */
    readonly consumer: string
  }
}

const root = resolve(import.meta.dirname, "../..")

export default (project: TestProject): () => void => {
  const work = mkdtempSync(join(tmpdir(), "karpenter-linode-package-"))
  const consumer = join(work, "consumer")
  const unpacked = join(consumer, "node_modules", "karpenter-linode")
  mkdirSync(unpacked, { recursive: true })
  execFileSync("npm", ["pack", "--silent", "--pack-destination", work], { cwd: root, stdio: ["ignore", "ignore", "inherit"] })
  const tarball = readdirSync(work).find((name) => name.endsWith(".tgz"))
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${work}`)
  execFileSync("tar", ["-xzf", join(work, tarball), "-C", unpacked, "--strip-components=1"])
  // The shipped ones: what somebody installs by hand in a checkout's examples is not among them.
  cpSync(join(unpacked, "examples", "scheduling"), consumer, { recursive: true })
  project.provide("consumer", consumer)
  return () => rmSync(work, { recursive: true, force: true })
}
