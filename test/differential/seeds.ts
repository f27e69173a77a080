/** Seeds whose problems once showed a difference. They are always asked again. */
export const seeds: ReadonlyArray<number> = []
