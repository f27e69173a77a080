/**
 * Where the API server is and as whom we speak to it: from the files in KUBECONFIG, the pod's service account, or
 * `~/.kube/config`, the first of them that is there (controller-runtime's order). Read by @kubernetes/client-node; where it
 * differs from client-go, client-go's rules hold. It is loaded only here, when needed: it takes a moment and 30 MiB.
 */
import type { KubeConfig as ClientConfig } from "@kubernetes/client-node/dist/config.js"
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { delimiter, dirname, join, resolve } from "node:path"
import { KubeConfigInvalid } from "./liveStartError.ts"

/** One cluster, and one user of it. */
export interface KubeConfig {
  /** What to call it in messages: the file or files, or `in-cluster`. */
  readonly source: string
  readonly server: string
  readonly proxyUrl: string | undefined
  /** Of the context, or the pod's own: where the leader lease goes when nothing else is said. */
  readonly namespace: string | undefined
  /** Holds credentials, and knows how to renew them. */
  readonly client: ClientConfig
}

export interface KubeConfigOptions {
  /** The process's environment: KUBECONFIG, KUBERNETES_SERVICE_HOST, HOME. A pod's server is read from the process itself. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The root folder below which a pod's service account lies. */
  readonly root?: string
}

const tokenFileOfPod = "/var/run/secrets/kubernetes.io/serviceaccount/token"

const invalid = (source: string, detail: string) => new KubeConfigInvalid({ source, detail })

const clientNode = Effect.promise(() => import("@kubernetes/client-node/dist/config.js"))

/** The words of a failed system call, which name a file or a command; undefined for any other error: it may quote content. */
export const systemProblem = (error: unknown): string | undefined =>
  error instanceof Error && "syscall" in error ? error.message : undefined

/** The file's text, or undefined where there is none. */
const readText = (path: string): Effect.Effect<string | undefined, KubeConfigInvalid> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined
      throw error
    }),
    catch: (error) => invalid(path, systemProblem(error) ?? "cannot be read")
  })

/** YAML errors quote the line, an alias or a tag, which may hold a token: say only what and where. */
const yamlProblem = (error: unknown): string => {
  const { reason, mark } = error as { readonly reason?: string; readonly mark?: { readonly line?: number } }
  const what = /^[a-z, ]+/i.exec(reason ?? "")?.[0].trim() ?? "syntax error"
  return `not YAML: ${what}${mark?.line === undefined ? "" : ` in line ${mark.line + 1}`}`
}

const shapeProblem = (error: unknown): string => {
  const { message } = error as Error
  if (/^\w+\[\d+\]\.[a-z.]+ is missing$/.test(message)) return message
  return systemProblem(error) ?? "it has not the shape of a kubeconfig"
}

interface RawFile {
  readonly users?: ReadonlyArray<{ readonly user?: { readonly tokenFile?: unknown } | null } | null> | null
}

/** client-node does not know a user's `tokenFile`, which goes before `token`, but the same thing as an auth provider. */
const withTokenFiles = (file: RawFile, folder: string): RawFile => !Array.isArray(file.users) ? file : {
  ...file,
  users: file.users.map((entry) => {
    const { tokenFile, ...user } = entry?.user ?? {}
    if (!tokenFile) return entry
    const provider = { name: "tokenFile", config: { tokenFile: resolve(folder, String(tokenFile)) } }
    return { ...entry, user: { ...user, token: undefined, "auth-provider": provider } }
  })
}

const parse = Effect.fnUntraced(function*(path: string, content: string) {
  const { KubeConfig: Client } = yield* clientNode
  const yaml = yield* Effect.promise(() => import("js-yaml"))
  const value = yield* Effect.try({ try: () => yaml.load(content), catch: (error) => invalid(path, yamlProblem(error)) })
  return yield* Effect.try({
    try: () => {
      const client = new Client()
      client.loadFromString(JSON.stringify(withTokenFiles(value ?? {}, dirname(path))))
      client.makePathsAbsolute(dirname(path))
      return client
    },
    catch: (error) => invalid(path, shapeProblem(error))
  })
})

/** What is no text in client-node's clusters, users and contexts. */
const structured: ReadonlyArray<string> = ["exec", "authProvider", "skipTLSVerify"]

