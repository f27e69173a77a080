/** A real cluster on loopback: etcd, kube-apiserver, scheduler, controller manager, and kwok in place of kubelets. */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agent, fetch } from "undici"
import { makeCli, until, writeKubeconfig } from "./cli.ts"
import type { Tool, Tools } from "./tools.ts"

export interface Kubernetes {
  readonly server: string
  readonly dir: string
  /** Kubeconfig of an admin (member of system:masters). */
  readonly kubeconfig: string
  readonly stop: () => Promise<void>
}

const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => done(server))
  })))
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

const controllers = [
  "serviceaccount", "serviceaccount-token", "namespace", "garbage-collector", "deployment", "replicaset", "daemonset", "statefulset", "job",
  "disruption", "pod-garbage-collector", "taint-eviction", "node-lifecycle", "bootstrap-signer", "token-cleaner"
].map((name) => `${name}-controller`).join(",")

/** Starts the cluster and waits until it is ready for use. */
export const startKubernetes = async (tools: Tools): Promise<Kubernetes> => {
  const dir = mkdtempSync(join(tmpdir(), "karpenter-e2e-"))
  const [client, peer, secure] = await freePorts(3) as [number, number, number]
  const server = `https://127.0.0.1:${secure}`
  const certs = join(dir, "certs")
  const children = new Map<Tool, ChildProcess>()
  let stopping = false

  const start = (tool: Tool, args: ReadonlyArray<string>): void => {
    const log = openSync(join(dir, `${tool}.log`), "w")
    const child = spawn(tools.bin(tool), [...args], { stdio: ["ignore", log, log], env: { PATH: process.env["PATH"], HOME: dir } })
    child.on("exit", (code, signal) => {
      children.delete(tool)
      if (stopping) return
      const tail = readFileSync(join(dir, `${tool}.log`), "utf8").split("\n").slice(-15).join("\n")
      process.stderr.write(`${tool} ended with ${code ?? signal}\n${tail}\n`)
    })
    children.set(tool, child)
  }

  const keys = join(dir, "sa.key")
  writeFileSync(keys, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 })
  const users = { admin: ["admin", "system:masters"], scheduler: ["system:kube-scheduler", ""], kcm: ["system:kube-controller-manager", ""], kwok: ["kwok", "system:masters"] } as const
  const tokens = Object.fromEntries(Object.keys(users).map((name) => [name, randomBytes(16).toString("hex")])) as Record<keyof typeof users, string>
  writeFileSync(join(dir, "tokens.csv"), Object.entries(users).map(([name, [user, group]]) =>
    `${tokens[name as keyof typeof users]},${user},${name}${group === "" ? "" : `,"${group}"`}\n`).join(""), { mode: 0o600 })

  const kubeconfigFor = (name: string, token: string): string => writeKubeconfig({ dir, server }, name, token)

  const stop = async (): Promise<void> => {
    stopping = true
    for (const tool of ["kwok", "kube-controller-manager", "kube-scheduler", "kube-apiserver", "etcd"] as const) {
      const child = children.get(tool)
      if (child === undefined) continue
      await new Promise<void>((done) => {
        const hard = setTimeout(() => child.kill("SIGKILL"), 5_000)
        child.on("exit", () => {
          clearTimeout(hard)
          done()
        })
        child.kill("SIGTERM")
      })
    }
    rmSync(dir, { recursive: true, force: true })
  }

  const insecure = new Agent({ connect: { rejectUnauthorized: false } })
  const ok = (url: string) => async () => (await fetch(url, { dispatcher: insecure })).status === 200

  try {
    const etcd = `http://127.0.0.1:${client}`
    start("etcd", [
      "--name=default", `--data-dir=${join(dir, "etcd")}`, `--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`, `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`, "--unsafe-no-fsync=true"
    ])
    await until("etcd", ok(`${etcd}/health`))
    start("kube-apiserver", [
      `--etcd-servers=${etcd}`, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", `--secure-port=${secure}`, `--cert-dir=${certs}`,
      "--service-account-issuer=https://kubernetes.default.svc", `--service-account-key-file=${keys}`, `--service-account-signing-key-file=${keys}`,
      `--token-auth-file=${join(dir, "tokens.csv")}`, "--authorization-mode=RBAC", "--anonymous-auth=true", "--enable-bootstrap-token-auth=true",
      "--service-cluster-ip-range=10.96.0.0/16",
      "--endpoint-reconciler-type=none", "--allow-privileged=true", "--profiling=false"
    ])
    await until("kube-apiserver", ok(`${server}/readyz`), 120)
    const own = ["--leader-elect=false", "--secure-port=0", "--authentication-skip-lookup=true", "--kube-api-qps=1000", "--kube-api-burst=2000"]
    start("kube-scheduler", [`--kubeconfig=${kubeconfigFor("scheduler", tokens.scheduler)}`, ...own])
    start("kube-controller-manager", [
      `--kubeconfig=${kubeconfigFor("kcm", tokens.kcm)}`, ...own, `--service-account-private-key-file=${keys}`,
      `--root-ca-file=${join(certs, "apiserver.crt")}`, "--use-service-account-credentials=true", `--controllers=${controllers}`
    ])
    start("kwok", [
      `--kubeconfig=${kubeconfigFor("kwok", tokens.kwok)}`, "--manage-all-nodes=false",
      "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake", "--node-ip=127.0.0.1", "--cidr=10.244.0.0/16",
      "--node-lease-duration-seconds=40", `--config=${tools.kwokStages}`
    ])

    const kubeconfig = kubeconfigFor("admin", tokens.admin)
    const cli = makeCli({ dir, server, kubeconfig, kubectl: tools.bin("kubectl"), helm: tools.bin("helm") })
    await until("the default service account", async () => (await cli.kubectl("get", "serviceaccount", "default", "-o", "name")).trim() !== "")
    return { server, dir, kubeconfig, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
