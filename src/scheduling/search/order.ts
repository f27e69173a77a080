/** Sorts the first `n` of `list` by falling key. Insertion: lists are short, and mostly sorted already. */
export const sortByKey = (list: Int32Array, from: number, n: number, key: Float64Array): void => {
  for (let i = from + 1; i < from + n; i++) {
    const moved = list[i]!
    const own = key[moved]!
    let at = i - 1
    while (at >= from && isBehind(key[list[at]!]!, list[at]!, own, moved)) {
      list[at + 1] = list[at]!
      at--
    }
    list[at + 1] = moved
  }
}

const isBehind = (key: number, item: number, own: number, moved: number): boolean => key < own || (key === own && item > moved)
