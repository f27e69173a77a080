/** The tags of a LinodeNodeClass on what was made of it: which are there, and which are to be. */
import { Schema } from "effect"
import { annotation } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import { isSystemTag } from "./tags.ts"

const readTags = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.String)))

/** The class's tags that are, or may be, on the claim's machine. */
export const appliedTo = (claim: NodeClaim): ReadonlyArray<string> => {
  const written = claim.metadata.annotations?.[annotation.lastAppliedUserTags]
  const tags = written === undefined ? undefined : readTags(written)
  return tags?._tag === "Some" ? tags.value : []
}

/** As the Go provider writes them. */
export const writtenTags = (tags: ReadonlyArray<string>): string => JSON.stringify([...new Set(tags)].toSorted())

/**
 * Whether the claim says that its machine has these tags of the class and no former ones. While it does not, something is to be
 * written, or was written so lately that a list may not show it.
 */
export const isWritten = (claim: NodeClaim, wanted: ReadonlyArray<string>): boolean =>
  writtenTags(appliedTo(claim)) === writtenTags(wanted)

/** `existing` without what was applied and is wanted no more, with what is wanted. What the system needs always stays. */
export const retagged = (
  existing: ReadonlyArray<string>, applied: ReadonlySet<string>, wanted: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const kept = existing.filter((tag) => isSystemTag(tag) || !applied.has(tag) || wanted.includes(tag))
  return [...new Set([...kept, ...wanted])]
}

export const sameTags = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((tag) => b.includes(tag))
