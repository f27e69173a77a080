/**
 * Which node a machine's user data makes of it: it is read as kubeadm, k3s and the kubelet read what cloud-init leaves behind,
 * and fails where they would. Written apart from what writes user data, so that it can prove it wrong.
 */
import { CORE_SCHEMA, loadAll } from "js-yaml"
import { Result } from "effect"
import type { Taint } from "../../kube/objects.ts"
import { isRecord } from "../linode/poolRules.ts"
import { type FirstBoot, firstBoot, type Metadata } from "./cloudInit.ts"

export interface Join {
  readonly by: "kubeadm" | "k3s"
  readonly nodeName: string
  readonly labels: Readonly<Record<string, string>>
  readonly taints: ReadonlyArray<Taint>
  /** As the kubelet itself says it. */
  readonly providerID: string | undefined
  /** The kubelet waits for a cloud controller manager: the node is tainted until one has seen it. */
  readonly externalCloud: boolean
  readonly maxPods: number | undefined
  /** `host:port` */
  readonly endpoint: string
  readonly token: { readonly id: string; readonly secret: string }
  /** kubeadm: `sha256:<hex>` of public keys; k3s: hex of the authority's file. Empty: it trusts anybody. */
  readonly caHashes: ReadonlyArray<string>
}

type Read<A> = Result.Result<A, string>

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const domain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const endpointPattern = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/
const effects: ReadonlyArray<string> = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

const isName = (text: string): boolean => text.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(text)
const isKey = (key: string): boolean => {
  const [first = "", second, ...more] = key.split("/")
  if (second === undefined) return isName(first)
  return more.length === 0 && first.length <= 253 && domain.test(first) && isName(second)
}
const isValue = (value: string): boolean => value === "" || isName(value)

/** Of Kubernetes' own namespaces, what a kubelet may say of itself: the kubelet's own check, which NodeRestriction shares. */
const ownLabels = new Set([
  "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/arch", "beta.kubernetes.io/os",
  "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone"
])
const under = (namespace: string, parent: string): boolean => namespace === parent || namespace.endsWith(`.${parent}`)
const isAllowed = (key: string): boolean => {
  const namespace = key.includes("/") ? key.slice(0, key.indexOf("/")) : ""
  if (!under(namespace, "kubernetes.io") && !under(namespace, "k8s.io")) return true
  return ownLabels.has(key) || under(namespace, "kubelet.kubernetes.io") || under(namespace, "node.kubernetes.io")
}

const readLabels = (pairs: ReadonlyArray<string>): Read<Readonly<Record<string, string>>> => {
  const labels: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf("=")
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)]
    if (at < 1 || !isKey(key) || !isValue(value)) return Result.fail(`the kubelet refuses the label ${pair}`)
    if (!isAllowed(key)) return Result.fail(`the kubelet may not set the label ${key}`)
    labels[key] = value
  }
  return Result.succeed(labels)
}

const readTaint = (text: string): Read<Taint> => {
  const match = /^([^=:]+)(?:=([^:]*))?:([A-Za-z]+)$/.exec(text)
  const [, key = "", value = "", effect = ""] = match ?? []
  if (!isKey(key) || !isValue(value) || !effects.includes(effect)) return Result.fail(`the kubelet refuses the taint ${text}`)
  return Result.succeed({ key, ...(value === "" ? {} : { value }), effect: effect as Taint["effect"] })
}

const taintText = (taint: unknown): string => {
  if (!isRecord(taint)) return String(taint)
  const { effect, key, value } = taint
  return `${String(key)}${value === undefined || value === "" ? "" : `=${String(value)}`}:${String(effect)}`
}

const split = (list: string | undefined): ReadonlyArray<string> => (list ?? "").split(",").filter((part) => part !== "")

/** What the kubelet is told, whoever starts it. */
interface KubeletInput {
  readonly name: string
  /** Flags without dashes. */
  readonly flags: ReadonlyMap<string, string>
  readonly labels?: ReadonlyArray<string>
  readonly taints?: ReadonlyArray<string>
}

const kubelet = ({ flags, labels = [], name, taints = [] }: KubeletInput) => Result.gen(function*() {
  if (name.length > 253 || !domain.test(name)) return yield* Result.fail(`${name} is no name of a node`)
  const all: Array<Taint> = []
  for (const text of [...taints, ...split(flags.get("register-with-taints"))]) all.push(yield* readTaint(text))
  if (new Set(all.map(({ effect, key }) => `${key}:${effect}`)).size < all.length) return yield* Result.fail("the API server refuses two taints of one key and effect")
  const provider = flags.get("cloud-provider") ?? ""
  if (provider !== "" && provider !== "external") return yield* Result.fail(`there is no cloud provider ${provider}`)
  const maxPods = flags.get("max-pods")
  return {
    nodeName: name,
    labels: yield* readLabels([...labels, ...split(flags.get("node-labels"))]),
    taints: all,
    providerID: flags.get("provider-id"),
    externalCloud: provider === "external",
    maxPods: maxPods === undefined ? undefined : Number(maxPods)
  }
})

