import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { dump } from "js-yaml"
import { readUserData } from "../../src/simulator/kubernetes/userData.ts"

const machine = { id: 4711, label: "default-abc12-0123abcd", region: "us-ord", type: "g6-standard-2" }
const hash = "0".repeat(64)
const token = "abcdef.0123456789abcdef"
const joinPath = "/var/lib/karpenter/join.yaml"

const unregistered = { key: "karpenter.sh/unregistered", effect: "NoExecute" } as const

const configuration = (over: object = {}) => ({
  apiVersion: "kubeadm.k8s.io/v1beta4",
  kind: "JoinConfiguration",
  discovery: { bootstrapToken: { apiServerEndpoint: "192.0.2.10:6443", token, caCertHashes: [`sha256:${hash}`] } },
  nodeRegistration: {
    name: machine.label,
    kubeletExtraArgs: [
      { name: "cloud-provider", value: "external" },
      { name: "provider-id", value: "linode://{{ ds.meta_data.id }}" },
      { name: "node-labels", value: "karpenter.sh/nodepool=default,team=a" }
    ],
    taints: [unregistered, { key: "dedicated", value: "a", effect: "NoSchedule" }]
  },
  ...over
})

interface Document {
  readonly hostname?: string
  readonly files?: Readonly<Record<string, unknown>>
  readonly runcmd?: ReadonlyArray<unknown>
}

const cloudConfig = ({ files = {}, ...rest }: Document): string => "## template: jinja\n#cloud-config\n" + dump({
  hostname: machine.label,
  write_files: Object.entries(files).map(([path, content]) => ({ path, content: typeof content === "string" ? content : dump(content) })),
  ...rest
})

const kubeadm = (join: object = configuration(), more: Document = {}): string =>
  cloudConfig({ runcmd: [["kubeadm", "join", "--config", joinPath]], ...more, files: { [joinPath]: join, ...more.files } })

const registration = (over: object): object => configuration({ nodeRegistration: { ...configuration().nodeRegistration, ...over } })
const bootstrapToken = (over: object): object =>
  configuration({ discovery: { bootstrapToken: { ...configuration().discovery.bootstrapToken, ...over } } })
const labelled = (labels: string): string => kubeadm(registration({ kubeletExtraArgs: [{ name: "node-labels", value: labels }] }))
const tainted = (...taints: ReadonlyArray<object>): string => kubeadm(registration({ taints }))

const agent = {
  server: "https://198.51.100.7:6443",
  token: `K10${hash}::${token}`,
  "node-name": machine.label,
  "node-label": ["karpenter.sh/nodepool=default", "team=a"],
  "node-taint": ["karpenter.sh/unregistered:NoExecute", "dedicated=a:NoSchedule"],
  "kubelet-arg": ["provider-id=linode://{{ ds.meta_data.id }}", "max-pods=50"]
}
const k3s = (over: object = {}): string => cloudConfig({
  files: { "/etc/rancher/k3s/config.yaml": { ...agent, ...over } },
  runcmd: ["curl -sfL https://get.k3s.io | INSTALL_K3S_EXEC=agent sh -"]
})

const node = {
  nodeName: machine.label, labels: { "karpenter.sh/nodepool": "default", team: "a" },
  taints: [unregistered, { key: "dedicated", value: "a", effect: "NoSchedule" }],
  providerID: "linode://4711", externalCloud: true, maxPods: undefined, token: { id: "abcdef", secret: "0123456789abcdef" }
}
const byKubeadm = { by: "kubeadm", ...node, endpoint: "192.0.2.10:6443", caHashes: [`sha256:${hash}`] }

describe("a machine becomes the node that its user data says", () => {
  const v1beta3 = configuration({
    apiVersion: "kubeadm.k8s.io/v1beta3",
    nodeRegistration: {
      ...configuration().nodeRegistration,
      kubeletExtraArgs: {
        "cloud-provider": "external", "provider-id": "linode://{{ ds.meta_data.id }}", "node-labels": "karpenter.sh/nodepool=default,team=a"
      }
    }
  })
  const script = `#!/bin/bash\nset -e\nkubeadm join 192.0.2.10:6443 --token ${token} \\\n  --discovery-token-ca-cert-hash sha256:${hash}\n`
  const bare = { ...byKubeadm, labels: {}, taints: [], providerID: undefined, externalCloud: false }
  const cases: ReadonlyArray<readonly [string, string, object]> = [
    ["by kubeadm", kubeadm(), byKubeadm],
    ["by kubeadm's older form", kubeadm(v1beta3), byKubeadm],
    ["by kubeadm in a script that a command names", cloudConfig({
      files: { [joinPath]: configuration(), "/usr/local/bin/join.sh": `#!/bin/sh\nexec kubeadm join --config=${joinPath}\n` }, runcmd: ["/usr/local/bin/join.sh"]
    }), byKubeadm],
    ["by a plain script", script, bare],
    ["by kubeadm with the kubelet's own arguments", cloudConfig({
      files: { "/etc/default/kubelet": `KUBELET_EXTRA_ARGS="--node-labels=team=a --provider-id=linode://{{ ds.meta_data.id }}"\n` },
      runcmd: [`kubeadm join 192.0.2.10:6443 --token=${token} --discovery-token-unsafe-skip-ca-verification`]
    }), { ...bare, labels: { team: "a" }, providerID: "linode://4711", caHashes: [] }],
    ["by k3s", k3s(), {
      ...node, by: "k3s", endpoint: "198.51.100.7:6443", caHashes: [hash], maxPods: 50
    }],
    ["by k3s with a short token", k3s({ token }), {
      ...node, by: "k3s", endpoint: "198.51.100.7:6443", caHashes: [], maxPods: 50
    }],
    ["under the name of its host where none is said", kubeadm(registration({ name: undefined })), byKubeadm],
    ["with the kubelet's settings", kubeadm(configuration({ patches: { directory: "/etc/patches" } }), {
      files: { "/etc/patches/kubeletconfiguration+merge.yaml": { kind: "KubeletConfiguration", maxPods: 42 } }
    }), { ...byKubeadm, maxPods: 42 }],
    ["with what jinja would take for its own", kubeadm(registration({
      kubeletExtraArgs: [{ name: "provider-id", value: "a-MARK" }]
    })).replace("MARK", "{{ '{' }}{ds.meta_data.id}}"), { ...byKubeadm, labels: {}, providerID: "a-{{ds.meta_data.id}}", externalCloud: false }],
    ["with labels that a kubelet may set of Kubernetes' own", labelled(
      "node.kubernetes.io/role=a,x.kubelet.kubernetes.io/y=b,topology.kubernetes.io/region=us-ord,karpenter.k8s.linode/a=b"
    ), {
      ...byKubeadm, providerID: undefined, externalCloud: false, labels: {
        "node.kubernetes.io/role": "a", "x.kubelet.kubernetes.io/y": "b", "topology.kubernetes.io/region": "us-ord", "karpenter.k8s.linode/a": "b"
      }
    }]
  ]
  for (const [name, text, expected] of cases) {
    it(name, () => assert.deepStrictEqual(readUserData(text, machine), Result.succeed(expected as never)))
  }
})

