/** How a Linode joins a kubeadm cluster: packages of the cluster's version, and `kubeadm join` by a file. */
import { cloudConfig, instanceIdMark } from "./cloudConfig.ts"
import type { WrittenFile } from "./cloudConfig.ts"
import { publicKeyHash } from "./certificates.ts"
import { folder } from "./join.ts"
import type { JoinInput, Version } from "./join.ts"
import { kubeletSettings, labelTexts } from "./kubelet.ts"
import { prepareForKubeadm } from "./scripts.ts"
import { tokenText } from "./token.ts"

/** Tokens of this group have their certificates approved, and may read what `kubeadm join` reads. */
export const kubeadmGroup = "system:bootstrappers:kubeadm:default-node-token"

const patches = `${folder}/patches`

/** kubeadm takes `v1beta4`, in which arguments are a list, from 1.31 on. */
const firstWithLists = 31

const joinConfiguration = ({ launch, authority, token }: JoinInput, { minor }: Version): object => {
  const labels = labelTexts(launch.labels)
  const args: Readonly<Record<string, string>> = {
    "cloud-provider": "external",
    "provider-id": `linode://${instanceIdMark}`,
    ...(labels.length > 0 && { "node-labels": labels.join(",") })
  }
  const lists = minor >= firstWithLists
  return {
    apiVersion: `kubeadm.k8s.io/${lists ? "v1beta4" : "v1beta3"}`,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: authority.endpoint,
        token: tokenText(token),
        caCertHashes: authority.certificates.map(publicKeyHash)
      }
    },
    nodeRegistration: {
      name: launch.nodeName,
      criSocket: "unix:///run/containerd/containerd.sock",
      kubeletExtraArgs: lists ? Object.entries(args).map(([name, value]) => ({ name, value })) : args,
      taints: launch.taints.map(({ key, value = "", effect }) => ({ key, ...(value !== "" && { value }), effect }))
    },
    ...(kubeletSettings(launch.nodeClass.spec.kubelet) !== undefined && { patches: { directory: patches } })
  }
}

/** User data for a launch. */
export const kubeadmUserData = (input: JoinInput, version: Version): string => {
  const { launch, yaml } = input
  const kubelet = kubeletSettings(launch.nodeClass.spec.kubelet)
  const text = (value: object): string => yaml(value, { lineWidth: -1, noRefs: true })
  const join = `${folder}/join.yaml`
  const prepare = `${folder}/prepare.sh`
  const files: ReadonlyArray<WrittenFile> = [
    { path: "/etc/modules-load.d/kubernetes.conf", permissions: "0644", content: "overlay\nbr_netfilter\n" },
    {
      path: "/etc/sysctl.d/99-kubernetes.conf",
      permissions: "0644",
      content: "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\nnet.bridge.bridge-nf-call-ip6tables = 1\n"
    },
    ...kubelet === undefined ? [] : [{
      path: `${patches}/kubeletconfiguration+merge.yaml`,
      permissions: "0644",
      content: text({ apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", ...kubelet })
    }],
    { path: join, permissions: "0600", content: text(joinConfiguration(input, version)) },
    { path: prepare, permissions: "0700", content: prepareForKubeadm }
  ]
  return cloudConfig(yaml, {
    hostname: launch.nodeName,
    files,
    commands: [["bash", prepare, version.full, version.release], ["kubeadm", "join", "--config", join], ["rm", "-f", join]]
  })
}
