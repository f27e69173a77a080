/** How changes are sent to Linode, and what is known of those whose answers never came. */
import { Duration } from "effect"

/**
 * How long after its intent was written a request whose answer never came may be carried out at most, in milliseconds: it waits
 * for its turn and for its answer first, and lives two minutes after it was given up.
 */
export const requestLifetime = 180_000

/** How long something must have had no owner before it is given back: longer than any request lives. Milliseconds. */
export const grace = 60_000 + requestLifetime

/** A request waits and runs this long at most, so that its intent outlives it by far. */
export const longestSend = Duration.seconds(30)

/** What took longer than this to record is not sent any more: its intents are too old. Nor does one write take longer. Milliseconds. */
export const longestRecording = 20_000

/** How many claims or Linodes are written to at once. */
export const writers = 10
