/** Ports of the host that pods take: no two pods of one node may hold the same. */
import type { PodSpec } from "./problem.ts"

export interface HostPort {
  readonly ip: string
  readonly port: number
  readonly protocol: string
}

const noPorts: ReadonlyArray<HostPort> = []

/** The host ports of a pod's containers and sidecars. */
export const hostPortsOf = (spec: PodSpec): ReadonlyArray<HostPort> => {
  let out: Array<HostPort> | undefined
  const take = (ports: PodSpec["containers"][number]["ports"]): void => {
    for (const port of ports ?? []) {
      if (port.hostPort === undefined || port.hostPort === 0) continue
      const ip = port.hostIP === undefined || port.hostIP === "" ? "0.0.0.0" : port.hostIP
      out ??= []
      out.push({ ip, port: port.hostPort, protocol: port.protocol ?? "TCP" })
    }
  }
  for (const container of spec.containers) if (container.ports !== undefined) take(container.ports)
  for (const container of spec.initContainers ?? []) if (container.restartPolicy === "Always") take(container.ports)
  return out ?? noPorts
}

const isUnspecified = (ip: string): boolean => ip === "0.0.0.0" || ip === "::"

const clash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || isUnspecified(a.ip) || isUnspecified(b.ip))

/** The first port wanted that clashes with one taken. */
export const portConflict = (wanted: ReadonlyArray<HostPort>, taken: ReadonlyArray<HostPort>): HostPort | undefined =>
  wanted.find((port) => taken.some((other) => clash(port, other)))
