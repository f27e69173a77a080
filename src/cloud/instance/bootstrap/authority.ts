/** What a machine has to know to find the cluster and to trust it: read from the cluster itself. */
import { Clock, Effect, Result } from "effect"
import type { X509Certificate } from "node:crypto"
import type { Kube } from "../../../kube/kube.ts"
import { isNotFound } from "../../../kube/kubeError.ts"
import { ConfigMaps } from "../../../kube/resources.ts"
import * as Kind from "../../../settings/kinds.ts"
import type { CloudError } from "../../cloudProvider.ts"
import { allExpired, certificatesIn } from "./certificates.ts"
import { fromKube, later } from "./errors.ts"

export interface Authority {
  /** `host:port` of the API server. */
  readonly endpoint: string
  /** As the cluster has it, byte for byte. */
  readonly pem: string
  /** One at least. */
  readonly certificates: ReadonlyArray<X509Certificate>
}

interface Place {
  readonly namespace: string
  readonly name: string
  readonly key: string
}

/** kubeadm's: it holds a kubeconfig without a user. */
const clusterInfo: Place = { namespace: "kube-public", name: "cluster-info", key: "kubeconfig" }
/** kube-controller-manager puts it into every namespace. */
const rootCertificate: Place = { namespace: "kube-system", name: "kube-root-ca.crt", key: "ca.crt" }

const nameOf = ({ namespace, name }: Place): string => `ConfigMap ${namespace}/${name}`

const readPlace = (kube: Kube["Service"], place: Place): Effect.Effect<string, CloudError> => kube.get(ConfigMaps, place).pipe(
  Effect.mapError((error) => isNotFound(error) ? later(`${nameOf(place)} is not there`) : fromKube()(error)),
  Effect.flatMap(({ data }) => {
    const text = data?.[place.key] ?? ""
    return text === "" ? Effect.fail(later(`${nameOf(place)} has no ${place.key}`)) : Effect.succeed(text)
  })
)

const trusted = Effect.fnUntraced(function*(
  place: Place, endpoint: string, pem: string
): Effect.fn.Return<Authority, CloudError> {
  const certificates = certificatesIn(pem)
  if (certificates === undefined) return yield* later(`${nameOf(place)} holds no certificate that can be read`)
  if (allExpired(certificates, yield* Clock.currentTimeMillis)) {
    return yield* later(`the certificate in ${nameOf(place)} expired on ${certificates.at(-1)!.validTo}`)
  }
  return { endpoint, pem, certificates }
})

interface ClusterOfKubeconfig {
  readonly server: string
  readonly pem: string
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The first cluster of a kubeconfig; undefined where there is none. */
const clusterIn = (kubeconfig: unknown): ClusterOfKubeconfig | undefined => {
  const clusters = isRecord(kubeconfig) ? kubeconfig["clusters"] : undefined
  const entry: unknown = Array.isArray(clusters) ? clusters[0] : undefined
  const cluster = isRecord(entry) ? entry["cluster"] : undefined
  if (!isRecord(cluster)) return undefined
  const { server, "certificate-authority-data": data } = cluster
  return typeof server !== "string" || typeof data !== "string"
    ? undefined
    : { server, pem: Buffer.from(data, "base64").toString("utf8") }
}

/** What kubeadm published; the address is that of the settings where they have one. */
export const kubeadmAuthority = Effect.fnUntraced(function*(kube: Kube["Service"], given: string) {
  const text = yield* readPlace(kube, clusterInfo)
  const { CORE_SCHEMA, load } = yield* Effect.promise(() => import("js-yaml"))
  const kubeconfig = yield* Effect.try({
    try: (): unknown => load(text, { schema: CORE_SCHEMA }),
    catch: () => later(`${nameOf(clusterInfo)} holds no YAML`)
  })
  const cluster = clusterIn(kubeconfig)
  if (cluster === undefined) return yield* later(`${nameOf(clusterInfo)} names no server and certificate`)
  const endpoint = given === "" ? Kind.endpoint.parse(cluster.server) : Result.succeed(given)
  if (Result.isFailure(endpoint) || endpoint.success === "") {
    const found = JSON.stringify(cluster.server)
    return yield* later(`${nameOf(clusterInfo)} names the server ${found}, expected ${Kind.endpoint.expected}`)
  }
  return yield* trusted(clusterInfo, endpoint.success, cluster.pem)
})

/** k3s publishes no address. */
export const k3sAuthority = Effect.fnUntraced(function*(kube: Kube["Service"], endpoint: string) {
  return yield* trusted(rootCertificate, endpoint, yield* readPlace(kube, rootCertificate))
})
