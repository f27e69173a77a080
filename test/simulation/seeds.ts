/**
 * Seeds of lives that went wrong once, and what it was. They are played again for ever. An edit of the world changes what a seed
 * means, so a seed that finds nothing any more is no proof of anything; it is kept all the same, since it costs little.
 */
export const failedOnce: Readonly<Record<number, string>> = {}
