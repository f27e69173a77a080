/**
 * Writes a NodeClaim so that there is one of it, however often the request has to be sent: a claim that exists and is not known
 * of would be bought for, and another one beside it for the same pods.
 */
import { Effect, Random, Schedule } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Caches } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"

/** Those of Kubernetes' own generated names: no words come of them. */
const letters = "bcdfghjklmnpqrstvwxz2456789"
const suffixLength = 5
const longestName = 63

/** As the API server would complete it, but known before the request is sent. */
const nameFrom = (generateName: string): Effect.Effect<string> => Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, letters.length - 1), suffixLength),
  (picked) => generateName.slice(0, longestName - suffixLength) + picked.map((n) => letters[n]).join("")
)

const isUnanswered = ({ reason }: KubeError): boolean => reason._tag === "Unavailable" || reason._tag === "Malformed"

const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.upTo({ times: 8 }))

/** Names that are tried where another claim has the first: among thousands of claims that happens. */
const names = 8

/** The same claim, by the same name, until the API server says what became of it. */
const send = Effect.fnUntraced(function*(claim: NodeClaim) {
  const kube = yield* Kube
  const caches = yield* Caches
  let unanswered = false
  return yield* kube.create(NodeClaims, claim).pipe(
    Effect.tapError((error) => Effect.sync(() => {
      unanswered = unanswered || isUnanswered(error)
    })),
    Effect.retry({ while: isUnanswered, schedule: again }),
    // Ours, of a request before. A name that was taken from the start is somebody else's.
    Effect.catchIf(({ reason }) => unanswered && reason._tag === "AlreadyExists", () => Effect.tap(
      kube.get(NodeClaims, claim.metadata),
      // As after any write of ours: whoever counts claims next counts this one.
      (found) => caches.observe(NodeClaims, found)
    ))
  )
})

/** The claim as it exists now. Fails with the API server's refusal, or when it does not answer for half a minute. */
export const createClaim = Effect.fnUntraced(function*(claim: NodeClaim) {
  const { generateName, name } = claim.metadata
  if (name !== "" || generateName === undefined) return yield* send(claim)
  const named = Effect.flatMap(nameFrom(generateName), (full) => send({ ...claim, metadata: { ...claim.metadata, name: full } }))
  return yield* Effect.retry(named, { times: names - 1, while: ({ reason }) => reason._tag === "AlreadyExists" })
})
