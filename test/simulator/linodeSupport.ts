/** A simulated Linode on a clock that the test moves, asked without a socket. */
import * as Schema from "effect/Schema"
import { LinodeType, Region } from "../../src/linode/models.ts"
import { LinodeApi } from "../../src/simulator/linode/linodeApi.ts"
import { LinodeCloud } from "../../src/simulator/linode/linodeCloud.ts"
import type { RateLimits } from "../../src/simulator/linode/rateLimits.ts"
import type { CloudEvent, CloudOptions, Tier } from "../../src/simulator/linode/world.ts"
import typeFile from "../../data/linode-types.json" with { type: "json" }
import regionFile from "../../data/linode-regions.json" with { type: "json" }

const types = Schema.decodeSync(Schema.Array(LinodeType))(typeFile.data)
const regions = Schema.decodeSync(Schema.Array(Region))(regionFile.data)

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

export const start = (options: Partial<CloudOptions> & { readonly tier?: Tier; readonly rateLimits?: RateLimits } = {}) => {
  let now = 0
  const cloud = new LinodeCloud({ types, regions, now: () => now, ...options })
  const api = new LinodeApi(cloud, { rateLimits: options.rateLimits })
  const cluster = cloud.addCluster({
    label: "demo", region: "us-ord", tier: options.tier ?? "standard", systemPool: { type: "g6-standard-2", count: 1 }
  })
  const events: Array<CloudEvent> = []
  cloud.subscribe((event) => events.push(event))
  const request = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => ({
    method, url: path.startsWith("/v4") ? path : `/v4beta${path}`, body: body === undefined ? "" : JSON.stringify(body),
    headers: { authorization: "Bearer simulated-token", ...headers }
  })
  const ask = (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Answer => {
    const response = api.handle(request(method, path, body, headers))
    return { status: response.status, headers: response.headers, body: JSON.parse(response.body) }
  }
  return {
    api, cloud, cluster, events, request, ask,
    pools: `/lke/clusters/${cluster.id}/pools`,
    pass: (millis: number) => {
      now += millis
      cloud.timeline.advance()
    }
  }
}

export const complaint = ({ body }: Answer): { readonly reason?: string; readonly field?: string } =>
  (body.errors as ReadonlyArray<{ readonly reason: string; readonly field?: string }> | undefined)?.[0] ?? {}

interface PoolReply {
  readonly id: number
  readonly count: number
  readonly tags: ReadonlyArray<string>
  readonly nodes: ReadonlyArray<{ readonly id: string; readonly instance_id: number | null; readonly status: string }>
}

export const poolOf = ({ body }: Answer): PoolReply => body as unknown as PoolReply

export const order = { type: "g6-standard-4", count: 2, labels: {}, taints: [], tags: ["mine"] } as const
