/** The machines as they were put together last: most are the same when somebody asks again, and so is the order of their names. */
import { isUnlaunched } from "../apis/launched.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { Node, Pod } from "../kube/objects.ts"
import type { StateNode } from "./cluster.ts"
import { stateNode } from "./stateNode.ts"
import type { Parts } from "./stateNode.ts"

export class MachineMemory {
  private readonly known = new WeakMap<Node | NodeClaim, { readonly parts: Parts; readonly state: StateNode }>()
  private positions: ReadonlyMap<string, number> = new Map()
  private last: {
    readonly nodes: ReadonlyArray<Node>
    readonly claims: ReadonlyArray<NodeClaim>
    readonly pods: ReadonlyArray<Pod>
    readonly machines: ReadonlyArray<StateNode>
  } | undefined = undefined

  /**
   * All machines, where nothing has changed but what some Nodes say of themselves, as every kubelet does now and then: a large
   * cluster at rest is asked about much oftener than it changes.
   */
  asBefore(nodes: ReadonlyArray<Node>, claims: ReadonlyArray<NodeClaim>, pods: ReadonlyArray<Pod>): ReadonlyArray<StateNode> | undefined {
    const { last } = this
    if (last?.claims !== claims || last.pods !== pods || last.nodes.length !== nodes.length) return undefined
    if (last.nodes === nodes) return last.machines
    let machines: Array<StateNode> | undefined
    for (let i = 0; i < nodes.length; i++) {
      const [node, before] = [nodes[i]!, last.nodes[i]!]
      if (node === before) continue
      const place = this.positions.get(node.metadata.name)
      const old = place === undefined ? undefined : last.machines[place]
      if (place === undefined || old?.node !== before || node.spec?.providerID !== before.spec?.providerID) return undefined
      machines ??= last.machines.slice()
      machines[place] = this.state({ ...this.known.get(old.claim ?? before)!.parts, node })
    }
    this.last = { ...last, nodes, machines: machines ?? last.machines }
    return this.last.machines
  }

  /** Something changed that no object says. */
  forget(): void {
    this.last = undefined
  }

  /** `isSettled`: what the machines are does not depend on the time. */
  keep(
    nodes: ReadonlyArray<Node>, claims: ReadonlyArray<NodeClaim>, pods: ReadonlyArray<Pod>, machines: ReadonlyArray<StateNode>,
    isSettled: boolean
  ): ReadonlyArray<StateNode> {
    const lasts = isSettled && machines.every(({ claim }) => claim === undefined || !isUnlaunched(claim))
    this.last = lasts ? { nodes, claims, pods, machines } : undefined
    return machines
  }

  /** The machine made of these parts; the same one as long as they are the same. */
  state(parts: Parts): StateNode {
    const { claim, expected, node, nominated, pods, replaced } = parts
    const key = (claim ?? node)!
    const last = this.known.get(key)
    const same = last !== undefined && expected === undefined && last.parts.expected === undefined && last.parts.node === node &&
      last.parts.pods === pods && last.parts.nominated === nominated && last.parts.replaced === replaced
    if (same) return last.state
    const state = stateNode(parts)
    this.known.set(key, { parts, state })
    return state
  }

  /** In the order of their names. */
  byName(machines: ReadonlyArray<StateNode>): ReadonlyArray<StateNode> {
    const out = machines.slice()
    const places = new Set<number>()
    for (const machine of machines) {
      const place = this.positions.get(machine.name)
      if (place === undefined || place >= machines.length) break
      places.add(place)
      out[place] = machine
    }
    if (places.size === machines.length) return out
    const sorted = machines.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    this.positions = new Map(sorted.map(({ name }, i) => [name, i]))
    return sorted
  }
}
