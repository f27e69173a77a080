/**
 * Bootstrap tokens: a Secret of a type of its own, with which a machine that nobody knows yet may ask for a kubelet's
 * certificate. The API server takes it until it expires; the token cleaner of kube-controller-manager removes it then, the
 * garbage collector when its claim goes.
 */
import { Clock, Effect, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { NodeClaims } from "../../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../../apis/nodeClaim.ts"
import { label } from "../../../apis/labels.ts"
import { isLabelValue } from "../../../apis/names.ts"
import { Kube } from "../../../kube/kube.ts"
import type { Secret } from "../../../kube/objects.ts"
import { apiVersion, Secrets } from "../../../kube/resources.ts"
import { fromKube } from "./errors.ts"

export interface BootstrapToken {
  /** Public: part of the Secret's name. */
  readonly id: string
  readonly secret: Redacted.Redacted
}

/** `<id>.<secret>`. */
export const tokenText = (token: BootstrapToken): string => `${token.id}.${Redacted.value(token.secret)}`

/** Longer than a machine takes to join, and than its claim is waited for. */
export const tokenLifetimeMillis = 30 * 60_000

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

const idLength = 6
const secretLength = 16

/** As long as any, and good for nothing. */
export const noToken: BootstrapToken = { id: "0".repeat(idLength), secret: Redacted.make("0".repeat(secretLength)) }

const text = (random: SecureRandom.SecureRandom["Service"], length: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(random.intBetween(0, letters.length - 1), length),
    (picked) => picked.map((i) => letters[i]).join("")
  )

/** The Secret that makes the API server take a token; `group` is whom its holder is taken for beside all bootstrappers. */
export const tokenSecret = (token: BootstrapToken, claim: NodeClaim, group: string, expiresAt: number): Secret => {
  const { name, uid } = claim.metadata
  const said = {
    "token-id": token.id,
    "token-secret": Redacted.value(token.secret),
    expiration: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, "Z"),
    "usage-bootstrap-authentication": "true",
    "usage-bootstrap-signing": "true",
    "auth-extra-groups": group,
    description: `Made by Karpenter for NodeClaim ${name}.`
  }
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: `bootstrap-token-${token.id}`,
      namespace: "kube-system",
      ...(isLabelValue(name) && { labels: { [label.nodeClaim]: name } }),
      ...(uid !== undefined && { ownerReferences: [{ apiVersion: apiVersion(NodeClaims), kind: NodeClaims.kind, name, uid }] })
    },
    type: "bootstrap.kubernetes.io/token",
    data: Object.fromEntries(Object.entries(said).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")]))
  }
}

/** Ids are few enough that one may be taken. */
const tries = 3

/** Makes a token for one launch of a claim, good from now on. */
export const makeToken = Effect.fnUntraced(function*(claim: NodeClaim, group: string) {
  const kube = yield* Kube
  const random = yield* SecureRandom.SecureRandom
  const once = Effect.gen(function*() {
    const secret = yield* text(random, secretLength)
    const token: BootstrapToken = { id: yield* text(random, idLength), secret: Redacted.make(secret) }
    const object = tokenSecret(token, claim, group, (yield* Clock.currentTimeMillis) + tokenLifetimeMillis)
    return yield* kube.create(Secrets, object).pipe(
      Effect.as(token),
      Effect.mapError((error) => ({ error, hidden: [secret, Buffer.from(secret, "utf8").toString("base64")] }))
    )
  })
  return yield* once.pipe(
    Effect.retry({ times: tries - 1, while: ({ error }) => error.reason._tag === "AlreadyExists" }),
    Effect.mapError(({ error, hidden }) => fromKube(hidden)(error))
  )
})
