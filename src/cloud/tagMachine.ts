/** The tags of one Linode: read where they are current, and written only where they differ. */
import { Effect } from "effect"
import type { Linode } from "../linode/linode.ts"
import type { Instance } from "../linode/models.ts"
import { retagged, sameTags } from "./userTags.ts"

/**
 * Whether the Linode was written to. It is read by its id first: lists may be older than what was written last, and a write
 * replaces what somebody else added meanwhile. One that is gone, or on its way out, is let be.
 */
export const tagMachine = (
  linode: Linode["Service"], applied: ReadonlySet<string>, wanted: ReadonlyArray<string>, isOurs: (instance: Instance) => boolean
) => Effect.fnUntraced(function*(id: number) {
  const now = yield* linode.instance(id)
  const tags = retagged(now.tags, applied, wanted)
  if (now.status === "deleting" || !isOurs(now) || sameTags(now.tags, tags)) return false
  yield* linode.tagInstance(id, tags)
  return true
}, Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.succeed(false)))
