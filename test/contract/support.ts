/** What the contract tests share. Real time, and names that no other test uses: a real server keeps what a test leaves. */
import { assert } from "@effect/vitest"
import { Effect, Random, Stream } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { WatchEvent, WatchOptions } from "../../src/kube/kube.ts"
import type { KubeError } from "../../src/kube/kubeError.ts"
import type { KubeObject, Lease, Pod } from "../../src/kube/objects.ts"
import type { Resource } from "../../src/kube/resources.ts"

/** The groups of tests take this of `it`: real time, with the Kube under test. */
export interface ContractIt {
  readonly effect: <A, E>(name: string, test: () => Effect.Effect<A, E, Kube>, timeout?: number) => void
}

export const namespace = "default"

/** A name that no other run has. */
export const unique = (prefix: string): Effect.Effect<string> =>
  Effect.map(Random.nextIntBetween(0, 2 ** 40), (n) => `${prefix}-${n.toString(36)}`)

export const lease = (name: string, labels: Readonly<Record<string, string>> = {}): Lease => ({
  apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace, labels }, spec: { holderIdentity: "a" }
})

export const nodeClaim = (name: string, metadata: Partial<KubeObject["metadata"]> = {}): NodeClaim => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: { name, ...metadata },
  spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "none" } }
})

export const nodePool = (name: string, spec: Partial<NodePool["spec"]> = {}): NodePool => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name },
  spec: {
    template: {
      spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "none" } }
    },
    ...spec
  }
})

/** With a node that is not there: nothing runs it, and only the API server has a say in what becomes of it. */
export const boundPod = (name: string, labels: Readonly<Record<string, string>> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels },
  spec: { nodeName: `${name}-node`, containers: [{ name: "c", image: "example.com/none" }] }
})

/** Makes the object and takes it away at the end, however the test ends. */
export const made = <A extends KubeObject>(resource: Resource<A>, object: A) => Effect.acquireRelease(
  Kube.use((kube) => kube.create(resource, object)),
  ({ metadata }) => Kube.use((kube) => kube.patch(resource, metadata, { metadata: { finalizers: null } }, { kind: "merge" }).pipe(
    Effect.andThen(kube.delete(resource, metadata, { gracePeriodSeconds: 0 })),
    Effect.ignore
  ))
)

/** Runs and must fail; gives the error. */
export const failure = <A, R>(call: Effect.Effect<A, KubeError, R>): Effect.Effect<KubeError, A, R> => Effect.flip(call)

export const assertReason = (error: KubeError, reason: KubeError["reason"]["_tag"]): void =>
  assert.strictEqual(error.reason._tag, reason, error.message)

/** Some cause of a refusal is about this field and says this. */
export const assertCause = (error: KubeError, field: string, message = ""): void => {
  assertReason(error, "Invalid")
  const causes = error.reason._tag === "Invalid" ? error.reason.causes : []
  assert.isTrue(
    causes.some((cause) => cause.field === field && cause.message.includes(message)),
    `no cause at ${field} saying ${message} in ${JSON.stringify(causes)}`
  )
}

type Seen<A> = Exclude<WatchEvent<A>, { readonly type: "BOOKMARK" }>

/** The first events of a watch, bookmarks apart. */
export const watched = <A extends KubeObject>(resource: Resource<A>, options: WatchOptions, howMany: number) =>
  Kube.use((kube) => kube.watch(resource, options).pipe(
    Stream.filter((event): event is Seen<A> => event.type !== "BOOKMARK"),
    Stream.take(howMany),
    Stream.runCollect
  ))

export const gone = (name: string) => Kube.use((kube) => Effect.map(failure(kube.get(NodeClaims, { name })), (error) =>
  assertReason(error, "NotFound")))
