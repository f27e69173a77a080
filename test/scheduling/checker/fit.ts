/** Whether a node holds its pods, each of them may be there, and their host ports differ. */
import type { Pod, PodSpec } from "../../../src/scheduling/index.ts"
import { needs, none, plus } from "./amounts.ts"
import { attracted, tolerated } from "./labels.ts"
import type { Face, Spot } from "./world.ts"

interface Port {
  readonly port: number
  readonly protocol: string
  readonly address: string
}

/** Sidecars hold their ports as long as the pod runs. */
const portsOf = (spec: PodSpec): ReadonlyArray<Port> =>
  [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")]
    .flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, hostIP, protocol }) => hostPort ? [{
      port: hostPort, protocol: protocol ?? "TCP", address: hostIP || "0.0.0.0"
    }] : []))

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::"

const clash = (a: Port, b: Port): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.address === b.address || isAny(a.address) || isAny(b.address))

const faceObjections = (spot: Spot, face: Face, placed: ReadonlyArray<Pod>): ReadonlyArray<string> => {
  const out: Array<string> = []
  const asked = placed.map((pod) => needs(pod.spec)).reduce(plus, none)
  const total = spot.running.map((pod) => needs(pod.spec)).reduce(plus, asked)
  for (const [name, amount] of asked) {
    const room = face.room.get(name) ?? 0
    if (amount > 0 && total.get(name)! > room) out.push(`${face.name}: ${total.get(name)!} ${name} on ${room}`)
  }
  for (const { metadata, spec } of placed) {
    if (!attracted(spec, face.labels)) out.push(`${face.name}: ${metadata.name} does not select it`)
    if (!tolerated(spec, spot.taints)) out.push(`${face.name}: ${metadata.name} does not tolerate it`)
  }
  const holders = [...face.daemons, ...spot.running.map((pod) => pod.spec), ...placed.map((pod) => pod.spec)].map(portsOf)
  const guests = holders.length - placed.length
  holders.forEach((ports, i) => {
    if (i >= guests && holders.some((others, j) => j < i && ports.some((port) => others.some((other) => clash(port, other))))) {
      out.push(`${face.name}: host ports clash`)
    }
  })
  return out
}

/** Why these pods may not be on this node together, whatever happens elsewhere. */
export const fitObjections = (spot: Spot, placed: ReadonlyArray<Pod> = spot.placed): ReadonlyArray<string> =>
  [...new Set(spot.faces.flatMap((face) => faceObjections(spot, face, placed)))]
