/** People with kubectl: they scale, edit, and delete anything at all. When the trouble is over they put things right. */
import { annotation } from "../../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { Pod } from "../../../src/kube/objects.ts"
import { Deployments, Nodes, PodDisruptionBudgets, Pods } from "../../../src/kube/resources.ts"
import type { Resource } from "../../../src/kube/resources.ts"
import type { Dice } from "../dice.ts"
import type { Stage, Who } from "../stage.ts"
import { minute, second } from "../stage.ts"
import type { Wanted } from "./scene.ts"
import { deploymentOf } from "./scene.ts"

const user: Who = { by: "user" }
const most = 8

type Deed =
  | "scale" | "scale to nothing" | "come and go" | "edit NodePool" | "edit LinodeNodeClass" | "delete pod" | "delete node"
  | "delete claim" | "delete NodePool" | "delete LinodeNodeClass" | "delete Deployment" | "tighten budget" | "touch"

/** How often each is done; those below `scale` count as faults. */
const odds: Readonly<Record<Deed, number>> = {
  scale: 30, "scale to nothing": 6, "come and go": 8, "edit NodePool": 6, "edit LinodeNodeClass": 2, "delete pod": 5, "delete node": 5,
  "delete claim": 6, "delete NodePool": 1.5, "delete LinodeNodeClass": 0.7, "delete Deployment": 1.5, "tighten budget": 3, touch: 5
}

class Users {
  private readonly stage: Stage
  private readonly wanted: Wanted
  private readonly dice: Dice
  private visitors = 0

  constructor(stage: Stage, wanted: Wanted) {
    this.stage = stage
    this.wanted = wanted
    this.dice = stage.diceOf("users")
  }

  begin(): void {
    const { dice, stage } = this
    stage.after(dice.int(0, 20 * second), () => this.scale(dice.int(1, most)))
    const pace = dice.magnitude(5 * second, 60 * second)
    stage.every(() => dice.int(second, 2 * pace), () => this.do(dice.weighted(odds)))
    stage.after(stage.troubleEnds - stage.now, () => this.putRight())
  }

  private do(deed: Deed): void {
    const { dice, stage } = this
    switch (deed) {
      case "scale": return this.scale(dice.int(0, most))
      case "scale to nothing": return this.scale(0)
      case "come and go": return this.visit()
      case "edit NodePool": return this.editPool()
      case "edit LinodeNodeClass":
        return this.edit(deed, LinodeNodeClasses, "default", { spec: { tags: [`team=${dice.pick(["a", "b", "c"])}`] } })
      case "delete pod": return this.remove(deed, Pods, stage.list(Pods).filter(({ metadata }) => metadata.namespace === "default"))
      case "delete node":
        return this.remove(deed, Nodes, stage.list(Nodes).filter(({ metadata }) => !stage.foreign.userNodes.has(metadata.name)))
      case "delete claim": return this.remove(deed, NodeClaims, stage.list(NodeClaims))
      case "delete NodePool": {
        this.remove(deed, NodePools, stage.list(NodePools))
        return void stage.after(dice.int(second, 2 * minute), () => this.restore())
      }
      case "delete LinodeNodeClass": {
        this.remove(deed, LinodeNodeClasses, stage.list(LinodeNodeClasses))
        return void stage.after(dice.int(second, 2 * minute), () => this.restore())
      }
      case "delete Deployment": {
        this.remove(deed, Deployments, stage.list(Deployments))
        return void stage.after(dice.int(second, minute), () => this.restore())
      }
      case "tighten budget": {
        const name = dice.pick(stage.list(PodDisruptionBudgets))?.metadata.name
        if (name === undefined) return
        this.edit(deed, PodDisruptionBudgets, name, { spec: { maxUnavailable: dice.int(0, 1) } }, "default")
        return
      }
      case "touch": {
        // Somebody else writes to what we write to.
        const kinds = [NodeClaims, Nodes, NodePools] as unknown as readonly [Resource, ...ReadonlyArray<Resource>]
        const kind = dice.pick(kinds)
        const object = dice.pick(stage.list(kind))
        if (object === undefined || stage.foreign.userNodes.has(object.metadata.name)) return
        return this.edit(`touch ${kind.kind}`, kind, object.metadata.name, {
          metadata: { annotations: { "example.com/touched": String(stage.now) } }
        })
      }
    }
  }

  private scale(replicas: number): void {
    const { dice, stage, wanted } = this
    const { name } = dice.pick(wanted.deployments as readonly [Wanted["deployments"][number]])
    stage.note("user", `user scales ${name} to ${replicas}`)
    stage.attempt(user, () => {
      stage.server.patch(Deployments, { name, namespace: "default" }, { spec: { replicas } }, { kind: "merge" })
    })
  }

  /** A pod of nobody's, for a while. */
  private visit(): void {
    const { dice, stage } = this
    const name = `visitor-${++this.visitors}`
    const cpu = dice.pick(["500m", "1", "2"])
    stage.attempt(user, () => stage.server.create(Pods, {
      metadata: { name, namespace: "default" },
      spec: { containers: [{ name, resources: { requests: { cpu } } }], terminationGracePeriodSeconds: 0 }
    } as Pod))
    stage.after(dice.int(5 * second, 4 * minute), () => stage.attempt(user, () => {
      stage.server.delete(Pods, { name, namespace: "default" })
    }))
  }

