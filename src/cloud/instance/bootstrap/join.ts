/** What a way of joining goes by. */
import type { dump } from "js-yaml"
import type { Launch } from "../bootstrap.ts"
import type { Authority } from "./authority.ts"
import type { BootstrapToken } from "./token.ts"

export interface JoinInput {
  readonly launch: Launch
  readonly authority: Authority
  readonly token: BootstrapToken
  /** What the API server calls its version; `versionOf` reads it. */
  readonly version: string
  /** Writes YAML. */
  readonly yaml: typeof dump
}

export interface Version {
  readonly minor: number
  /** `1.36` */
  readonly release: string
  /** `1.36.3` */
  readonly full: string
  /** What a distribution adds: `k3s1`; empty for Kubernetes' own. */
  readonly build: string
}

/** Undefined where it is none that packages are named after. */
export const versionOf = (text: string): Version | undefined => {
  const match = /^v(1)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?(?:\+([0-9A-Za-z.-]+))?$/.exec(text)
  if (match === null) return undefined
  const [, major, minor, patch, build = ""] = match
  return { minor: Number(minor), release: `${major}.${minor}`, full: `${major}.${minor}.${patch}`, build }
}

/** The folder of what a machine needs to join. */
export const folder = "/var/lib/karpenter"
