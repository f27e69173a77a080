/** kubectl and helm as a user types them, against the cluster of the run. */
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Shared } from "./setup.ts"

export interface Cli {
  readonly kubectl: (...args: ReadonlyArray<string>) => Promise<string>
  /** `kubectl apply -f -` of a manifest, or of objects. */
  readonly apply: (manifest: string | ReadonlyArray<unknown>) => Promise<string>
  readonly helm: (...args: ReadonlyArray<string>) => Promise<string>
  /** `kubectl get … -o json`, parsed; the items of a list. */
  readonly get: <A>(...args: ReadonlyArray<string>) => Promise<ReadonlyArray<A>>
}

export const makeCli = (shared: Shared): Cli => {
  const run = (binary: string, args: ReadonlyArray<string>, input = ""): Promise<string> => new Promise((done, failed) => {
    const child = execFile(binary, [...args], {
      maxBuffer: 1 << 26,
      env: { PATH: process.env["PATH"], HOME: shared.dir, KUBECONFIG: shared.kubeconfig, KUBECACHEDIR: join(shared.dir, "kubecache") }
    }, (error, stdout, stderr) => error === null ? done(stdout) : failed(new Error(`${args.join(" ")}\n${stdout}${stderr}`)))
    // Who ends without reading its input says by its exit code whether that is an error.
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
  })
  const kubectl = (...args: ReadonlyArray<string>) => run(shared.kubectl, args)
  return {
    kubectl,
    apply: (manifest) => run(shared.kubectl, ["apply", "-f", "-"],
      typeof manifest === "string" ? manifest : JSON.stringify({ apiVersion: "v1", kind: "List", items: manifest })),
    helm: (...args) => run(shared.helm, args),
    get: async <A>(...args: ReadonlyArray<string>) => {
      const parsed = JSON.parse(await kubectl("get", ...args, "-o", "json")) as { readonly items?: ReadonlyArray<A> }
      return parsed.items ?? [parsed as A]
    }
  }
}

/** Writes a kubeconfig with this bearer token and returns its path. */
export const writeKubeconfig = (cluster: { readonly dir: string; readonly server: string }, name: string, token: string): string => {
  const file = join(cluster.dir, `${name}.kubeconfig`)
  writeFileSync(file, JSON.stringify({
    apiVersion: "v1", kind: "Config", "current-context": "e2e",
    clusters: [{ name: "e2e", cluster: { server: cluster.server, "certificate-authority": join(cluster.dir, "certs", "apiserver.crt") } }],
    users: [{ name, user: { token } }],
    contexts: [{ name: "e2e", context: { cluster: "e2e", user: name } }]
  }), { mode: 0o600 })
  return file
}

/** Asks again until the answer is there. The wait ends by itself with an error that names what was waited for. */
export const until = async <A>(what: string, ask: () => Promise<A | undefined | false>, seconds = 60): Promise<A> => {
  const end = Date.now() + seconds * 1000
  let last: unknown
  while (Date.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    await new Promise((resume) => setTimeout(resume, 100))
  }
  throw new Error(`waited ${seconds} s for ${what}${last === undefined ? "" : `; last error: ${String(last)}`}`)
}
