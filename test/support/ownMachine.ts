/** A Linode that joins by itself, and the token by which it is let in. */
import { dump } from "js-yaml"
import type { Secret } from "../../src/kube/objects.ts"
import { rootFileHash, rootKeyHash } from "./clusterAuthority.ts"

/** Of the Linode, the host and the Node. */
export const machineLabel = "default-abc12-0123abcd"
const unregistered = { key: "karpenter.sh/unregistered", effect: "NoExecute" } as const

/** The Secret of the token that both carry, good until half an hour after the beginning of time. */
export const tokenSecret = (over: Readonly<Record<string, string>> = {}, type = "bootstrap.kubernetes.io/token"): Secret => ({
  metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system" },
  type,
  data: Object.fromEntries(Object.entries({
    "token-id": "abcdef", "token-secret": "0123456789abcdef", expiration: "1970-01-01T00:30:00Z", "usage-bootstrap-authentication": "true",
    "usage-bootstrap-signing": "true", "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token,system:bootstrappers:k3s:default-node-token",
    ...over
  }).map(([key, value]) => [key, Buffer.from(value).toString("base64")]))
})

const args = (external: boolean) => [
  ...external ? [{ name: "cloud-provider", value: "external" }] : [],
  { name: "provider-id", value: "linode://{{ ds.meta_data.id }}" }, { name: "node-labels", value: "karpenter.sh/nodepool=default" }
]

const cloudConfig = (path: string, content: object, command: string) =>
  `## template: jinja\n#cloud-config\n${dump({ hostname: machineLabel, write_files: [{ path, content: dump(content) }], runcmd: [command] })}`

/** User data. */
export const kubeadm = (hash = rootKeyHash, external = true) => cloudConfig("/etc/join.yaml", {
  apiVersion: "kubeadm.k8s.io/v1beta4", kind: "JoinConfiguration",
  discovery: { bootstrapToken: { apiServerEndpoint: "192.0.2.10:6443", token: "abcdef.0123456789abcdef", caCertHashes: [hash] } },
  nodeRegistration: { name: machineLabel, kubeletExtraArgs: args(external), taints: [unregistered] }
}, "kubeadm join --config /etc/join.yaml")

/** User data. */
export const k3s = (hash = rootFileHash) => cloudConfig("/etc/rancher/k3s/config.yaml", {
  server: "https://192.0.2.10:6443", token: `K10${hash}::abcdef.0123456789abcdef`, "node-name": machineLabel,
  "node-label": ["karpenter.sh/nodepool=default"], "node-taint": ["karpenter.sh/unregistered:NoExecute"],
  "kubelet-arg": ["provider-id=linode://{{ ds.meta_data.id }}"]
}, "curl -sfL https://get.k3s.io | sh -s - agent")
