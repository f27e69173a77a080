/** Sets of small whole numbers as words of 32 bits. */
export type Bits = Uint32Array

export const noBits = (size: number): Bits => new Uint32Array((size + 31) >>> 5)

export const allBits = (size: number): Bits => {
  const bits = noBits(size)
  for (let i = 0; i < size; i++) setBit(bits, i)
  return bits
}

export const setBit = (bits: Bits, i: number): void => {
  bits[i >>> 5]! |= 1 << (i & 31)
}

export const hasBit = (bits: Bits, i: number): boolean => ((bits[i >>> 5]! >>> (i & 31)) & 1) === 1

/** Keeps in `into` what is in `other` too. */
export const intersectBits = (into: Bits, other: Bits): void => {
  for (let w = 0; w < into.length; w++) into[w]! &= other[w]!
}

/** Takes out of `into` what is in `other`. */
export const subtractBits = (into: Bits, other: Bits): void => {
  for (let w = 0; w < into.length; w++) into[w]! &= ~other[w]!
}

export const addBits = (into: Bits, other: Bits): void => {
  for (let w = 0; w < into.length; w++) into[w]! |= other[w]!
}

export const isEmptyBits = (bits: Bits): boolean => {
  for (let w = 0; w < bits.length; w++) if (bits[w] !== 0) return false
  return true
}

/** The members, ascending. */
export const members = (bits: Bits): ReadonlyArray<number> => {
  const out: Array<number> = []
  for (let w = 0; w < bits.length; w++) {
    for (let word = bits[w]!; word !== 0; word &= word - 1) out.push((w << 5) + 31 - Math.clz32(word & -word))
  }
  return out
}

/** Equal for equal sets of one size only. */
export const identityOfBits = (bits: Bits): string => {
  let out = ""
  for (let w = 0; w < bits.length; w++) out += String.fromCharCode(bits[w]! & 0xffff, bits[w]! >>> 16)
  return out
}
