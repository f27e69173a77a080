import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { isReschedulable } from "../../cluster/podPredicates.ts"
import { index } from "../../kube/caches.ts"
import type { Store } from "../../kube/caches.ts"
import type { Pod } from "../../kube/objects.ts"

/** The pods on the claim's node that need another place when it goes. */
export const reschedulableOn = (claim: NodeClaim, pods: Store<Pod>): ReadonlyArray<Pod> =>
  claim.status?.nodeName === undefined ? [] : pods.by(index.podNode, claim.status.nodeName).filter(isReschedulable)
