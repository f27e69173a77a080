/** The token that a Linode joins with, at a real API server: who its holder is, what they may do, and until when. */
import { Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Agent, fetch } from "undici"
import { afterAll, assert, beforeAll, describe, inject, it } from "vitest"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { Bootstrap } from "../../src/cloud/instance/bootstrap.ts"
import { layer as bootstrapLayer } from "../../src/cloud/instance/bootstrap/layer.ts"
import { Kube } from "../../src/kube/kube.ts"
import { loadKubeConfig } from "../../src/kube/kubeconfig.ts"
import { isNotFound } from "../../src/kube/kubeError.ts"
import { layerOf } from "../../src/kube/live.ts"
import type { ConfigMap, Secret } from "../../src/kube/objects.ts"
import { Secrets } from "../../src/kube/resources.ts"
import * as settings from "../../src/settings/load.ts"
import { readUserData } from "../../src/simulator/kubernetes/userData.ts"
import { clusterInfo } from "../support/clusterAuthority.ts"
import { makeCli, until } from "./support/cli.ts"

const shared = inject("kubernetes")
const cli = makeCli(shared)
const group = "system:bootstrappers:kubeadm:default-node-token"
const claimName = "bootstrap-abc12"

const kube = Layer.unwrap(Effect.map(
  loadKubeConfig({ env: { KUBECONFIG: shared.kubeconfig } }),
  (config) => layerOf(config, { qps: 1000, burst: 2000 })
))
const ground = bootstrapLayer.pipe(
  Layer.provide(settings.layer({
    args: [], env: { CLUSTER_NAME: "e2e", LINODE_TOKEN: "t", KARPENTER_MODE: "instance", CLUSTER_REGION: "us-ord" }
  })),
  Layer.provide(SecureRandom.layerWebCrypto),
  Layer.provideMerge(kube)
)

/** As kubeadm sets a cluster up for those who join it. */
const prepared = [
  clusterInfo(shared.server, readFileSync(join(shared.dir, "certs", "apiserver.crt"), "utf8")),
  {
    apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name: "kubeadm:kubelet-bootstrap" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:node-bootstrapper" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }]
  }
]

const insecure = new Agent({ connect: { rejectUnauthorized: false } })

/** A request with the token, as a kubelet makes it that nobody knows yet. */
const ask = async (token: string, path: string, object: object): Promise<{ readonly status: number; readonly body: string }> => {
  const reply = await fetch(`${shared.server}${path}`, {
    method: "POST", dispatcher: insecure, body: JSON.stringify(object),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }
  })
  return { status: reply.status, body: await reply.text() }
}

const whoAmI = (token: string) => ask(token, "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
  apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview"
})

const isGone = (secret: string): Promise<boolean> => Effect.runPromise(
  Kube.use((server) => server.get(Secrets, { name: secret, namespace: "kube-system" })).pipe(
    Effect.as(false), Effect.catch((error) => Effect.succeed(isNotFound(error))), Effect.provide(kube)
  )
)

describe("a machine's bootstrap token", () => {
  let id: string
  let token: string

  beforeAll(async () => {
    await cli.kubectl("apply", "-f", "crds")
    await cli.kubectl("wait", "--for=condition=Established", "-f", "crds", "--timeout=30s")
    await cli.apply(prepared)
  })
  afterAll(async () => {
    await cli.kubectl("delete", "nodeclaim", claimName, "--ignore-not-found")
    await cli.kubectl("delete", "configmap", "cluster-info", "-n", "kube-public", "--ignore-not-found")
    await cli.kubectl("delete", "clusterrolebinding", "kubeadm:kubelet-bootstrap", "--ignore-not-found")
  })

  it("is made with the user data, which says how the API server can be known", async () => {
    const userData = await Effect.runPromise(Effect.gen(function*() {
      const claim: NodeClaim = {
        apiVersion: "karpenter.sh/v1", kind: "NodeClaim", metadata: { name: claimName },
        spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" } }
      }
      const made = yield* (yield* Kube).create(NodeClaims, claim)
      const bootstrap = yield* Bootstrap
      return Redacted.value(yield* bootstrap.userData({
        claim: made, nodeClass: { metadata: { name: "default" }, spec: {} }, nodeName: `${claimName}-0123abcd`, labels: {}, taints: []
      }))
    }).pipe(Effect.provide(ground)))
    const read = await Effect.runPromise(Effect.fromResult(
      readUserData(userData, { id: 1, label: `${claimName}-0123abcd`, region: "us-ord", type: "g6-standard-1" })
    ))
    assert.strictEqual(`https://${read.endpoint}`, shared.server)
    id = read.token.id
    token = `${read.token.id}.${read.token.secret}`
  })

  it("is taken for a bootstrapper of kubeadm's group", async () => {
    const { status, body } = await until("the token to be known", async () => {
      const reply = await whoAmI(token)
      return reply.status !== 401 && reply
    })
    assert.strictEqual(status, 201, body)
    const { username, groups } = (JSON.parse(body) as { readonly status: { readonly userInfo: { readonly username: string; readonly groups: ReadonlyArray<string> } } }).status.userInfo
    assert.strictEqual(username, `system:bootstrap:${id}`)
    assert.includeMembers([...groups], ["system:bootstrappers", group])
    assert.strictEqual((await whoAmI(`${id}.0123456789abcdef`)).status, 401)
  })

  it("may ask for a kubelet's certificate, and for nothing else", async () => {
    const csr = {
      apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { generateName: "e2e-" },
      spec: { request: "", signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: ["client auth"] }
    }
    const certificates = await ask(token, "/apis/certificates.k8s.io/v1/certificatesigningrequests?dryRun=All", csr)
    // Past who may, to what was asked: an empty request is no request.
    assert.strictEqual(certificates.status, 422, certificates.body)
    assert.include(certificates.body, "spec.request")
    const nodes = await ask(token, "/api/v1/nodes?dryRun=All", { apiVersion: "v1", kind: "Node", metadata: { name: "x" } })
    assert.strictEqual(nodes.status, 403, nodes.body)
  })

  it("signs what kubeadm publishes, by which the machine knows that the cluster knows it", async () => {
    await until("the signature", async () => {
      const [info] = await cli.get<ConfigMap>("configmaps", "-n", "kube-public", "--field-selector", "metadata.name=cluster-info")
      return info?.data?.[`jws-kubeconfig-${id}`] !== undefined
    })
  })

  it("goes with its claim", async () => {
    await cli.kubectl("delete", "nodeclaim", claimName)
    await until("the Secret to go", () => isGone(`bootstrap-token-${id}`))
    await until("the API server to refuse the token", async () => (await whoAmI(token)).status === 401)
  })

  it("goes by itself when its time is over, whatever has become of its claim", async () => {
    const secret: Secret = await Effect.runPromise(Effect.gen(function*() {
      const server = yield* Kube
      const encoded = (text: string): string => Buffer.from(text).toString("base64")
      return yield* server.create(Secrets, {
        apiVersion: "v1", kind: "Secret", type: "bootstrap.kubernetes.io/token",
        metadata: { name: "bootstrap-token-e2e000", namespace: "kube-system" },
        data: {
          "token-id": encoded("e2e000"), "token-secret": encoded("0123456789abcdef"), "usage-bootstrap-authentication": encoded("true"),
          expiration: encoded(new Date(Date.now() - 1_000).toISOString())
        }
      })
    }).pipe(Effect.provide(kube)))
    await until("the Secret to go", () => isGone(secret.metadata.name))
  })
})
