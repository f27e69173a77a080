/**
 * Whether a cluster lets a machine in that asks by a bootstrap token, and whether the machine trusts it: as kubeadm, k3s and
 * the API server decide.
 */
import { createHash, X509Certificate } from "node:crypto"
import { CORE_SCHEMA, load } from "js-yaml"
import type { ConfigMap, Secret } from "../../kube/objects.ts"
import { ConfigMaps, Secrets } from "../../kube/resources.ts"
import { isRecord } from "../linode/poolRules.ts"
import type { Join } from "./userData.ts"

/** What the decision needs of the cluster, by name. */
export const evidence = ({ token }: Join) => ({
  secret: { resource: Secrets, ref: { namespace: "kube-system", name: `bootstrap-token-${token.id}` } },
  /** What kubeadm publishes to whoever asks. */
  clusterInfo: { resource: ConfigMaps, ref: { namespace: "kube-public", name: "cluster-info" } },
  /** The authority, as k3s's server serves it. */
  authority: { resource: ConfigMaps, ref: { namespace: "kube-system", name: "kube-root-ca.crt" } }
})

export interface Evidence {
  readonly secret: Secret | undefined
  readonly clusterInfo: ConfigMap | undefined
  readonly authority: ConfigMap | undefined
}

/** The authenticator's checks of a token, in its order. */
const tokenTrouble = ({ by, token }: Join, secret: Secret | undefined, now: number): string | undefined => {
  const said = (key: string): string => Buffer.from(secret?.data?.[key] ?? "", "base64").toString("utf8")
  if (secret === undefined) return `there is no token ${token.id}`
  if (secret.metadata.deletionTimestamp !== undefined) return `the token ${token.id} is being deleted`
  if (secret.type !== "bootstrap.kubernetes.io/token") return `the Secret of the token ${token.id} is of another type`
  if (said("token-id") !== token.id || said("token-secret") !== token.secret) return `the token ${token.id} has another secret`
  const expiration = said("expiration")
  // One that cannot be read counts as past.
  if (expiration !== "" && !(Date.parse(expiration) > now)) return `the token ${token.id} expired at ${expiration}`
  if (said("usage-bootstrap-authentication") !== "true") return `the token ${token.id} is not for authentication`
  if (by === "kubeadm" && said("usage-bootstrap-signing") !== "true") return `the token ${token.id} signs nothing, so kubeadm trusts nobody`
  const groups = said("auth-extra-groups").split(",")
  return groups.includes(`system:bootstrappers:${by}:default-node-token`) ? undefined : `the token ${token.id} is in no group that may have a certificate`
}

const certificates = (pem: string): ReadonlyArray<X509Certificate> =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map((block) => new X509Certificate(block))

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex")

/** The authority's file in a kubeconfig. */
const authorityIn = (kubeconfig: string): string => {
  const document = load(kubeconfig, { schema: CORE_SCHEMA })
  const clusters: unknown = isRecord(document) ? document["clusters"] : undefined
  const first: unknown = Array.isArray(clusters) ? clusters[0] : undefined
  const cluster = isRecord(first) && isRecord(first["cluster"]) ? first["cluster"] : {}
  return Buffer.from(String(cluster["certificate-authority-data"] ?? ""), "base64").toString("utf8")
}

const trustTrouble = ({ by, caHashes }: Join, { authority, clusterInfo }: Evidence): string | undefined => {
  if (by === "kubeadm") {
    const kubeconfig = clusterInfo?.data?.["kubeconfig"]
    if (kubeconfig === undefined) return "the cluster publishes no cluster-info"
    const known = certificates(authorityIn(kubeconfig)).map((one) =>
      `sha256:${sha256(one.publicKey.export({ type: "spki", format: "der" }))}`)
    return caHashes.length === 0 || caHashes.some((hash) => known.includes(hash)) ? undefined : "the cluster's authority is another"
  }
  const pem = authority?.data?.["ca.crt"]
  if (pem === undefined || caHashes.length === 0) return undefined
  const found = certificates(pem)
  return caHashes.includes(sha256(found.length > 1 ? found.at(-1)!.raw : pem)) ? undefined : "the cluster's authority is another"
}

/** Why the machine stays outside; undefined when it becomes a node. */
export const joinTrouble = (join: Join, found: Evidence, now: number): string | undefined => {
  try {
    return trustTrouble(join, found) ?? tokenTrouble(join, found.secret, now)
  } catch {
    return "the cluster's authority cannot be read"
  }
}
