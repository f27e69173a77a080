/**
 * How nodes come and go in Kubernetes: the kubelet that registers, the cloud controller manager, LKE's late labels and taints,
 * Linodes by themselves that join as their user data says, and machines that die. What comes when is drawn from the seed.
 */
import { timestamp } from "../../../src/kube/timestamp.ts"
import { Result } from "effect"
import type { Condition, Node, Taint } from "../../../src/kube/objects.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import { evidence, joinTrouble } from "../../../src/simulator/kubernetes/admission.ts"
import { lkeNode, notReady, ownNode, readiness, reported, uninitialized } from "../../../src/simulator/kubernetes/kubelet.ts"
import type { Join } from "../../../src/simulator/kubernetes/userData.ts"
import { readUserData } from "../../../src/simulator/kubernetes/userData.ts"
import type { CloudEvent, SimulatedNode, SimulatedPool } from "../../../src/simulator/linode/world.ts"
import type { Dice } from "../dice.ts"
import type { Stage, Who } from "../stage.ts"
import { second } from "../stage.ts"

const kubernetes: Who = { by: "kubernetes" }
const unreachableKey = "node.kubernetes.io/unreachable"
const unreachable: ReadonlyArray<Taint> = [{ key: unreachableKey, effect: "NoSchedule" }, { key: unreachableKey, effect: "NoExecute" }]

/** How long Kubernetes waits for a kubelet's sign of life. */
const silence = 40 * second

export class NodeLife {
  /** Machines whose kubelet does not run: dead ones, and those that never join. */
  readonly silent = new Set<string>()
  private readonly stage: Stage
  private readonly dice: Dice
  /** Linodes by themselves that have joined: from then on a kubelet has a certificate, and needs no token. */
  private readonly members = new Set<number>()
  /** The odds that a machine never joins, while there is trouble. */
  private readonly neverJoins: number

  constructor(stage: Stage, neverJoins: number) {
    this.stage = stage
    this.dice = stage.diceOf("nodes")
    this.neverJoins = neverJoins
    stage.cloud.subscribe((event) => {
      // A Linode by itself belongs to the cluster that lets it in.
      if (event.cluster !== undefined && event.cluster.id !== stage.cluster.id) return
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
  private isThere(node: SimulatedNode): boolean {
    const there = this.stage.get(Nodes, { name: node.name })
    return there !== undefined && this.isOf(there, node)
  }

  /** Another Linode may have had the name before. */
  private isOf({ spec }: Node, { instanceId }: SimulatedNode): boolean {
    return spec?.providerID === undefined || spec.providerID === `linode://${instanceId}`
  }

  private at(): string {
    return timestamp(this.stage.now)
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
    const own = pool === undefined ? this.admit(node) : undefined
    if (pool === undefined && own === undefined) return
    if (stage.troubled && dice.happens(this.neverJoins)) {
      stage.broken.add(name)
      this.silent.add(name)
      return stage.fault("machine: never joins", name)
    }
    this.silent.delete(name)
    const type = stage.cloud.types.get(node.type)!
    this.take(node, 0, () => {
      stage.server.create(Nodes, own === undefined ? lkeNode(name, type, this.at()) : ownNode(own, type, this.at()))
    })
    if (own?.externalCloud !== false) this.take(node, dice.int(500, 5 * second), () => this.initialize(node))
    this.take(node, dice.int(5 * second, 12 * second), () => {
      if (this.silent.has(name)) return
      this.ready(name, "True")
      this.retaint(name, (taints) => taints.filter(({ key }) => key !== notReady.key))
    })
    if (pool !== undefined) this.take(node, dice.int(3 * second, 20 * second), () => this.decorate(name, pool))
  }

  /** A step of a machine, that may be gone by then, and its Node with it. */
  private take(node: SimulatedNode, millis: number, step: () => void): void {
    this.stage.after(millis, () => {
      if (node.deletedAt === undefined) this.stage.attempt(kubernetes, step)
    })
  }

  /** What the cloud controller manager does. */
  private initialize(node: SimulatedNode): void {
    this.stage.server.patch(Nodes, { name: node.name }, {
      metadata: { labels: this.cloudLabels(node) }, spec: { providerID: `linode://${node.instanceId}` }
    }, { kind: "merge" })
    this.retaint(node.name, (taints) => taints.filter(({ key }) => key !== uninitialized.key))
  }

  /** LKE's late labels and taints. */
  private decorate(name: string, pool: SimulatedPool): void {
    const late = pool.taints.map(({ effect, key, value }) => ({ key, value, effect: effect as Taint["effect"] }))
    this.retaint(name, (taints) => [
      ...taints, ...late.filter((taint) => !taints.some(({ effect, key }) => taint.key === key && taint.effect === effect))
    ], { "lke.linode.com/pool-id": String(pool.id), ...pool.labels })
  }

  /** What a Linode by itself becomes, if the cluster lets it in. */
  private admit(node: SimulatedNode): Join | undefined {
    const { stage } = this
    const instance = stage.cloud.instances.get(node.instanceId ?? 0)
    if (instance === undefined) return undefined
    const read = readUserData(instance.userData, instance)
    const trouble = Result.isFailure(read) ? read.failure : this.members.has(instance.id) ? undefined
      : stage.get(Nodes, { name: node.name }) === undefined ? this.outside(read.success) : "there is a node of its name"
    if (trouble === undefined && Result.isSuccess(read)) {
      this.members.add(instance.id)
      return read.success
    }
    stage.note("kubernetes", `${node.name} does not join: ${trouble ?? ""}`)
    return undefined
  }

  private outside(join: Join): string | undefined {
    const { stage } = this
    const { authority, clusterInfo, secret } = evidence(join)
    return joinTrouble(join, {
      secret: stage.get(secret.resource, secret.ref), clusterInfo: stage.get(clusterInfo.resource, clusterInfo.ref),
      authority: stage.get(authority.resource, authority.ref)
    }, stage.now)
  }

  private leave(node: SimulatedNode): void {
    const { dice, stage } = this
    this.silent.add(node.name)
    this.ready(node.name, "Unknown")
    stage.after(dice.int(2 * second, 15 * second), () => {
      if (this.isThere(node)) stage.attempt(kubernetes, () => stage.server.delete(Nodes, { name: node.name }))
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
