/** One request for a claim's machine: noted on the claim, sent once, its outcome told. */
import { Clock, Duration, Effect, Option, Result } from "effect"
import type { SecureRandom } from "effect/crypto"
import { annotation } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import { outcomeUnknown } from "../../linode/linodeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Instance } from "../../linode/models.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { CloudError } from "../cloudProvider.ts"
import { fromKube, fromLinode, unavailable } from "../errors.ts"
import { longestRecording, longestSend } from "../requests.ts"
import type { Bootstrap } from "./bootstrap.ts"
import { launchLabels, launchTaints, orderOf, rootPassword } from "./order.ts"
import { earlierAttempts, wasAskedFor } from "./record.ts"
import type { InstanceRecord, Intent } from "./record.ts"
import { isOurs, isOursOrLabelled } from "./tags.ts"
import type { World } from "./world.ts"

const operation = "create machine"

export type Outcome =
  | { readonly is: "bought" | "found"; readonly instance: Instance; readonly record: InstanceRecord }
  /** Nothing was bought, and nothing will be. */
  | { readonly is: "refused"; readonly error: LinodeError; readonly record: InstanceRecord }

/** Linode has a Linode of this label, or had a moment ago. */
const isTaken = ({ reason }: LinodeError): boolean => reason._tag === "Validation" && reason.field === "label"

const intentOf = (intent: Intent | undefined): Readonly<Record<string, string | null>> =>
  ({ [annotation.instanceIntent]: intent === undefined ? null : JSON.stringify(intent) })

/** Fails with CloudUnavailable where nothing was sent, and where it is not known what came of it. */
export const purchase = (
  world: World, bootstrap: Bootstrap["Service"], random: SecureRandom.SecureRandom["Service"]
) => Effect.fn("instance.purchase")(function*(
  record: InstanceRecord, nodeClass: LinodeNodeClass, type: InstanceType
): Effect.fn.Return<Outcome, CloudError> {
  const { account, claims, cluster, linode } = world
  const full = yield* account.limit.check
  if (full !== undefined) return { is: "refused", error: full, record }

  const label = world.labelOf(record)
  const started = yield* Clock.currentTimeMillis
  const intent: Intent = { at: yield* isoNow, attempts: earlierAttempts(record, started) + 1 }
  // A machine in the place of one that is gone is made of the class as it is: nothing that was written of that one holds.
  const anew = record.instance === undefined ? {} : { [annotation.nodeClassHash]: null, [annotation.lastAppliedUserTags]: null }
  const noted = yield* Effect.mapError(claims.annotate(
    record, { ...intentOf(intent), ...anew },
    (now) => !now.deleting && !now.registered && now.instance === record.instance && now.intent?.at === record.intent?.at
  ), fromKube(operation))
  if (noted === undefined) return yield* unavailable(operation, "the claim changed while its machine was to be asked for", 1)

  /** The intent again as it was, or as it is then: a failure only makes the claim's end take longer. */
  const note = (next: Intent | undefined) => claims.annotate(noted, intentOf(next), (now) => now.intent?.at === intent.at).pipe(
    Effect.catch((error) => Effect.as(
      Effect.logDebug("could not note that a request is over", { NodeClaim: record.name, error: error.message }), undefined
    )),
    Effect.map((written) => written ?? noted)
  )
  const unsent = note(record.intent)
  const userData = yield* bootstrap.userData({
    claim: noted.claim, nodeClass, nodeName: label, taints: launchTaints(noted.claim),
    // What the claim got from a machine that is gone says nothing about the next one.
    labels: record.instance === undefined
      ? { ...launchLabels(noted.claim, type), ...noted.claim.metadata.labels }
      : { ...noted.claim.metadata.labels, ...launchLabels(noted.claim, type) }
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.millis(longestRecording),
      orElse: () => Effect.fail(unavailable(operation, "its user data took too long to make"))
    }),
    Effect.tapError(() => unsent)
  )
  if ((yield* Clock.currentTimeMillis) - started > longestRecording) {
    yield* unsent
    return yield* unavailable(operation, "it took too long to prepare the request")
  }

  const secrets = { root_pass: yield* rootPassword(random), user_data: userData }
  const result = yield* linode.createInstance(orderOf(cluster, noted.claim, nodeClass, type.name, secrets)).pipe(
    Effect.result, Effect.timeoutOption(longestSend), Effect.map(Option.getOrUndefined)
  )
  const about = { NodeClaim: record.name, label, "instance-type": type.name }
  if (result === undefined || (Result.isFailure(result) && outcomeUnknown(result.failure))) {
    const error = result === undefined ? "no answer in time" : result.failure.message
    yield* Effect.logWarning("asked for a machine, outcome unknown", { ...about, error })
    return yield* unavailable(operation, "a request was sent to Linode and its outcome is not known yet")
  }
  if (Result.isSuccess(result)) {
    yield* account.limit.passed
    yield* Effect.logInfo("asked for a machine", { ...about, "provider-id": result.success.id })
    return { is: "bought", instance: result.success, record: noted }
  }

  const error = result.failure
  if (isTaken(error)) {
    const holders = yield* Effect.mapError(linode.instancesByLabel(label), fromLinode(operation))
    // Before the first request a label is nobody's proof.
    const own = holders.find((instance) => wasAskedFor(record)
      ? isOursOrLabelled(instance, cluster.identity, label)
      : isOurs(instance, cluster.identity))
    // Some request has been carried out, whichever it was.
    if (own !== undefined) return { is: "found", instance: own, record: yield* note(record.intent ?? { ...intent, attempts: 1 }) }
    const [other] = holders
    if (other !== undefined || /unique/i.test(error.detail)) {
      yield* unsent
      const holder = other === undefined ? "" : `: Linode ${other.id} has it, which is none of this cluster's machines`
      return yield* unavailable(operation, `the label ${label} is taken${holder}`)
    }
  }
  yield* Effect.logWarning("a machine was refused", { ...about, error: error.message })
  if (error.reason._tag === "Quota") yield* account.limit.refused(error)
  return { is: "refused", error, record: yield* unsent }
})
