/** A condition that changes its status is an event on its object, whose reason is the condition's type. */
import { Effect } from "effect"
import type { ConditionedObject } from "../apis/conditions.ts"
import { Recorder } from "../kube/events.ts"
import type { EventReason } from "../kube/events.ts"
import type { Condition, KubeObject } from "../kube/objects.ts"

const find = (object: ConditionedObject, type: string): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === type)

/** Publishes what changed between two states of an object; a fall to False is a warning. */
export const reportTransitions = Effect.fnUntraced(function*<A extends KubeObject & ConditionedObject>(
  before: A,
  after: A,
  types: ReadonlyArray<EventReason>
) {
  const recorder = yield* Recorder
  for (const type of types) {
    const was = find(before, type)
    const is = find(after, type)
    if (is === undefined || is.status === "Unknown") continue
    if (was?.status === is.status && was.reason === is.reason && was.message === is.message) continue
    const because = is.status === "True" && is.reason === type ? "" : `, Reason: ${is.reason ?? ""}, Message: ${is.message ?? ""}`
    yield* recorder.publish({
      object: after,
      type: is.status === "True" ? "Normal" : "Warning",
      reason: type,
      message: `Status condition transitioned, Type: ${type}, Status: ${was?.status ?? "Unknown"} -> ${is.status}${because}`,
      dedupe: []
    })
  }
})
