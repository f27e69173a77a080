/**
 * One start of the controller with milliseconds of network between it and the API server and Linode. It can be killed at
 * any of its requests, before they are sent or once they are carried out.
 */
import type { AxiosAdapter } from "axios"
import { Effect } from "effect"
import { Kube } from "../../src/kube/kube.ts"
import { KubeError, Unavailable } from "../../src/kube/kubeError.ts"
import type { LinodeApi } from "../../src/simulator/linode/linodeApi.ts"
import { findRoutes } from "../../src/simulator/linode/routes.ts"
import { transport } from "../../src/simulator/linode/transport.ts"
import { launch } from "../simulation/engine/program.ts"
import { Process } from "../simulation/engine/virtual.ts"
import type { Time } from "../simulation/engine/virtual.ts"

export { clusterName, token } from "../simulation/engine/program.ts"

/** A request that is about to be sent, or whose reply is on its way. */
export interface Moment {
  readonly at: "sending" | "carriedOut"
  /** `POST /lke/clusters/{id}/pools`, or `patch nodeclaims`. */
  readonly what: string
  /** The body, or the patch. */
  readonly body: string
}

export interface ProgramOptions {
  /** Of its lease. */
  readonly identity: string
  readonly seed: number
  /** Is asked at every moment; true is death. */
  readonly diesAt: (moment: Moment) => boolean
  /** Is asked at every moment of a request to the API server; true is a failure, with the request carried out or not. */
  readonly failsAt: (moment: Moment) => boolean
  readonly log: (line: string) => void
  readonly onExit: (how: string) => void
  /** Settings beside the cluster's name and the token. */
  readonly env?: Readonly<Record<string, string>>
}

const kubeMillis = 2
const linodeMillis = 60

export interface Program {
  readonly process: Process
  /** SIGTERM. */
  readonly stop: () => void
}

export const startProgram = (time: Time, kube: Kube["Service"], api: LinodeApi, options: ProgramOptions): Program => {
  const process = new Process(time, options.seed)

  const deadly = (moment: Moment): boolean => {
    if (process.alive && options.diesAt(moment)) process.kill()
    return !process.alive
  }

  const adapter: AxiosAdapter = (config) => new Promise((resolve, reject) => {
    const method = (config.method ?? "get").toUpperCase()
    const path = new URL(config.url ?? "").pathname.replace(/^\/v4(beta)?/, "")
    const what = `${method} ${findRoutes(path)[0]?.route.path ?? path}`
    const body = typeof config.data === "string" ? config.data : ""
    if (deadly({ at: "sending", what, body })) return
    const send = transport(api)
    time.after(linodeMillis, () => {
      const reply = send(config)
      if (deadly({ at: "carriedOut", what, body })) reply.catch(() => {})
      reply.then(
        (response) => process.after(linodeMillis, () => resolve(response)),
        (error: unknown) => process.after(linodeMillis, () => reject(error))
      )
    })
  })

  const overNetwork = (what: string, body: unknown, request: Effect.Effect<unknown, unknown>) => Effect.suspend(() => {
    const moment = { what, body: JSON.stringify(body) ?? "" }
    const failure = Effect.fail(new KubeError({ request: what, status: 0, detail: "no reply", reason: new Unavailable() }))
    if (deadly({ ...moment, at: "sending" })) return Effect.never
    return Effect.sleep(kubeMillis).pipe(
      Effect.andThen(options.failsAt({ ...moment, at: "sending" }) ? failure : Effect.void),
      Effect.andThen(Effect.exit(request)),
      Effect.tap(() => deadly({ ...moment, at: "carriedOut" }) ? Effect.never : Effect.sleep(kubeMillis)),
      Effect.flatMap((exit) => options.failsAt({ ...moment, at: "carriedOut" }) ? failure : exit)
    )
  })

  type Method = (resource: { readonly plural?: string }, ...rest: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>
  const remoteKube = Kube.of({
    ...Object.fromEntries(Object.entries(kube).map(([verb, method]: [string, unknown]) => [
      verb,
      (...args: Parameters<Method>) =>
        overNetwork(`${verb} ${args[0].plural ?? "pods"}`, args.slice(1), (method as Method)(...args))
    ])) as unknown as Kube["Service"],
    watch: kube.watch,
    serverVersion: kube.serverVersion
  })

  const { env = {}, identity, log, onExit } = options
  return { process, stop: launch(process, { env, identity, kube: remoteKube, linode: adapter, log, onExit }) }
}
