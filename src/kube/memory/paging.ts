/** Lists in pages: all pages of one list show the objects as they were at its first. */
import type { ListOptions, ObjectList } from "../kube.ts"
import type { Collection } from "./collection.ts"
import { idOf } from "./collection.ts"
import { badRequest } from "./failure.ts"
import { isObject } from "./json.ts"
import type { Stored } from "./json.ts"

interface Token {
  readonly version: number
  /** The last object that was handed out. */
  readonly after: string
}

const write = (token: Token): string => Buffer.from(JSON.stringify(token)).toString("base64url")

const read = (text: string): Token => {
  try {
    const token: unknown = JSON.parse(Buffer.from(text, "base64url").toString())
    if (isObject(token) && typeof token["version"] === "number" && typeof token["after"] === "string") {
      return { version: token["version"], after: token["after"] }
    }
  } catch {
    // Said below.
  }
  throw badRequest("continue key is not valid")
}

export const readPage = (
  collection: Collection,
  matches: (object: Stored) => boolean,
  options: ListOptions,
  version: number
): ObjectList<Stored> => {
  const token = options.continue === undefined || options.continue === "" ? undefined : read(options.continue)
  const objects = token === undefined ? collection.sorted() : collection.snapshotAt(token.version)
  const listed = token?.version ?? version
  const start = token === undefined ? 0 : objects.findIndex((object) => idOf(object.metadata) > token.after)
  const rest = (start < 0 ? [] : objects.slice(start)).filter(matches)
  const limit = options.limit ?? 0
  if (limit <= 0 || rest.length <= limit) return { resourceVersion: String(listed), items: rest }
  if (token === undefined) collection.snapshot(version)
  const items = rest.slice(0, limit)
  const after = idOf(items[items.length - 1]!.metadata)
  return { resourceVersion: String(listed), continue: write({ version: listed, after }), items }
}
