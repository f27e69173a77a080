/** A configuration as the controller gets it: from a file, which is gone afterwards. */
import { Effect } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadKubeConfig } from "../../src/kube/kubeconfig.ts"

export const configOf = (cluster: { readonly server: string; readonly [key: string]: unknown }, user: object = {}) =>
  Effect.acquireUseRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "kubeconfig-"))),
    (root) => Effect.gen(function*() {
      const file = join(root, "config")
      yield* Effect.promise(() => writeFile(file, JSON.stringify({
        "current-context": "test",
        clusters: [{ name: "c", cluster }],
        users: [{ name: "u", user }],
        contexts: [{ name: "test", context: { cluster: "c", user: "u" } }]
      })))
      return yield* loadKubeConfig({ env: { KUBECONFIG: file } })
    }),
    (root) => Effect.promise(() => rm(root, { recursive: true }))
  )
