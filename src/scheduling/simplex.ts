/**
 * Prices y >= 0 that make b·y large with A·y <= c, where c >= 0: the simplex method on a dense tableau, from y = 0. `rows` are
 * the rows of A, with `c` at the end of each; `b` is what each price earns. Good prices are all that callers need, so it simply
 * stops after `mostPivots`. A generator that works some milliseconds at a time.
 */
export function* pricing(rows: ReadonlyArray<Float64Array>, b: Float64Array, mostPivots: number): Generator<void, Float64Array> {
  const n = b.length
  const gain = b.slice()
  const tableau = rows.map((row) => row.slice())
  /** By row, then by column: the variable that stands there; n + i is the slack of row i. */
  const inRow = rows.map((_, i) => n + i)
  const inColumn = Array.from({ length: n }, (_, j) => j)
  const pivotsAtOnce = Math.ceil(cellsAtOnce / (rows.length * n + 1))
  for (let pivots = 0; pivots < mostPivots; pivots++) {
    if ((pivots + 1) % pivotsAtOnce === 0) yield
    const column = entering(gain, inColumn, pivots > mostPivots / 2)
    const leaving = column < 0 ? -1 : leavingRow(tableau, column, inRow)
    if (leaving < 0) break
    pivot(tableau, gain, leaving, column)
    const variable = inRow[leaving]!
    inRow[leaving] = inColumn[column]!
    inColumn[column] = variable
  }
  const y = new Float64Array(n)
  inRow.forEach((variable, i) => {
    if (variable < n) y[variable] = Math.max(0, tableau[i]![n]!)
  })
  return y
}

/** Cells of the tableau that are worked out before others may have their turn. */
const cellsAtOnce = 1_000_000

const tolerance = 1e-11

/** The column that earns most; once it has taken long, the first that earns at all, which cannot go round in circles. */
const entering = (gain: Float64Array, inColumn: ReadonlyArray<number>, isLate: boolean): number => {
  let best = -1
  for (let j = 0; j < gain.length; j++) {
    if (gain[j]! <= tolerance) continue
    if (best < 0 || (isLate ? inColumn[j]! < inColumn[best]! : gain[j]! > gain[best]!)) best = j
  }
  return best
}

const leavingRow = (tableau: ReadonlyArray<Float64Array>, column: number, inRow: ReadonlyArray<number>): number => {
  let best = -1
  let least = Infinity
  for (let i = 0; i < tableau.length; i++) {
    const row = tableau[i]!
    if (row[column]! <= tolerance) continue
    const ratio = row[row.length - 1]! / row[column]!
    if (ratio < least || (ratio === least && inRow[i]! < inRow[best]!)) {
      least = ratio
      best = i
    }
  }
  return best
}

/** Exchanges the variable of the row with that of the column. */
const pivot = (tableau: ReadonlyArray<Float64Array>, gain: Float64Array, leaving: number, column: number): void => {
  const row = tableau[leaving]!
  const by = 1 / row[column]!
  row[column] = 1
  for (let j = 0; j < row.length; j++) row[j]! *= by
  for (const other of tableau) {
    const factor = other[column]!
    if (other === row || factor === 0) continue
    other[column] = 0
    for (let j = 0; j < row.length; j++) other[j]! -= factor * row[j]!
  }
  const earned = gain[column]!
  gain[column] = 0
  for (let j = 0; j < gain.length; j++) gain[j]! -= earned * row[j]!
}
