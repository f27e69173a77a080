/** Why the process cannot start: it does not know which cluster it is for. */
import { Schema } from "effect"

/** The settings do not lead to one cluster. One line says what was looked for and what was found. */
export class ClusterUnknown extends Schema.TaggedError<ClusterUnknown>()("ClusterUnknown", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}
