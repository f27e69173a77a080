/** The simulated API as an axios adapter: the whole client runs, without a socket. For tests on virtual time. */
import { type AxiosAdapter, AxiosError, type AxiosResponse, CanceledError } from "axios"
import type { LinodeApi } from "./linodeApi.ts"

export const transport = (api: Pick<LinodeApi, "exchange">): AxiosAdapter => (config) =>
  new Promise((resolve, reject) => {
    const { pathname, search } = new URL(config.url ?? "")
    const query = new URLSearchParams(search)
    for (const [name, value] of Object.entries<unknown>(config.params ?? {})) query.set(name, String(value))
    const headers = Object.fromEntries(
      Object.entries(config.headers.toJSON()).map(([name, value]) => [name.toLowerCase(), String(value)])
    )
    config.signal?.addEventListener?.("abort", () => reject(new CanceledError()))
    api.exchange({
      method: (config.method ?? "get").toUpperCase(),
      url: `${pathname}?${query}`,
      headers,
      body: typeof config.data === "string" ? config.data : ""
    }, (outcome) => {
      if (outcome.kind !== "answered") return reject(new AxiosError("socket hang up", "ECONNRESET", config))
      const { response: { body, headers, status } } = outcome
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
      const response: AxiosResponse = { status, statusText: "", headers: lower, config, data: body }
      if (status < 300) return resolve(response)
      // axios leaves this to its adapters.
      const code = status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE
      reject(new AxiosError(`Request failed with status code ${status}`, code, config, null, response))
    })
  })
