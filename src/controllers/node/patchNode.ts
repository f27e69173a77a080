/** Writes to Nodes, which many others write at the same time. */
import { Effect } from "effect"
import { Kube } from "../../kube/kube.ts"
import { isConflict } from "../../kube/kubeError.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"

/** A joining node is written by kubelet, cloud controller manager and LKE, all within seconds. */
const attempts = 5

interface Patch {
  readonly metadata?: object
}

/**
 * Merges what `change` gives for the Node, over the version it was worked out from: lists are replaced as a whole. Where
 * somebody else wrote first it is worked out anew from what the server has, a few times; then fails with Conflict. The
 * Node as it is afterwards.
 */
export const patchNode = Effect.fnUntraced(function*(node: Node, change: (node: Node) => Patch | undefined) {
  const kube = yield* Kube
  const ref = { name: node.metadata.name }
  const write = (current: Node) => {
    const patch = change(current)
    if (patch === undefined) return Effect.succeed(current)
    const { resourceVersion, uid } = current.metadata
    // The uid makes sure that it is never a later Node of that name.
    const metadata = { ...patch.metadata, resourceVersion, uid: node.metadata.uid ?? uid }
    return kube.patch(Nodes, ref, { ...patch, metadata }, { kind: "merge" })
  }
  return yield* write(node).pipe(
    Effect.catchIf(isConflict, () => kube.get(Nodes, ref).pipe(
      Effect.flatMap(write),
      Effect.retry({ times: attempts - 2, while: isConflict })
    ))
  )
})
