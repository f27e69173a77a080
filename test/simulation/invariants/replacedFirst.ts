/** A node that is replaced goes only when all that replace it are ready for its pods. */
import { durationMillis } from "../../../src/apis/durations.ts"
import { annotation } from "../../../src/apis/labels.ts"
import { conditionType, nodeClaimConditions } from "../../../src/apis/conditions.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import type { MakeInvariant, World } from "../world.ts"
import { beginsToGo, ClaimBook, isTrue } from "./claimBook.ts"

interface Replaces {
  readonly at: string
  readonly of: number
  readonly claims: ReadonlyArray<{ readonly uid: string }>
}

const replacesOf = ({ metadata }: NodeClaim): Replaces | undefined => {
  const text = metadata.annotations?.[annotation.replaces]
  return text === undefined ? undefined : JSON.parse(text) as Replaces
}

/** Whether it has to go whatever becomes of its replacements: somebody deleted its Node, it is broken, over, or its host goes down. */
const goesAnyway = (world: World, { metadata, spec, status }: NodeClaim): boolean => {
  const life = durationMillis(spec.expireAfter)
  // Clocks of replicas are a little off.
  if (life !== undefined && world.now + 5_000 >= Date.parse(metadata.creationTimestamp ?? "") + life) return true
  const node = status?.nodeName === undefined ? undefined : world.get(Nodes, { name: status.nodeName })
  return node === undefined || node.metadata.deletionTimestamp !== undefined || world.broken.has(node.metadata.name) ||
    metadata.annotations?.[annotation.interruption] !== undefined
}

export const replacedFirst: MakeInvariant = () => {
  const book = new ClaimBook()
  return {
    name: "a node goes only when what replaces it is ready",
    step: (world) => {
      const changes = book.follow(world)
      if (changes.length === 0) return undefined
      for (const change of changes) {
        const { before, by, program } = change
        if (by !== "controller" || before === undefined || !beginsToGo(change)) continue
        const reason = nodeClaimConditions.get(before, conditionType.disruptionReason)
        if (reason?.status !== "True" || goesAnyway(world, before)) continue
        const own = [...book.claims.values()].filter((claim) => {
          const replaces = replacesOf(claim)
          return replaces?.at === reason.lastTransitionTime && replaces?.claims.some(({ uid }) => uid === before.metadata.uid) === true
        })
        const missing = own.find((claim) => !isTrue(claim, conditionType.initialized))
        if (missing !== undefined) return `${program} deleted ${before.metadata.name} before ${missing.metadata.name} was initialized`
      }
      return undefined
    }
  }
}