describe("a machine never becomes a node", () => {
  const cases: ReadonlyArray<readonly [string, string | undefined, RegExp]> = [
    ["without user data", undefined, /no user data/],
    ["by a text that cloud-init does not know", "kubeadm join", /no kind/],
    ["by YAML that is none", "#cloud-config\n{", /no YAML/],
    ["by a list", "#cloud-config\n- a\n", /no mapping/],
    ["by statements of a template", "## template: jinja\n#cloud-config\n{% if a %}", /statements/],
    ["without a command", cloudConfig({ files: { [joinPath]: configuration() } }), /nothing in it joins/],
    ["by a file that is not there", cloudConfig({ runcmd: ["kubeadm join --config /nowhere"] }), /no file \/nowhere/],
    ["by another kind of file", kubeadm({ kind: "ClusterConfiguration" }), /no JoinConfiguration/],
    ["by a version that kubeadm does not know", kubeadm(configuration({ apiVersion: "kubeadm.k8s.io/v1beta1" })), /does not know/],
    ["by arguments of the older form in the newer", kubeadm(registration({ kubeletExtraArgs: {} })), /kubeletExtraArgs/],
    ["without an address", kubeadm(bootstrapToken({ apiServerEndpoint: "https://192.0.2.10" })), /no address/],
    ["by a token of another form", kubeadm(bootstrapToken({ token: "hello" })), /bootstrap token/],
    ["without knowing whom to trust", kubeadm(bootstrapToken({ caCertHashes: [] })), /whom to trust/],
    ["by a hash of another form", kubeadm(bootstrapToken({ caCertHashes: ["md5:1"] })), /hash/],
    ["under a name that is none", kubeadm(registration({ name: "A_b" }), { hostname: "A_b" }), /no name/],
    ["under another name than its host's", kubeadm(registration({ name: "other" })), /the host is/],
    ["with a label of Kubernetes' own", labelled("kubernetes.io/role=a"), /may not set the label/],
    ["with a label of node restriction", labelled("node-restriction.kubernetes.io/a=b"), /may not set the label/],
    ["with a label in k8s.io", labelled("autoscaling.x-k8s.io/a=b,a.k8s.io/b=c"), /may not set the label a.k8s.io/],
    ["with a label whose value is none", labelled("team=a b"), /refuses the label/],
    ["with a label without a value", labelled("team"), /refuses the label/],
    ["with an unknown effect", tainted({ key: "a", effect: "Never" }), /refuses the taint/],
    ["with a taint twice", tainted({ key: "a", effect: "NoSchedule" }, { key: "a", value: "b", effect: "NoSchedule" }), /two taints/],
    ["by a cloud provider in the kubelet", kubeadm(registration({ kubeletExtraArgs: [{ name: "cloud-provider", value: "linode" }] })), /cloud provider/],
    ["by k3s at an address that is none", k3s({ server: "198.51.100.7" }), /no address/],
    ["by k3s with a token of another form", k3s({ token: `K10${hash}::node:password` }), /bootstrap token/],
    ["by k3s with a label of Kubernetes' own", k3s({ "node-label": ["kubernetes.io/a=b"] }), /may not set/],
    ["by k3s with a taint that is none", k3s({ "node-taint": ["a=b"] }), /refuses the taint/],
    ["by k3s's file alone", cloudConfig({ files: { "/etc/rancher/k3s/config.yaml": agent } }), /nothing in it joins/]
  ]
  for (const [name, text, expected] of cases) {
    it(name, () => {
      const read = readUserData(text, machine)
      if (Result.isSuccess(read)) return assert.fail(JSON.stringify(read.success))
      assert.match(read.failure, expected)
      assert.notInclude(read.failure, "0123456789abcdef")
    })
  }

  it("where a placeholder means nothing to cloud-init, it says so in cloud-init's words", () => {
    const read = readUserData(kubeadm(registration({ kubeletExtraArgs: [{ name: "provider-id", value: "linode://{{ ds.meta_data.nope }}" }] })), machine)
    assert.strictEqual(Result.isSuccess(read) ? read.success.providerID : read.failure, "linode://CI_MISSING_JINJA_VAR/nope")
  })
})
