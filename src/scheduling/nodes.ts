/** Nodes that are there or on their way, compiled: what room is left on them and who may go there. */
import type { Dimensions } from "./dimensions.ts"
import { PODS } from "./dimensions.ts"
import type { HostPort } from "./hostPorts.ts"
import { hostPortsOf } from "./hostPorts.ts"
import { podRequests } from "./podRequests.ts"
import type { Daemon } from "./pools.ts"
import { daemonRunsOn, stableLabels } from "./pools.ts"
import type { ExistingNode, Labels, Pod, Taint } from "./problem.ts"
import { amountsOf } from "./shapes.ts"
import { Trie } from "./trie.ts"
import { attachable, isAttachable, withAttachable } from "./volumeRoom.ts"
import type { Volumes } from "./volumes.ts"
import { attachments } from "./volumes.ts"
import { HostnameLabel } from "./wellKnown.ts"

export interface NodeModel {
  readonly name: string
  readonly labels: Labels
  readonly taints: ReadonlyArray<Taint>
  /** Left for pods: allocatable, less what its pods request, less what daemons that are not there yet will take. */
  readonly room: Float64Array
  readonly ports: ReadonlyArray<HostPort>
  /** By CSI driver: the claims of its pods. Left empty where no pod to place has any. */
  readonly attached: ReadonlyMap<string, ReadonlySet<string>>
}

const nothing: ReadonlyMap<string, ReadonlySet<string>> = new Map()

const ownedByDaemonSet = (pod: Pod): boolean => pod.metadata.ownerReferences?.some((owner) => owner.kind === "DaemonSet") ?? false

export const requestOf = (pod: Pod, dimensions: Dimensions): Float64Array => {
  const request = dimensions.need(podRequests(pod.spec))
  request[PODS] = 1
  return request
}

/** What pods request that run already; worked out once for all that ask alike. Throws `MalformedQuantity`. */
export class BoundRequests {
  private readonly dimensions: Dimensions
  private readonly amounts: Trie = new Trie()
  private readonly known: Array<Float64Array> = []

  constructor(dimensions: Dimensions) {
    this.dimensions = dimensions
  }

  of(pod: Pod): Float64Array {
    const at = amountsOf(pod.spec, [], this.amounts)
    if (at.id < 0) {
      this.known.push(requestOf(pod, this.dimensions))
      at.id = this.known.length - 1
    }
    return this.known[at.id]!
  }
}

export const nodeModel = (
  node: ExistingNode, daemons: ReadonlyArray<Daemon>, volumes: Volumes, dimensions: Dimensions, requests: BoundRequests
): NodeModel => {
  const D = dimensions.size
  const own = stableLabels(node.labels)
  const labels = own[HostnameLabel] === undefined ? { ...own, [HostnameLabel]: node.name } : own
  const room = dimensions.supply(withAttachable(node.allocatable, node.volumeLimits, dimensions.names))
  const attached = dimensions.names.some(isAttachable) ? attachments(node.pods, volumes) : nothing
  for (const [driver, claims] of attached) {
    const d = dimensions.positionOf(attachable(driver))
    if (d !== undefined) room[d]! -= claims.size
  }
  const expected = new Float64Array(D)
  const ports: Array<HostPort> = []
  for (const daemon of daemons) {
    if (!daemonRunsOn(daemon, labels, node.taints)) continue
    for (let d = 0; d < D; d++) expected[d]! += daemon.request[d]!
    ports.push(...daemon.ports)
  }
  for (const pod of node.pods) {
    const request = requests.of(pod)
    const daemon = ownedByDaemonSet(pod)
    for (let d = 0; d < D; d++) {
      room[d]! -= request[d]!
      if (daemon) expected[d]! -= request[d]!
    }
    ports.push(...hostPortsOf(pod.spec))
  }
  for (let d = 0; d < D; d++) if (expected[d]! > 0) room[d]! -= expected[d]!
  return { name: node.name, labels, taints: node.taints, room, ports, attached }
}

/** In the order in which they are filled: the initialized first, then by name. */
export const nodeOrder = (nodes: ReadonlyArray<ExistingNode>): ReadonlyArray<ExistingNode> =>
  [...nodes].sort((a, b) => Number(b.initialized) - Number(a.initialized) || (a.name < b.name ? -1 : 1))