const readToken = (text: unknown): Read<Join["token"]> => {
  const match = tokenPattern.exec(String(text))
  return match === null ? Result.fail("the bootstrap token is not <6>.<16>") : Result.succeed({ id: match[1]!, secret: match[2]! })
}

const flagsOf = (entries: ReadonlyArray<readonly [unknown, unknown]>): ReadonlyMap<string, string> =>
  new Map(entries.map(([name, value]) => [String(name), String(value)]))

const pairOf = (text: string): readonly [string, string] => {
  const at = text.indexOf("=")
  return at < 0 ? [text, "true"] : [text.slice(0, at), text.slice(at + 1)]
}

/** `KUBELET_EXTRA_ARGS` of kubeadm's packages. */
const packageFlags = ({ files }: FirstBoot): ReadonlyArray<readonly [string, string]> => {
  const text = files.get("/etc/default/kubelet") ?? files.get("/etc/sysconfig/kubelet") ?? ""
  const args = /^KUBELET_EXTRA_ARGS=(.*)$/m.exec(text)?.[1]?.replaceAll(/^["']|["']$/g, "") ?? ""
  return args.split(/\s+/).filter((arg) => arg.startsWith("--")).map((arg) => pairOf(arg.slice(2)))
}

const list = (x: unknown): ReadonlyArray<unknown> => x === undefined || x === null ? [] : Array.isArray(x) ? x : [x]
const texts = (x: unknown): ReadonlyArray<string> => list(x).map(String)

const parse = (text: string, name: string): Read<ReadonlyArray<unknown>> =>
  Result.try({ try: () => loadAll(text, { schema: CORE_SCHEMA }) as ReadonlyArray<unknown>, catch: () => `${name} is no YAML` })

/** The kubelet's settings that kubeadm merges in from its folder of patches. */
const patched = ({ files }: FirstBoot, folder: unknown): Read<Readonly<Record<string, unknown>>> => Result.gen(function*() {
  const merged: Record<string, unknown> = {}
  for (const [path, content] of files) {
    if (typeof folder === "string" && path.startsWith(`${folder}/kubeletconfiguration`)) Object.assign(merged, ...yield* parse(content, path))
  }
  return merged
})

/** `kubeadm join --config`. */
const byFile = (boot: FirstBoot, path: string): Read<Join> => Result.gen(function*() {
  const content = boot.files.get(path)
  if (content === undefined) return yield* Result.fail(`there is no file ${path}`)
  const document = (yield* parse(content, path)).find((one) => isRecord(one) && one["kind"] === "JoinConfiguration")
  if (!isRecord(document)) return yield* Result.fail(`${path} holds no JoinConfiguration`)
  const version = /^kubeadm\.k8s\.io\/(v1beta[34])$/.exec(String(document["apiVersion"]))?.[1]
  if (version === undefined) return yield* Result.fail(`kubeadm does not know ${String(document["apiVersion"])}`)
  const discovery = isRecord(document["discovery"]) && isRecord(document["discovery"]["bootstrapToken"]) ? document["discovery"]["bootstrapToken"] : undefined
  if (discovery === undefined) return yield* Result.fail("there is no discovery by a bootstrap token")
  const registration = isRecord(document["nodeRegistration"]) ? document["nodeRegistration"] : {}
  const args: unknown = registration["kubeletExtraArgs"] ?? (version === "v1beta4" ? [] : {})
  if (Array.isArray(args) !== (version === "v1beta4")) return yield* Result.fail(`kubeletExtraArgs are not as ${version} has them`)
  const given = Array.isArray(args)
    ? args.map((arg: unknown) => isRecord(arg) ? [arg["name"], arg["value"]] as const : ["", ""] as const)
    : Object.entries(isRecord(args) ? args : {})
  const { maxPods } = yield* patched(boot, isRecord(document["patches"]) ? document["patches"]["directory"] : undefined)
  const limit: ReadonlyArray<readonly [string, unknown]> = maxPods === undefined ? [] : [["max-pods", maxPods]]
  const node = yield* kubelet({
    name: typeof registration["name"] === "string" ? registration["name"] : boot.hostname,
    flags: flagsOf([...limit, ...packageFlags(boot), ...given]),
    taints: list(registration["taints"]).map(taintText)
  })
  return yield* joined(boot, node, {
    endpoint: discovery["apiServerEndpoint"], token: discovery["token"], hashes: texts(discovery["caCertHashes"]),
    trusting: discovery["unsafeSkipCAVerification"] === true
  })
})

/** `kubeadm join host:port --token …`. */
const byFlags = (boot: FirstBoot, line: string): Read<Join> => Result.gen(function*() {
  const words = line.trim().split(/\s+/).map((word) => word.replaceAll(/^["']|["']$/g, ""))
  const flag = (name: string): ReadonlyArray<string> => words.flatMap((word, i) =>
    word === `--${name}` ? [words[i + 1] ?? ""] : word.startsWith(`--${name}=`) ? [word.slice(name.length + 3)] : [])
  const node = yield* kubelet({ name: flag("node-name")[0] ?? boot.hostname, flags: flagsOf(packageFlags(boot)) })
  return yield* joined(boot, node, {
    endpoint: words[0], token: flag("token")[0] ?? flag("discovery-token")[0], hashes: flag("discovery-token-ca-cert-hash"),
    trusting: words.includes("--discovery-token-unsafe-skip-ca-verification")
  })
})

const joined = (boot: FirstBoot, node: Omit<Join, "by" | "endpoint" | "token" | "caHashes">, { endpoint, hashes, token, trusting }: {
  readonly endpoint: unknown
  readonly token: unknown
  readonly hashes: ReadonlyArray<string>
  readonly trusting: boolean
}): Read<Join> => Result.gen(function*() {
  const address = String(endpoint)
  if (!endpointPattern.test(address)) return yield* Result.fail(`${address} is no address of an API server`)
  if (!trusting && hashes.length === 0) return yield* Result.fail("kubeadm is not told whom to trust")
  if (!hashes.every((hash) => /^sha256:[0-9a-f]{64}$/.test(hash))) return yield* Result.fail("the hash of the authority is not sha256:<hex>")
  // A kubelet finds itself at the cloud by its name.
  if (boot.hostname !== node.nodeName) return yield* Result.fail(`the host is ${boot.hostname} and its node would be ${node.nodeName}`)
  return { by: "kubeadm", ...node, endpoint: address, token: yield* readToken(token), caHashes: hashes }
})

const k3sConfig = "/etc/rancher/k3s/config.yaml"

const byK3s = (boot: FirstBoot, content: string): Read<Join> => Result.gen(function*() {
  const document = (yield* parse(content, k3sConfig))[0]
  if (!isRecord(document)) return yield* Result.fail(`${k3sConfig} is no mapping`)
  const server = /^https:\/\/(.+?)\/?$/.exec(String(document["server"]))?.[1] ?? ""
  if (!endpointPattern.test(server)) return yield* Result.fail(`${String(document["server"])} is no address of a k3s server`)
  const token = /^K10([0-9a-f]{64})::(.+)$/.exec(String(document["token"]))
  const name = document["node-name"]
  const node = yield* kubelet({
    name: typeof name === "string" ? name : boot.hostname,
    // k3s has it so unless it is told otherwise.
    flags: flagsOf([["cloud-provider", "external"], ...texts(document["kubelet-arg"]).map(pairOf)]),
    labels: texts(document["node-label"]),
    taints: texts(document["node-taint"])
  })
  return {
    by: "k3s", ...node, endpoint: server, token: yield* readToken(token?.[2] ?? document["token"]),
    caHashes: token === null ? [] : [token[1]!]
  }
})

/** Fails with why the machine never becomes a node. */
export const readUserData = (userData: string | undefined, metadata: Metadata): Read<Join> => Result.gen(function*() {
  if (userData === undefined) return yield* Result.fail("there is no user data")
  const boot = yield* firstBoot(userData, metadata)
  const [, line] = /(?:^|[\s;&|])kubeadm join((?:[^\n\\]|\\\n|\\.)*)/.exec(boot.runs) ?? []
  const file = /--config[= ](\S+)/.exec(line ?? "")?.[1]
  if (file !== undefined) return yield* byFile(boot, file)
  if (line !== undefined) return yield* byFlags(boot, line.replaceAll("\\\n", " "))
  const k3s = boot.files.get(k3sConfig)
  if (k3s !== undefined && /k3s/.test(boot.runs)) return yield* byK3s(boot, k3s)
  return yield* Result.fail("nothing in it joins a cluster")
})
