/** The chart as helm renders it. Without helm the end-to-end suite is what renders it. */
import { afterAll, assert } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { loadAll } from "js-yaml"

export type Values = { readonly [key: string]: unknown }

export const chart = join(import.meta.dirname, "..", "..", "charts", "karpenter")

const binary = [process.env["KUBEBUILDER_ASSETS"] ?? "", ...(process.env["PATH"] ?? "").split(delimiter)]
  .filter((folder) => folder !== "").map((folder) => join(folder, "helm")).find(existsSync)

export const hasHelm = binary !== undefined

const home = mkdtempSync(join(tmpdir(), "helm-"))
afterAll(() => rmSync(home, { recursive: true, force: true }))

export const helm = (...args: ReadonlyArray<string>): string =>
  execFileSync(binary!, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { HOME: home, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home }
  })

export const template = (...args: ReadonlyArray<string>): string =>
  helm("template", "karpenter", chart, "--namespace", "kube-system", ...args)

export const minimal = ["--set", "apiToken=secret", "--set", "settings.clusterName=cluster"]

export const objects = (...args: ReadonlyArray<string>) => loadAll(template(...minimal, ...args)) as ReadonlyArray<Values>

/** As from a values file. */
export const given = (values: Values): ReadonlyArray<string> =>
  Object.entries(values).flatMap(([key, value]) => ["--set-json", `${key}=${JSON.stringify(value)}`])

export const kind = (all: ReadonlyArray<Values>, name: string) => all.filter((object) => object["kind"] === name)

export const one = (all: ReadonlyArray<Values>, name: string): Values => {
  const found = kind(all, name)
  assert.lengthOf(found, 1)
  return found[0]!
}
