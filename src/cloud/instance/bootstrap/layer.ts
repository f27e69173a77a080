/** User data for machines: what the settings choose, or what their LinodeNodeClass has. */
import { Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { Kube } from "../../../kube/kube.ts"
import { Settings } from "../../../settings/settings.ts"
import type { SettingsShape } from "../../../settings/settings.ts"
import { Bootstrap } from "../bootstrap.ts"
import type { Launch } from "../bootstrap.ts"
import { k3sAuthority, kubeadmAuthority } from "./authority.ts"
import { publicKeyHash } from "./certificates.ts"
import { fromKube, never } from "./errors.ts"
import { versionOf } from "./join.ts"
import type { JoinInput, Version } from "./join.ts"
import { k3sGroup, k3sToken, k3sUserData } from "./k3s.ts"
import { kubeadmGroup, kubeadmUserData } from "./kubeadm.ts"
import { kubeletIssue, labelTexts, registrationIssue, taintTexts } from "./kubelet.ts"
import { fillTemplate, userDataIssue } from "./template.ts"
import { makeToken, noToken, tokenText } from "./token.ts"
import type { BootstrapToken } from "./token.ts"

/** What Linode takes at most, before it is encoded. */
const longestUserData = 65_535

type Kind = SettingsShape["bootstrap"]

/** What is wrong with a launch that no patience heals. */
const launchIssue = ({ nodeName, labels, taints, nodeClass }: Launch): string | undefined => {
  const registration = registrationIssue(nodeName, labels, taints)
  if (registration !== undefined) return registration
  const own = nodeClass.spec.userData ?? ""
  const template = userDataIssue(own)
  if (template !== undefined) return `spec.userData: ${template}`
  return own === "" ? kubeletIssue(nodeClass.spec.kubelet) : undefined
}

/** Why the built-in user data does not fit the server's version. */
const versionIssue = (kind: Kind, text: string, version: Version | undefined): string | undefined => {
  if (version === undefined) return `the API server calls its version ${JSON.stringify(text)}, by which no package is named`
  const isK3s = /^k3s\d/.test(version.build)
  if (kind === "k3s" && !isK3s) return `the API server is ${text}, which is not k3s: --bootstrap=k3s is for servers of k3s`
  if (kind === "kubeadm" && isK3s) return `the API server is ${text}: it needs --bootstrap=k3s`
  return undefined
}

const custom = (clusterName: string, kind: Kind, text: string, { launch, authority, token, version }: JoinInput): string =>
  fillTemplate(text, {
    clusterName,
    clusterEndpoint: kind === "k3s" ? `https://${authority.endpoint}` : authority.endpoint,
    caBundle: Buffer.from(authority.pem, "utf8").toString("base64"),
    caCertHash: publicKeyHash(authority.certificates[0]!),
    token: kind === "k3s" ? k3sToken(authority, token) : tokenText(token),
    nodeName: launch.nodeName,
    labels: labelTexts(launch.labels).join(","),
    taints: taintTexts(launch.taints).join(","),
    kubernetesVersion: version
  })

const make = Effect.gen(function*() {
  const { bootstrap, clusterEndpoint, clusterName } = yield* Settings
  const kube = yield* Kube
  const random = yield* SecureRandom.SecureRandom
  const { dump } = yield* Effect.promise(() => import("js-yaml"))
  const authorityOf = bootstrap === "k3s" ? k3sAuthority : kubeadmAuthority
  const group = bootstrap === "k3s" ? k3sGroup : kubeadmGroup

  return Bootstrap.of({
    userData: Effect.fnUntraced(function*(launch) {
      const issue = launchIssue(launch)
      if (issue !== undefined) return yield* never("UserDataInvalid", issue)
      const text = yield* kube.serverVersion.pipe(Effect.mapError(fromKube()))
      const own = launch.nodeClass.spec.userData ?? ""
      const version = versionOf(text)
      const mismatch = own === "" ? versionIssue(bootstrap, text, version) : undefined
      if (mismatch !== undefined) return yield* never("BootstrapMismatch", mismatch)
      const authority = yield* authorityOf(kube, clusterEndpoint)
      const userData = (token: BootstrapToken): string => {
        const input: JoinInput = { launch, authority, token, version: text, yaml: dump }
        if (own !== "") return custom(clusterName, bootstrap, own, input)
        return bootstrap === "k3s" ? k3sUserData(input) : kubeadmUserData(input, version!)
      }
      // A token comes last, so that none is made for nothing; all are of one length.
      const size = Buffer.byteLength(userData(noToken), "utf8")
      if (size > longestUserData) {
        return yield* never("UserDataInvalid", `the user data has ${size} bytes, Linode takes ${longestUserData} at most`)
      }
      const token = yield* makeToken(launch.claim, group).pipe(
        Effect.provideService(Kube, kube), Effect.provideService(SecureRandom.SecureRandom, random)
      )
      return Redacted.make(userData(token))
    })
  })
})

/** Fails at no start: what the cluster does not tell now it may tell when a machine is bought. */
export const layer: Layer.Layer<Bootstrap, never, Kube | Settings | SecureRandom.SecureRandom> = Layer.effect(Bootstrap, make)
