/** What is to be done to give the machine of a deleted claim back: the decision, as a value. */
import type { Instance } from "../../linode/models.ts"
import { isLeaving } from "./machine.ts"
import { isInDoubt } from "./record.ts"
import type { InstanceRecord } from "./record.ts"

export interface Seen {
  /** Milliseconds; before Linode was asked. */
  readonly now: number
  /** Every machine of this cluster. */
  readonly listed: ReadonlyArray<Instance>
  /**
   * The machine that the claim names or that has its label, where it is one of this cluster's: no other is ever deleted,
   * whatever a claim says.
   */
  readonly named: Instance | undefined
  /** The label of the claim's machine. */
  readonly label: string
  /** Labels of other claims' machines. */
  readonly others: ReadonlySet<string>
}

export type Verdict =
  /** They are to be deleted, as far as they are not already. `landed`: the machine that the claim's only request made. */
  | { readonly is: "delete"; readonly doomed: ReadonlyArray<Instance>; readonly landed: number | undefined }
  /** A request may still be carried out. */
  | { readonly is: "wait" }
  | { readonly is: "gone" }

/** A Linode that the claim names and whose label somebody changed is the claim's too, unless the label is another claim's. */
export const decideGiveBack = (record: InstanceRecord, { label, listed, named, now, others }: Seen): Verdict => {
  const own = listed.filter((instance) => instance.label === label)
  const renamed = named !== undefined && named.label !== label && !others.has(named.label) ? [named] : []
  const unlisted = named !== undefined && named.label === label && own.every(({ id }) => id !== named.id) ? [named] : []
  const all = [...own, ...renamed, ...unlisted]
  if (all.length > 0) {
    const landed = record.instance === undefined && record.intent?.attempts === 1 ? all[0]?.id : undefined
    return { is: "delete", doomed: all.filter((instance) => !isLeaving(instance)), landed }
  }
  return { is: isInDoubt(record, now) ? "wait" : "gone" }
}