  private editPool(): void {
    const { dice, stage } = this
    const pool = dice.pick(this.wanted.nodePools)
    if (pool === undefined) return
    const change = dice.pick<object>([
      { spec: { limits: { cpu: String(dice.int(2, 24)) } } },
      { spec: { limits: null } },
      { spec: { disruption: { consolidateAfter: dice.pick(["0s", "30s", "Never"]) } } },
      { spec: { disruption: { budgets: [{ nodes: dice.pick(["0", "1", "100%"]) }] } } },
      { spec: { template: { metadata: { labels: { "example.com/version": String(dice.int(1, 3)) } } } } },
      { spec: { weight: dice.int(1, 100) } }
    ])
    this.edit("edit NodePool", NodePools, pool.metadata.name, change)
    stage.note("user", `edits ${JSON.stringify(change)}`)
  }

  private edit(deed: string, kind: Resource<never> | Resource, name: string, patch: object, namespace?: string): void {
    const { stage } = this
    stage.fault(`user: ${deed}`, name)
    stage.attempt(user, () => stage.server.patch(kind, { name, ...(namespace === undefined ? {} : { namespace }) }, patch, { kind: "merge" }))
  }

  private remove(deed: string, kind: Resource<never> | Resource, from: ReadonlyArray<{ readonly metadata: { readonly name: string; readonly namespace?: string } }>): void {
    const { dice, stage } = this
    const object = dice.pick(from)
    if (object === undefined) return
    stage.fault(`user: ${deed}`, object.metadata.name)
    stage.attempt(user, () => stage.server.delete(kind, object.metadata))
  }

  /** Creates what was deleted and is gone by now. False while something of it is still being deleted. */
  private restore(): boolean {
    const { stage, wanted } = this
    const { server } = stage
    const there = (kind: Resource<never> | Resource, name: string, namespace?: string): boolean =>
      stage.get(kind as unknown as Resource, { name, ...(namespace === undefined ? {} : { namespace }) }) !== undefined
    let complete = true
    const make = (kind: Resource<never> | Resource, name: string, create: () => void, namespace?: string) => {
      if (there(kind, name, namespace)) {
        const known = stage.get(kind as unknown as Resource, { name, ...(namespace === undefined ? {} : { namespace }) })
        if (known?.metadata.deletionTimestamp !== undefined) complete = false
        return
      }
      stage.attempt(user, create)
    }
    make(LinodeNodeClasses, "default", () => server.create(LinodeNodeClasses, wanted.nodeClass))
    for (const pool of wanted.nodePools) make(NodePools, pool.metadata.name, () => server.create(NodePools, pool))
    for (const shape of wanted.deployments) {
      make(Deployments, shape.name, () => server.create(Deployments, deploymentOf(shape, this.dice.int(1, most))), "default")
    }
    return complete
  }

  /**
   * Pods that must not be disturbed hold their nodes for ever, as they should: whoever deletes such a node has to end them. Where
   * the node has a deadline, nobody has to.
   */
  private letGo(): void {
    const { stage } = this
    const leaving = new Set(stage.list(Nodes).flatMap(({ metadata }) => metadata.deletionTimestamp === undefined ? [] : [metadata.name]))
    for (const { spec, status } of stage.list(NodeClaims)) {
      if (spec.terminationGracePeriod !== undefined) leaving.delete(status?.nodeName ?? "")
    }
    if (leaving.size > 0) for (const { metadata, spec } of stage.list(Pods)) {
      if (!leaving.has(spec.nodeName ?? "") || metadata.annotations?.[annotation.doNotDisrupt] !== "true") continue
      stage.attempt(user, () => stage.server.delete(Pods, metadata))
    }
    stage.after(20 * second, () => this.letGo())
  }

  /** As the user wants it in the end: limits and budgets that let every pod run, and no deletion half done. */
  private putRight(): void {
    const { dice, stage, wanted } = this
    for (const { metadata, spec } of wanted.nodePools) stage.attempt(user, () => stage.server.patch(NodePools, { name: metadata.name }, {
      spec: { limits: null, weight: spec.weight ?? null, disruption: spec.disruption }
    }, { kind: "merge" }))
    for (const { name } of wanted.deployments) {
      const replicas = dice.int(0, most)
      stage.note("user", `user scales ${name} to ${replicas} for good`)
      stage.attempt(user, () => stage.server.patch(Deployments, { name, namespace: "default" }, { spec: { replicas } }, { kind: "merge" }))
    }
    const allow = (maxUnavailable: number | string) => {
      for (const { metadata } of stage.list(PodDisruptionBudgets)) stage.attempt(user, () => {
        stage.server.patch(PodDisruptionBudgets, metadata, { spec: { maxUnavailable } }, { kind: "merge" })
      })
    }
    // Pods that wait for a pool which waits for nodes which wait for a budget which waits for the pods: no controller gets out of it.
    allow("100%")
    const again = () => {
      // A class that is being deleted stays as long as claims use it, and no pool of it buys: somebody has to decide.
      if (stage.get(LinodeNodeClasses, { name: "default" })?.metadata.deletionTimestamp !== undefined) {
        for (const { metadata } of stage.list(NodeClaims)) stage.attempt(user, () => stage.server.delete(NodeClaims, metadata))
      }
      if (this.restore()) allow(1)
      else stage.after(10 * second, again)
    }
    again()
    this.letGo()
  }
}


export const startUsers = (stage: Stage, wanted: Wanted): void => {
  new Users(stage, wanted).begin()
}
