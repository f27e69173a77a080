/** Everything that must hold. */
import type { MakeInvariant } from "../world.ts"
import { allPodsRun, boundNodesStay, nodesClean, oneClaimPerLinode, othersUntouched, tokenHidden } from "./basic.ts"

export const allInvariants: ReadonlyArray<MakeInvariant> = [
  oneClaimPerLinode, othersUntouched, tokenHidden, allPodsRun, nodesClean, boundNodesStay
]
