/** What a kubeadm cluster tells those who are to join it, and Linodes of others that look like ours. Instance mode. */
import type { KubeObject } from "../../../src/kube/objects.ts"
import { ConfigMaps } from "../../../src/kube/resources.ts"
import { clusterName } from "../engine/program.ts"
import type { Stage } from "../stage.ts"
import { region } from "../stage.ts"

/** A certificate like any cluster's own; nobody has its key. */
const authority = [
  "-----BEGIN CERTIFICATE-----",
  "MIIBgTCCASegAwIBAgIUCM+fFtgo5bGoC5CNKHW7k8ATbekwCgYIKoZIzj0EAwIw",
  "FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjEyMzE2NTlaGA8yMTI2MTAy",
  "ODIzMTY1OVowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG",
  "SM49AwEHA0IABIpyXKTjEcwb66rpdjtq1OLVm1NpvhGS86M+7G6qaiabSS2LvEWH",
  "z2PKDYMn/4lRq6GhXfcQuAZFSaH3ggKeVZ6jUzBRMB0GA1UdDgQWBBRmORTl6bSF",
  "ifk3bcO6JLNqEIpEWzAfBgNVHSMEGDAWgBRmORTl6bSFifk3bcO6JLNqEIpEWzAP",
  "BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIG6mMopMNPP+7DZQm1P9",
  "owAuNbQoX0bxewqjLIrnj7FxAiEA9rrITjHGaRzPAl+/HC5ykGaE724Bgygsf7ir",
  "vr+d6sc=",
  "-----END CERTIFICATE-----"
].join("\n")

const endpoint = "https://192.0.2.10:6443"

const clusterInfo = `apiVersion: v1
kind: Config
clusters:
- name: ""
  cluster:
    server: ${endpoint}
    certificate-authority-data: ${Buffer.from(authority).toString("base64")}
`

const configMap = (namespace: string, name: string, data: Readonly<Record<string, string>>) =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data }) as KubeObject

export const setSelfManaged = ({ cloud, server }: Stage): void => {
  for (const name of ["kube-public", "kube-system"]) {
    server.create(ConfigMaps, configMap(name, "kube-root-ca.crt", { "ca.crt": authority }))
  }
  server.create(ConfigMaps, configMap("kube-public", "cluster-info", { kubeconfig: clusterInfo }))
  const owned = [`kubernetes.io/cluster/${clusterName}=owned`, "karpenter.sh/nodepool=default", `lke-cluster-name=${clusterName}`]
  cloud.addInstance({ label: "control-plane", type: "g6-standard-2", region, tags: ["team=a"] })
  // A cluster of the same name in the same account, and a machine that the Go provider left.
  cloud.addInstance({
    label: "default-abcde-0a1b2c3d4e", type: "g6-standard-2", region,
    tags: [...owned, "karpenter.k8s.linode/cluster-id=0123456789", "karpenter.sh/nodeclaim=default-abcde"]
  })
  cloud.addInstance({ label: "default-fghij-0f1e2d3c", type: "g6-standard-2", region, tags: owned })
}
