/** What happens to Linodes and to the account: machines die, are deleted or switched off by hand, types sell out, quotas are reached. */
import type { SimulatedInstance, SimulatedNode } from "../../../src/simulator/linode/world.ts"
import type { Dice } from "../dice.ts"
import type { NodeLife } from "../kubernetes/nodes.ts"
import type { Stage } from "../stage.ts"
import { minute, region, second } from "../stage.ts"
import { typesInUse } from "./scene.ts"

type Mishap =
  | "dies" | "deleted by hand" | "switched off by hand" | "maintenance" | "sold out" | "quota" | "slow to be named" | "slow to join"

const odds: Readonly<Record<Mishap, number>> = {
  dies: 2, "deleted by hand": 2, "switched off by hand": 1.5, maintenance: 1.5, "sold out": 4, quota: 2, "slow to be named": 2,
  "slow to join": 2
}

/** Lists are never older than this. */
const oldest = 20 * second

const maintenance = ["reboot", "cold_migration", "live_migration", "migrate", "power_off_on"] as const

class Machines {
  private readonly stage: Stage
  private readonly nodes: NodeLife
  private readonly dice: Dice

  constructor(stage: Stage, nodes: NodeLife) {
    this.stage = stage
    this.nodes = nodes
    this.dice = stage.diceOf("machines")
  }

  begin(): void {
    const { dice, stage } = this
    const join = dice.int(5, 60) * second
    const lag = dice.int(5, 40) * second
    stage.cloud.delays = {
      ...stage.cloud.delays,
      boot: [second, 5 * second], run: [second, 5 * second], join: [join, join + 20 * second], populate: [lag, lag + 20 * second]
    }
    const pace = dice.magnitude(30 * second, 4 * minute)
    if (dice.happens(0.8)) stage.every(() => dice.int(second, 2 * pace), () => this.do(dice.weighted(odds)))
    stage.after(stage.troubleEnds - stage.now, () => {
      stage.cloud.accountLimit = Infinity
    })
    this.ageLists()
  }

  /** For some seconds Linode's lists of pools and of Linodes are as they were. Drawn with chance of its own, so lives without it are as they were. */
  private ageLists(): void {
    const { stage } = this
    const dice = stage.diceOf("old lists")
    const pace = dice.magnitude(10 * second, 2 * minute)
    if (dice.happens(0.5)) stage.every(() => dice.int(second, 2 * pace), () => {
      const millis = dice.magnitude(second, oldest)
      stage.fault("linode: old list", `for ${Math.round(millis / second)} s`)
      stage.after(millis, stage.cloud.ageLists())
    })
  }

  private do(mishap: Mishap): void {
    const { dice, nodes, stage } = this
    const { cloud } = stage
    switch (mishap) {
      case "dies": {
        const node = this.machine()?.node
        if (node === undefined || nodes.silent.has(node.name)) return
        stage.fault("machine: dies", node.name)
        stage.broken.add(node.name)
        return nodes.die(node.name, dice.magnitude(20 * second, 8 * minute))
      }
      case "deleted by hand": {
        const machine = this.machine()
        if (machine === undefined) return
        stage.fault("machine: deleted by hand", machine.node.name)
        stage.broken.add(machine.node.name)
        return stage.act({ by: "user" }, () => cloud.deleteInstance(machine.instance))
      }
      case "switched off by hand": {
        const machine = this.machine()
        if (machine === undefined || machine.instance.status !== "running" || nodes.silent.has(machine.node.name)) return
        stage.fault("machine: switched off by hand", machine.node.name)
        stage.broken.add(machine.node.name)
        stage.act({ by: "user" }, () => cloud.power.shutDown(machine.instance))
        // Some are never switched on again.
        if (dice.happens(0.6)) stage.after(dice.magnitude(30 * second, 8 * minute), () => {
          if (cloud.instances.has(machine.instance.id)) stage.act({ by: "user" }, () => cloud.power.boot(machine.instance))
        })
        return
      }
      case "maintenance": {
        const machine = this.machine()
        if (machine === undefined || machine.instance.status !== "running") return
        const type = dice.pick(maintenance)
        const after = dice.magnitude(10 * second, 6 * minute)
        stage.fault(`machine: ${type} announced`, `${machine.node.name} in ${Math.round(after / second)} s`)
        stage.broken.add(machine.node.name)
        return stage.act({ by: "kubernetes" }, () => cloud.power.planMaintenance(machine.instance, { after, type }))
      }
      case "sold out": {
        const type = dice.pick(typesInUse as readonly [string])
        stage.fault("account: sold out", type)
        const restock = cloud.soldOut(type, region)
        const millis = Math.min(dice.magnitude(5 * second, 5 * minute), stage.troubleEnds - stage.now)
        return void stage.after(millis, restock)
      }
      case "quota": {
        const machines = cloud.machines().length + [...cloud.pools.values()].reduce((sum, pool) => sum + pool.count, 0)
        stage.fault("account: quota reached", `${machines} machines`)
        cloud.accountLimit = machines + dice.int(0, 3)
        return void stage.after(dice.magnitude(10 * second, 3 * minute), () => {
          cloud.accountLimit = Infinity
        })
      }
      case "slow to be named": return this.slow("assign", "machine: no instance id for long", dice.magnitude(20 * second, 4 * minute))
      case "slow to join": return this.slow("join", "machine: joins late", dice.magnitude(minute, 8 * minute))
    }
  }

  /** A step takes this long for machines that begin it in the next half minute. */
  private slow(step: "assign" | "join", kind: string, millis: number): void {
    const { cloud } = this.stage
    const usual = cloud.delays[step]
    if (usual[0] >= minute) return
    this.stage.fault(kind, `${Math.round(millis / second)} s`)
    cloud.delays = { ...cloud.delays, [step]: [millis, millis + 20 * second] }
    this.stage.after(30 * second, () => {
      cloud.delays = { ...cloud.delays, [step]: usual }
    })
  }

  /** One of ours that is there. */
  private machine(): { readonly node: SimulatedNode; readonly instance: SimulatedInstance } | undefined {
    const { dice, stage } = this
    return dice.pick(stage.ourNodes().flatMap((node) => {
      const instance = stage.instance(node)
      return instance === undefined || instance.status === "deleting" ? [] : [{ node, instance }]
    }))
  }
}

export const startMachines = (stage: Stage, nodes: NodeLife): void => {
  new Machines(stage, nodes).begin()
}
