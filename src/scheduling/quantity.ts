/**
 * Kubernetes quantities, exactly. The value of a quantity is counted in nanos (10^-9) as a bigint, which is the finest that
 * Kubernetes keeps; what is finer is rounded away from zero, as there.
 */
import type { Quantity } from "./problem.ts"

/** A text that Kubernetes would not accept as a quantity. */
export class MalformedQuantity extends Error {
  override readonly name = "MalformedQuantity"
  readonly quantity: string
  constructor(quantity: string) {
    super(`${JSON.stringify(quantity)} is not a quantity: expected a number, with a suffix or without, such as 500m, 2 or 1.5Gi`)
    this.quantity = quantity
  }
}

/** How a quantity is written: with powers of ten (`1500m`, `2k`) or powers of two (`512Mi`). */
export type QuantityFormat = "DecimalSI" | "BinarySI"

const grammar = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d{1,3})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/

const nano = 1_000_000_000n
const decimals: ReadonlyArray<readonly [suffix: string, nanos: bigint]> = [
  ["E", 10n ** 27n], ["P", 10n ** 24n], ["T", 10n ** 21n], ["G", 10n ** 18n], ["M", 10n ** 15n], ["k", 10n ** 12n],
  ["", nano], ["m", 10n ** 6n], ["u", 10n ** 3n], ["n", 1n]
]
const binaries: ReadonlyArray<readonly [suffix: string, nanos: bigint]> = [
  ["Ei", nano << 60n], ["Pi", nano << 50n], ["Ti", nano << 40n], ["Gi", nano << 30n], ["Mi", nano << 20n], ["Ki", nano << 10n],
  ["", nano]
]
const multipliers: ReadonlyMap<string, bigint> = new Map([...decimals, ...binaries])

/** Division of whole numbers, rounded away from zero. */
const divideUp = (a: bigint, b: bigint): bigint => {
  const whole = a / b
  return a % b === 0n ? whole : a < 0n ? whole - 1n : whole + 1n
}

/** The value in nanos. Throws `MalformedQuantity`. */
export const parseQuantity = (quantity: Quantity): bigint => {
  const text = String(quantity)
  const match = grammar.exec(text)
  if (match === null) throw new MalformedQuantity(text)
  const [, sign, number = "", exponent, suffix = ""] = match
  const point = number.indexOf(".")
  const fraction = point < 0 ? "" : number.slice(point + 1)
  const digits = BigInt((point < 0 ? number : number.slice(0, point)) + fraction)
  const power = Number(exponent ?? 0) - fraction.length
  const scaled = digits * multipliers.get(suffix)!
  const nanos = power >= 0 ? scaled * 10n ** BigInt(power) : divideUp(scaled, 10n ** BigInt(-power))
  return sign === "-" ? -nanos : nanos
}

/** Suffixes that are multiples of a unit, as numbers. */
const units: ReadonlyMap<string, number> = new Map([["", 1], ["k", 1e3], ["M", 1e6], ["G", 1e9], ["Ki", 2 ** 10], ["Mi", 2 ** 20], ["Gi", 2 ** 30]])

/** How most quantities are written: some digits and one of these suffixes. What they amount to, if it is exact; else undefined. */
const plainUnits = (text: string): number | undefined => {
  let number = 0
  let at = 0
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
    number = number * 10 + digit
  }
  const unit = at === 0 ? undefined : units.get(text.slice(at))
  const amount = unit === undefined ? NaN : number * unit
  return amount <= Number.MAX_SAFE_INTEGER ? amount : undefined
}

/** Thousandths written as such (`500m`), or whole units. */
const plainMillis = (text: string): number | undefined => {
  const isMillis = /\dm$/.test(text)
  const amount = plainUnits(isMillis ? text.slice(0, -1) : text)
  return isMillis || amount === undefined ? amount : amount <= Number.MAX_SAFE_INTEGER / 1000 ? amount * 1000 : undefined
}

/** Thousandths, as CPU is counted; rounded up, or down where `round` says so (what a node has, against what a pod wants). */
export const toMillis = (quantity: Quantity, round: "up" | "down" = "up"): number =>
  plainMillis(String(quantity)) ?? scaleTo(parseQuantity(quantity), 1_000_000n, round)

/** Whole units: bytes, pods, devices. Rounded up, or down where `round` says so. */
export const toUnits = (quantity: Quantity, round: "up" | "down" = "up"): number =>
  plainUnits(String(quantity)) ?? scaleTo(parseQuantity(quantity), nano, round)

const scaleTo = (nanos: bigint, unit: bigint, round: "up" | "down"): number => {
  const floor = nanos / unit - (nanos % unit < 0n ? 1n : 0n)
  return Number(round === "up" && nanos % unit !== 0n ? floor + 1n : floor)
}

/** Negative, zero or positive: the order of two quantities. Throws `MalformedQuantity`. */
export const compareQuantities = (a: Quantity, b: Quantity): number => {
  const x = parseQuantity(a)
  const y = parseQuantity(b)
  return x < y ? -1 : x > y ? 1 : 0
}

/** The canonical text: the largest suffix that leaves a whole number; `BinarySI` falls back to decimals below one unit. */
export const formatQuantity = (nanos: bigint, format: QuantityFormat = "DecimalSI"): string => {
  if (nanos === 0n) return "0"
  const suffixes = format === "BinarySI" && nanos % nano === 0n ? binaries : decimals
  for (const [suffix, unit] of suffixes) if (nanos % unit === 0n) return `${nanos / unit}${suffix}`
  return `${nanos}n`
}

/** Byte-sized resources are written in powers of two, all others in powers of ten, as people write them in manifests. */
export const formatOf = (resource: string): QuantityFormat =>
  resource === "memory" || resource === "ephemeral-storage" || resource.startsWith("hugepages-") ? "BinarySI" : "DecimalSI"

/** The text of an amount counted as the scheduler counts: thousandths of a CPU, whole units of everything else. */
export const formatAmount = (resource: string, amount: number): string =>
  formatQuantity(BigInt(Math.round(amount)) * (resource === "cpu" ? 1_000_000n : nano), formatOf(resource))
