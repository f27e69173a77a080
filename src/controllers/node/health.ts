/** Which nodes are beyond repair, and since when (Karpenter's node/health). Pure. */
import type { RepairPolicy } from "../../cloud/cloudProvider.ts"
import type { Condition, Node } from "../../kube/objects.ts"

export interface Ailment {
  /** Of the Node. */
  readonly condition: Condition
  /** When the node is to be replaced, in milliseconds. */
  readonly due: number
}

const conditionsOf = (node: Node): ReadonlyArray<Condition> => node.status?.conditions ?? []

/** What the node suffers from, the first that is due; undefined when it is well. */
export const ailmentOf = (node: Node, policies: ReadonlyArray<RepairPolicy>): Ailment | undefined => {
  const found = policies.flatMap(({ status, tolerationMillis, type }) => conditionsOf(node)
    .filter((condition) => condition.type === type && condition.status === status)
    .flatMap((condition) => {
      const due = Date.parse(condition.lastTransitionTime ?? "") + tolerationMillis
      return Number.isNaN(due) ? [] : [{ condition, due }]
    }))
  return found.toSorted((a, b) => a.due - b.due)[0]
}

/** More ill nodes than this at once, and it is not the nodes. */
const mostIll = 0.2

/** How many of so many nodes may be ill while any of them is replaced: of a few, one. */
export const tolerableOf = (nodes: number): number => Math.ceil(nodes * mostIll)

/** Whether a change of the node may concern its health: heartbeats do not. */
export const healthChanged = (before: Node | undefined, after: Node): boolean => {
  if (before === undefined || before.metadata.uid !== after.metadata.uid) return true
  const [was, is] = [conditionsOf(before), conditionsOf(after)]
  return was.length !== is.length || was.some((old) => {
    const now = is.find((condition) => condition.type === old.type)
    return now === undefined || now.status !== old.status || now.lastTransitionTime !== old.lastTransitionTime
  })
}
