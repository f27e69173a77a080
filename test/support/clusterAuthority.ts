/** A cluster's certificate authority for tests, and what kubeadm and kube-controller-manager publish of it. Keys are nowhere. */
import { dump } from "js-yaml"
import type { ConfigMap } from "../../src/kube/objects.ts"

/** A root that signed itself, good until 2126. */
export const rootPem = `-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUSS/jT5aaMtnbEhKtUOp2D0J/wSQwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjEyMzI2MDlaGA8yMTI2MTAy
ODIzMjYwOVowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABFixs60nXKuzb42hHZvrSfjbXpoawMATXclj7wv7l46+rpv9bxKp
F4RhC0SzwADFwTKWJQCcdCFsxgD85mCXnlyjUzBRMB0GA1UdDgQWBBR5OOB6J0a6
brCw2K+eCsmDNRZEJDAfBgNVHSMEGDAWgBR5OOB6J0a6brCw2K+eCsmDNRZEJDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIA3OoFBmq8fNc6sJDBP3
deXnyZZ3L1X9EEe6aQI6EfUMAiAu4qRrpmXWGm2HJJxxMsEa6X3e09tW9jlS+w+x
NVyLsw==
-----END CERTIFICATE-----
`

/** Signed by `rootPem`. */
export const intermediatePem = `-----BEGIN CERTIFICATE-----
MIIBgzCCASqgAwIBAgIUfZsRF8kWwKZfxtIB5ffmM18q078wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjEyMzI2MDlaGA8yMTI2MTAy
ODIzMjYwOVowGDEWMBQGA1UEAwwNazNzLXNlcnZlci1jYTBZMBMGByqGSM49AgEG
CCqGSM49AwEHA0IABJvzx7jNkW7W0SdgkQpXR6rpU/Zkfuwy8Z/GILspGa7HUYmu
zAT1TzddkISyGaoLvkNS/2sATIZl+Z7ukBWp9o2jUzBRMA8GA1UdEwEB/wQFMAMB
Af8wHQYDVR0OBBYEFDDxgflSUuCNLfzRb364BSjQkMgmMB8GA1UdIwQYMBaAFHk4
4HonRrpusLDYr54KyYM1FkQkMAoGCCqGSM49BAMCA0cAMEQCIGcSE4bOHm+N3E6r
rNIgBPj4NpJV0Rv+NpqK+IPekgSyAiAHENo7pLMzX4QkuwcYzIwxhbsgpHrf0z/z
yaN+KaPmTw==
-----END CERTIFICATE-----
`

/** `openssl x509 -pubkey -noout -in root.crt | openssl pkey -pubin -outform der | sha256sum` */
export const rootKeyHash = "sha256:7badcded9bc61a62c793e1255f879857370844b223391d65903551ebdad38e5b"
/** `sha256sum root.crt` */
export const rootFileHash = "25253ef2155844ed4e763f5804961cc5664f9ec892fb52e80ec4e4d1205dcf0a"
/** `openssl x509 -in root.crt -outform der | sha256sum` */
export const rootDerHash = "d007ea287d22b5eb0b869788bb4d16b06d31e910f768b18710841f23c45bc39e"

/** kubeadm's ConfigMap, for anybody to read. */
export const clusterInfo = (server = "https://192.0.2.10:6443", pem = rootPem): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "cluster-info", namespace: "kube-public" },
  data: {
    kubeconfig: dump({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "", cluster: { server, "certificate-authority-data": Buffer.from(pem).toString("base64") } }],
      users: null,
      contexts: null,
      "current-context": ""
    })
  }
})

export const rootCertificate = (pem = rootPem): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kube-root-ca.crt", namespace: "kube-system" },
  data: { "ca.crt": pem }
})
