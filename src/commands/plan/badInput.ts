/** What is wrong with what `plan` was given, one line for each problem. */
import { Schema } from "effect"

/** So many lines are shown; more are counted. */
const shown = 10

/** The input cannot be planned for. Each problem names the file, the document and the field. */
export class BadInput extends Schema.TaggedError<BadInput>()("BadInput", { problems: Schema.Array(Schema.String) }) {
  override get message(): string {
    const [first = "", ...others] = this.problems
    if (others.length === 0) return first
    const lines = this.problems.slice(0, shown)
    const more = this.problems.length - lines.length
    return [`${this.problems.length} problems`, ...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("\n")
  }
}

export const badInput = (...problems: ReadonlyArray<string>): BadInput => new BadInput({ problems })
