/** The certificates of a cluster's authority, and the hashes by which a machine knows them. */
import { createHash, X509Certificate } from "node:crypto"

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** Every certificate of a PEM bundle, in order; undefined when there is none or one cannot be read. */
export const certificatesIn = (pem: string): ReadonlyArray<X509Certificate> | undefined => {
  try {
    const found = (pem.match(block) ?? []).map((text) => new X509Certificate(text))
    return found.length > 0 ? found : undefined
  } catch {
    return undefined
  }
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex")

/** As `kubeadm join --discovery-token-ca-cert-hash` takes it: over the public key's SubjectPublicKeyInfo (RFC 7469). */
export const publicKeyHash = (certificate: X509Certificate): string =>
  `sha256:${sha256(certificate.publicKey.export({ type: "spki", format: "der" }))}`

const signed = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

/** The root that the first certificate of a bundle leads to by the others; undefined where it leads to none. */
const rootOf = (certificates: ReadonlyArray<X509Certificate>): X509Certificate | undefined => {
  const others = certificates.slice(1)
  let current = certificates[0]!
  for (const _ of others) {
    const issuer = others.find((other) => other !== current && signed(other, current))
    if (issuer === undefined || signed(issuer, issuer)) return issuer
    current = issuer
  }
  return undefined
}

/**
 * As a k3s token has it: over the file itself where it holds one certificate; over the root's DER where it holds a chain, so
 * that the authority can be renewed.
 */
export const k3sHash = (pem: string, certificates: ReadonlyArray<X509Certificate>): string =>
  sha256((certificates.length > 1 ? rootOf(certificates)?.raw : undefined) ?? pem)

/** Whether none of them is valid at a moment (milliseconds since 1970). */
export const allExpired = (certificates: ReadonlyArray<X509Certificate>, now: number): boolean =>
  certificates.every(({ validTo }) => Date.parse(validTo) <= now)
