/**
 * How LKE's nodes come and go in Kubernetes: the kubelet that registers, the cloud controller manager, LKE's late labels
 * and taints, and machines that die. What comes when is drawn from the seed.
 */
import type { Condition, Node, Taint } from "../../../src/kube/objects.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import { reported } from "../../../src/simulator/kubernetes/joining.ts"
import type { CloudEvent, SimulatedNode } from "../../../src/simulator/linode/world.ts"
import type { Dice } from "../dice.ts"
import type { Stage, Who } from "../stage.ts"
import { second } from "../stage.ts"

const kubernetes: Who = { by: "kubernetes" }
const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }
const uninitialized: Taint = { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }
const unreachableKey = "node.kubernetes.io/unreachable"
const unreachable: ReadonlyArray<Taint> = [{ key: unreachableKey, effect: "NoSchedule" }, { key: unreachableKey, effect: "NoExecute" }]

const readiness = (status: Condition["status"], at: string): Condition => ({
  type: "Ready", status, reason: status === "True" ? "KubeletReady" : status === "False" ? "KubeletNotReady" : "NodeStatusUnknown",
  message: "", lastTransitionTime: at, lastHeartbeatTime: at
})

/** How long Kubernetes waits for a kubelet's sign of life. */
const silence = 40 * second

export class NodeLife {
  /** Machines whose kubelet does not run: dead ones, and those that never join. */
  readonly silent = new Set<string>()
  private readonly stage: Stage
  private readonly dice: Dice
  /** The odds that a machine never joins, while there is trouble. */
  private readonly neverJoins: number

  constructor(stage: Stage, neverJoins: number) {
    this.stage = stage
    this.dice = stage.diceOf("nodes")
    this.neverJoins = neverJoins
    stage.cloud.subscribe((event) => {
      if (event.cluster?.id !== stage.cluster.id) return
      if (event.kind === "NodeReady") stage.after(0, () => this.isThere(event.node) ? this.revive(event.node.name) : this.join(event))
      if (event.kind === "InstanceStopped") stage.after(0, () => this.fallSilent(event.node.name))
      if (event.kind === "InstanceGone") stage.after(0, () => this.leave(event.node))
    })
  }

  /** A node that has been there before the controller came, such as those of the user's own pools. */
  addReady(node: SimulatedNode, labels: Readonly<Record<string, string>>): void {
    const { stage } = this
    stage.server.create(Nodes, {
      metadata: { name: node.name, labels: { ...this.firstLabels(node), ...this.cloudLabels(node), ...labels } },
      spec: { providerID: `linode://${node.instanceId}` },
      status: { ...reported(stage.cloud.types.get(node.type)!), conditions: [readiness("True", this.at())] }
    } as Node)
  }

  /** The machine falls silent; after `millis` it is back. */
  die(name: string, millis: number): void {
    this.fallSilent(name)
    this.stage.after(millis, () => this.revive(name))
  }

  fallSilent(name: string): void {
    this.silent.add(name)
    this.stage.after(silence, () => {
      if (!this.silent.has(name)) return
      this.ready(name, "Unknown")
      this.retaint(name, (taints) => [...taints, ...unreachable.map((taint) => ({ ...taint, timeAdded: this.at() }))])
    })
  }

  revive(name: string): void {
    if (!this.silent.delete(name)) return
    this.ready(name, "True")
    this.retaint(name, (taints) => taints.filter(({ key }) => key !== unreachableKey && key !== notReady.key))
  }

  /** The Node of a machine that was switched off, or works again after its host was seen to. */
  private isThere({ name }: SimulatedNode): boolean {
    return this.stage.get(Nodes, { name }) !== undefined
  }

  private at(): string {
    return new Date(this.stage.now).toISOString().slice(0, 19) + "Z"
  }

  private firstLabels(node: SimulatedNode) {
    return { "kubernetes.io/hostname": node.name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux" }
  }

  private cloudLabels(node: SimulatedNode) {
    return { "node.kubernetes.io/instance-type": node.type, "topology.kubernetes.io/region": node.region }
  }

  private join({ node, pool }: CloudEvent): void {
    const { dice, stage } = this
    const { name } = node
    if (pool === undefined) return
    if (stage.troubled && dice.happens(this.neverJoins)) {
      stage.broken.add(name)
      this.silent.add(name)
      return stage.fault("machine: never joins", name)
    }
    this.silent.delete(name)
    const steps: ReadonlyArray<readonly [number, () => void]> = [
      [0, () => {
        stage.server.create(Nodes, {
          metadata: { name, labels: this.firstLabels(node) },
          spec: { taints: [uninitialized, notReady] },
          status: { ...reported(stage.cloud.types.get(node.type)!), conditions: [readiness("False", this.at())] }
        } as Node)
      }],
      [dice.int(500, 5 * second), () => {
        stage.server.patch(Nodes, { name }, {
          metadata: { labels: this.cloudLabels(node) }, spec: { providerID: `linode://${node.instanceId}` }
        }, { kind: "merge" })
        this.retaint(name, (taints) => taints.filter(({ key }) => key !== uninitialized.key))
      }],
      [dice.int(5 * second, 12 * second), () => {
        if (this.silent.has(name)) return
        this.ready(name, "True")
        this.retaint(name, (taints) => taints.filter(({ key }) => key !== notReady.key))
      }],
      [dice.int(3 * second, 20 * second), () => {
        const late = pool.taints.map(({ effect, key, value }) => ({ key, value, effect: effect as Taint["effect"] }))
        this.retaint(name, (taints) => [
          ...taints, ...late.filter((taint) => !taints.some(({ effect, key }) => taint.key === key && taint.effect === effect))
        ], { "lke.linode.com/pool-id": String(pool.id), ...pool.labels })
      }]
    ]
    for (const [millis, f] of steps) stage.after(millis, () => {
      // The machine may be gone by then, and its Node with it.
      if (node.deletedAt === undefined) stage.attempt(kubernetes, f)
    })
  }

  private leave(node: SimulatedNode): void {
    const { dice, stage } = this
    this.silent.add(node.name)
    this.ready(node.name, "Unknown")
    stage.after(dice.int(2 * second, 15 * second), () => {
      stage.attempt(kubernetes, () => stage.server.delete(Nodes, { name: node.name }))
    })
  }

  private ready(name: string, status: Condition["status"]): void {
    const { stage } = this
    stage.attempt(kubernetes, () => stage.server.patch(Nodes, { name }, {
      status: { phase: "Running", conditions: [readiness(status, this.at())] }
    }, { kind: "merge", subresource: "status" }))
  }

  private retaint(
    name: string, change: (taints: ReadonlyArray<Taint>) => ReadonlyArray<Taint>, labels?: Readonly<Record<string, string>>
  ): void {
    const { stage } = this
    stage.attempt(kubernetes, () => {
      const node = stage.get(Nodes, { name })
      if (node === undefined) return
      stage.server.patch(Nodes, { name }, {
        ...(labels === undefined ? {} : { metadata: { labels } }), spec: { taints: change(node.spec?.taints ?? []) }
      }, { kind: "merge" })
    })
  }
}
