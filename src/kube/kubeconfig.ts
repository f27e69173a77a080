/**
 * Where the API server is and as whom we speak to it: from the files in KUBECONFIG, the pod's service account, or
 * `~/.kube/config`, the first of them that is there (controller-runtime's order).
 */
import { Effect, Schema } from "effect"
import { readFile } from "node:fs/promises"
import { delimiter, dirname, join, resolve } from "node:path"
import { KubeConfigInvalid } from "./liveStartError.ts"

const text = Schema.optional(Schema.NullOr(Schema.String))

const Cluster = Schema.Struct({
  server: Schema.NonEmptyString,
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": Schema.optional(Schema.NullOr(Schema.Boolean)),
  "tls-server-name": text,
  "proxy-url": text
})
const User = Schema.Struct({
  token: text,
  tokenFile: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  username: text,
  password: text,
  as: text,
  exec: Schema.optional(Schema.Unknown),
  "auth-provider": Schema.optional(Schema.Unknown)
})
const list = <A>(entry: Schema.Decoder<A>) => Schema.optional(Schema.NullOr(Schema.Array(entry)))
const File = Schema.Struct({
  "current-context": text,
  clusters: list(Schema.Struct({ name: Schema.String, cluster: Cluster })),
  users: list(Schema.Struct({ name: Schema.String, user: Schema.optional(Schema.NullOr(User)) })),
  contexts: list(Schema.Struct({
    name: Schema.String,
    context: Schema.Struct({ cluster: Schema.String, user: text, namespace: text })
  }))
})
const decodeFile = Schema.decodeUnknownEffect(File)

/** One cluster and one user of a kubeconfig. Files that it names are absolute paths. */
export interface KubeConfig {
  /** What to call it in messages: the file or files, or `in-cluster`. */
  readonly source: string
  readonly cluster: typeof Cluster.Type
  readonly user: typeof User.Type
  /** Of the context, or the pod's own: where the leader lease goes when nothing else is said. */
  readonly namespace: string | undefined
}

export interface KubeConfigOptions {
  /** The process's environment: KUBECONFIG, KUBERNETES_SERVICE_HOST and _PORT, HOME. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly serviceAccount?: string
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

const invalid = (source: string, detail: string) => new KubeConfigInvalid({ source, detail })

/** The file's text, or undefined where there is none. */
const readText = (path: string): Effect.Effect<string | undefined, KubeConfigInvalid> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined
      throw error
    }),
    catch: (error) => invalid(path, error instanceof Error ? error.message : "cannot be read")
  })

/** YAML errors quote the line, which may hold a token: say only what and where. */
const yamlProblem = (error: unknown): string => {
  const { reason, mark } = error as { readonly reason?: string; readonly mark?: { readonly line?: number } }
  return `not YAML: ${reason ?? "syntax error"}${mark?.line === undefined ? "" : ` in line ${mark.line + 1}`}`
}

const parse = Effect.fnUntraced(function*(path: string, content: string) {
  const yaml = yield* Effect.promise(() => import("js-yaml"))
  const value = yield* Effect.try({ try: () => yaml.load(content), catch: (error) => invalid(path, yamlProblem(error)) })
  // The schema's own message may quote a value; the path is enough to find it.
  const file = yield* decodeFile(value ?? {}).pipe(Effect.mapError((error) =>
    invalid(path, `unexpected value ${/at (\[.*\])/.exec(error.message)?.[1] ?? ""}`.trimEnd())))
  const at = (name: string | null | undefined) => name ? resolve(dirname(path), name) : undefined
  return {
    current: file["current-context"] ?? "",
    clusters: (file.clusters ?? []).map(({ name, cluster }) => ({
      name, cluster: { ...cluster, "certificate-authority": at(cluster["certificate-authority"]) }
    })),
    users: (file.users ?? []).map(({ name, user }) => ({
      name,
      user: {
        ...user,
        tokenFile: at(user?.tokenFile),
        "client-certificate": at(user?.["client-certificate"]),
        "client-key": at(user?.["client-key"])
      }
    })),
    contexts: file.contexts ?? []
  }
})

/** The current context of several files, where the first to name a thing wins; undefined when none of them is there. */
const fromFiles = Effect.fnUntraced(function*(paths: ReadonlyArray<string>) {
  const files = []
  for (const path of paths) {
    const content = yield* readText(path)
    if (content !== undefined) files.push(yield* parse(path, content))
  }
  if (files.length === 0) return undefined
  const source = paths.join(delimiter)
  const current = files.find((file) => file.current !== "")?.current
  if (current === undefined) return yield* invalid(source, "no current-context is set")
  const context = files.flatMap((file) => file.contexts).find((entry) => entry.name === current)?.context
  if (context === undefined) return yield* invalid(source, `the current context "${current}" is not among the contexts`)
  const cluster = files.flatMap((file) => file.clusters).find((entry) => entry.name === context.cluster)?.cluster
  if (cluster === undefined) {
    return yield* invalid(source, `the cluster "${context.cluster}" of context "${current}" is not there`)
  }
  const userName = context.user ?? ""
  const user = files.flatMap((file) => file.users).find((entry) => entry.name === userName)?.user
  if (user === undefined && userName !== "") {
    return yield* invalid(source, `the user "${userName}" of context "${current}" is not there`)
  }
  const config: KubeConfig = { source, cluster, user: user ?? {}, namespace: context.namespace ?? undefined }
  return config
})

const inCluster = Effect.fnUntraced(function*(host: string, port: string, folder: string) {
  const tokenFile = join(folder, "token")
  if ((yield* readText(tokenFile)) === undefined) return undefined
  const config: KubeConfig = {
    source: "in-cluster",
    cluster: {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      "certificate-authority": join(folder, "ca.crt")
    },
    user: { tokenFile },
    namespace: (yield* readText(join(folder, "namespace")))?.trim()
  }
  return config
})

/** Fails with KubeConfigInvalid when there is no configuration, or one that cannot be used. */
export const loadKubeConfig = Effect.fnUntraced(function*(options: KubeConfigOptions) {
  const { KUBECONFIG: kubeconfig = "", HOME: home, KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } =
    options.env
  const paths = kubeconfig.split(delimiter).filter((path) => path !== "").map((path) => resolve(path))
  if (paths.length > 0) {
    return (yield* fromFiles(paths)) ?? (yield* invalid(paths.join(delimiter), "there is no such file"))
  }
  const own = host === "" ? undefined : yield* inCluster(host, port, options.serviceAccount ?? serviceAccountFolder)
  if (own !== undefined) return own
  const personal = home === undefined ? undefined : yield* fromFiles([join(home, ".kube", "config")])
  return personal ?? (yield* invalid(
    "KUBECONFIG", "no kubeconfig: KUBECONFIG is not set, this is no pod of a cluster, and ~/.kube/config is not there"
  ))
})
