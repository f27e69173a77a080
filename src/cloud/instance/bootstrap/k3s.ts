/** How a Linode joins a k3s cluster: k3s's own installer, as an agent of the server's version. */
import { k3sHash } from "./certificates.ts"
import { cloudConfig, instanceIdMark } from "./cloudConfig.ts"
import { folder } from "./join.ts"
import type { JoinInput } from "./join.ts"
import type { Authority } from "./authority.ts"
import { kubeletFlags, labelTexts, taintTexts } from "./kubelet.ts"
import { prepareForK3s } from "./scripts.ts"
import { tokenText } from "./token.ts"
import type { BootstrapToken } from "./token.ts"

/** As `k3s token create` has it. */
export const k3sGroup = "system:bootstrappers:k3s:default-node-token"

/** k3s's full format: with it an agent checks the server before it shows the token. */
export const k3sToken = ({ pem, certificates }: Authority, token: BootstrapToken): string =>
  `K10${k3sHash(pem, certificates)}::${tokenText(token)}`

/** The agent's `config.yaml`: flags without dashes. */
const agentConfig = ({ launch, authority, token }: JoinInput): object => ({
  server: `https://${authority.endpoint}`,
  token: k3sToken(authority, token),
  "node-name": launch.nodeName,
  "node-label": labelTexts(launch.labels),
  "node-taint": taintTexts(launch.taints),
  "kubelet-arg": [
    "cloud-provider=external", `provider-id=linode://${instanceIdMark}`, ...kubeletFlags(launch.nodeClass.spec.kubelet)
  ]
})

/** User data for a launch. */
export const k3sUserData = (input: JoinInput): string => {
  const { launch, version, yaml } = input
  const prepare = `${folder}/prepare.sh`
  const install = `${folder}/install-k3s.sh`
  const config = yaml(agentConfig(input), { lineWidth: -1, noRefs: true })
  return cloudConfig(yaml, {
    hostname: launch.nodeName,
    files: [
      { path: "/etc/rancher/k3s/config.yaml", permissions: "0600", content: config },
      { path: prepare, permissions: "0700", content: prepareForK3s }
    ],
    commands: [
      ["bash", prepare, install],
      ["env", `INSTALL_K3S_VERSION=${version}`, "INSTALL_K3S_EXEC=agent", "sh", install]
    ]
  })
}
