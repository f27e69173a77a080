/** A short name for a value. */
import { createHash } from "node:crypto"

/** 64 bits of SHA-256 over JSON, as 16 hex digits. */
export const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16)