/** The current context of a configuration, in which the first of several things with the same name counts. */
const current = Effect.fnUntraced(function*(source: string, all: ClientConfig) {
  const name = all.getCurrentContext() || undefined
  if (name === undefined) return yield* invalid(source, "no current-context is set")
  const context = all.getContextObject(name)
  if (context === null) return yield* invalid(source, `the current context "${name}" is not among the contexts`)
  const cluster = all.getCluster(context.cluster)
  if (cluster === null) return yield* invalid(source, `the cluster "${context.cluster}" of context "${name}" is not there`)
  // client-node does not trust the cluster's certificate when there is no user at all.
  const user = context.user ? all.getUser(context.user) : { name: "" }
  if (user === null) return yield* invalid(source, `the user "${context.user}" of context "${name}" is not there`)
  const wrong = [cluster, user, context].flatMap((part) => Object.entries(part) as ReadonlyArray<readonly [string, unknown]>)
    .find(([key, value]) => !structured.includes(key) && typeof (value ?? "") !== "string")
  if (wrong !== undefined) return yield* invalid(source, `unexpected value: ${wrong[0]} of context "${name}" is no text`)

  const { KubeConfig: Client } = yield* clientNode
  const client = new Client()
  client.loadFromOptions({
    // Inline data goes before a file. Plain HTTP, as of kubectl proxy, is refused unless TLS is not to be verified.
    clusters: [{
      ...cluster,
      caFile: cluster.caData ? undefined : cluster.caFile,
      skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith("http:")
    }],
    users: [{
      ...user,
      certFile: user.certData ? undefined : user.certFile,
      keyFile: user.keyData ? undefined : user.keyFile,
      password: user.password ?? ""
    }],
    contexts: [{ name, cluster: cluster.name, user: user.name }],
    currentContext: name
  })
  const config: KubeConfig = {
    source,
    server: cluster.server,
    proxyUrl: cluster.proxyUrl || undefined,
    namespace: context.namespace?.trim() || undefined,
    client
  }
  return config
})

/** Of several files together; undefined when none of them is there. */
const fromFiles = Effect.fnUntraced(function*(paths: ReadonlyArray<string>) {
  const files: Array<ClientConfig> = []
  for (const path of paths) {
    const content = yield* readText(path)
    if (content !== undefined) files.push(yield* parse(path, content))
  }
  if (files.length === 0) return undefined
  const { KubeConfig: Client } = yield* clientNode
  const all = new Client()
  // Not client-node's merge: it refuses a name that two files share, and takes the last file's context.
  all.loadFromOptions({
    clusters: files.flatMap((file) => file.clusters),
    users: files.flatMap((file) => file.users),
    contexts: files.flatMap((file) => file.contexts),
    currentContext: files.find((file) => file.currentContext)?.currentContext
  })
  return yield* current(paths.join(delimiter), all)
})

const inCluster = Effect.fnUntraced(function*(root: string) {
  if ((yield* readText(`${root}${tokenFileOfPod}`)) === undefined) return undefined
  const { KubeConfig: Client } = yield* clientNode
  const all = new Client()
  yield* Effect.try({
    try: () => all.loadFromCluster(root),
    catch: (error) => invalid("in-cluster", systemProblem(error) ?? "the service account cannot be read")
  })
  return yield* current("in-cluster", all)
})

/**
 * Fails with KubeConfigInvalid when there is no configuration, or one that cannot be used. The error quotes names from the
 * files, never another value.
 */
export const loadKubeConfig = Effect.fnUntraced(function*(options: KubeConfigOptions) {
  const { KUBECONFIG: kubeconfig = "", HOME: home, KUBERNETES_SERVICE_HOST: host = "" } = options.env
  const paths = kubeconfig.split(delimiter).filter((path) => path !== "").map((path) => resolve(path))
  if (paths.length > 0) {
    return (yield* fromFiles(paths)) ?? (yield* invalid(paths.join(delimiter), "there is no such file"))
  }
  const own = host === "" ? undefined : yield* inCluster(options.root ?? "")
  if (own !== undefined) return own
  const personal = home === undefined ? undefined : yield* fromFiles([join(home, ".kube", "config")])
  return personal ?? (yield* invalid(
    "KUBECONFIG", "no kubeconfig: KUBECONFIG is not set, this is no pod of a cluster, and ~/.kube/config is not there"
  ))
})
