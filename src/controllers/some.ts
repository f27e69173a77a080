/** The first few, and how many more: a log line or a message must stay readable. */
export const some = (names: ReadonlyArray<string>, most: number): string =>
  names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} other(s)`
