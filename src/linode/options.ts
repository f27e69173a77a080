/** What the live layer needs to know, and the seams that it leaves. */
import type { AxiosAdapter } from "axios"
import { Context } from "effect"
import type { Duration, Redacted } from "effect"
import type { RateClass } from "./budget.ts"

export interface LinodeOptions {
  readonly token: Redacted.Redacted
  /** `https://api.linode.com` without it; a version at its end is dropped. */
  readonly baseUrl?: string
  /** Replaces the version in every URL. `v4beta` without it: it has all of v4, and tells a cluster's tier. */
  readonly apiVersion?: string
  /** For one exchange, from its turn in the rate budget on; 10 seconds without it. */
  readonly timeout?: Duration.Duration
  /** A PEM file of certificate authorities that are trusted besides the usual ones; none when empty. */
  readonly caFile?: string
  readonly userAgent?: string
}

/** How requests leave the process: by axios's own HTTP adapter, or into a simulator. Read when the layer is built. */
export const Transport = Context.Reference<AxiosAdapter | undefined>("karpenter-linode/linode/Transport", {
  defaultValue: () => undefined
})

/** One exchange with Linode: each page and each retry is one. */
export interface LinodeCall {
  readonly method: string
  /** Without version, ids as `{id}`. */
  readonly route: string
  /** 0 when there was no reply. */
  readonly status: number
  readonly durationMillis: number
  /** The rate class that it counts for: `list`, `images`, `creations` or `other`. */
  readonly kind: RateClass
  /** How long it waited for its turn before it was sent. */
  readonly waitedMillis: number
}

/** Is told of every exchange, for metrics. Read when the layer is built. */
export const LinodeCalls = Context.Reference<(call: LinodeCall) => void>("karpenter-linode/linode/LinodeCalls", {
  defaultValue: () => () => {}
})
