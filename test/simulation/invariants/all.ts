/** Everything that must hold. */
import type { MakeInvariant, Mode } from "../world.ts"
import { boundNodesStay } from "./boundNodesStay.ts"
import { budgets } from "./budgets.ts"
import { evictions } from "./evictions.ts"
import { givenOnce } from "./givenOnce.ts"
import { lifetimes } from "./lifetimes.ts"
import { limits } from "./limits.ts"
import { nodesLast } from "./nodesLast.ts"
import { nothingLeft } from "./nothingLeft.ts"
import { oneClaimPerLinode } from "./oneClaimPerLinode.ts"
import { othersUntouched } from "./othersUntouched.ts"
import { onePerClaim } from "./onePerClaim.ts"
import { podsRun } from "./podsRun.ts"
import { purchases } from "./purchases.ts"
import { replacedFirst } from "./replacedFirst.ts"
import { spare } from "./spare.ts"
import { tokenHidden } from "./tokenHidden.ts"

/** In the order in which they are asked: the first that is broken is told. */
export const invariantsOf = (mode: Mode): ReadonlyArray<MakeInvariant> => [
  tokenHidden, othersUntouched, boundNodesStay, replacedFirst, oneClaimPerLinode, nodesLast, givenOnce,
  mode === "lke" ? purchases : onePerClaim, spare, evictions, limits, budgets, podsRun, nothingLeft, lifetimes
]
