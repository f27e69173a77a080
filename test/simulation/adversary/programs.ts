/** The replicas of the controller: killed, stopped, frozen and started again at any point, alone or two for one lease. */
import type { Dice } from "../dice.ts"
import { seedOf } from "../dice.ts"
import { launch } from "../engine/program.ts"
import { Process } from "../engine/virtual.ts"
import type { KubeNetwork } from "../network/kube.ts"
import type { LinodeNetwork, Moment } from "../network/linode.ts"
import type { Stage } from "../stage.ts"
import { region, second } from "../stage.ts"
import type { ProgramView } from "../world.ts"

export interface ProgramsOptions {
  readonly stage: Stage
  readonly kube: KubeNetwork
  readonly linode: LinodeNetwork
  readonly character: Character
  /** Log lines of all replicas. */
  readonly log: (line: string) => void
}

/** What the replicas of a life are like. */
export interface Character {
  /** The odds that a start ends by itself. */
  readonly deadly: number
  readonly gates: string
  /** Two for one lease. */
  readonly rivals: boolean
}

export const drawCharacter = (stage: Stage): Character => {
  const dice = stage.diceOf("programs")
  const deadly = dice.pick([0, 0.3, 0.6, 0.9])
  const gates = dice.pick(["", "NodeRepair=true", "NodeRepair=true,NodeOverlay=true,StaticCapacity=true,CapacityBuffer=true"])
  return { deadly, gates, rivals: dice.happens(0.3) }
}

/** Nobody else wants it: looking after it less often saves half of all requests. */
const lonelyLease = { lease: "30 seconds", renew: "24 seconds", retry: "10 seconds" } as const

/** The odds that a request to Linode is followed by a pause of its sender. */
const drowsy = 0.03

interface Replica {
  readonly name: string
  starts: number
  process: Process
  stop: () => void
}

/** When a start of the program ends by itself: at a step, or at one of its changes at Linode. */
type End =
  | { readonly at: "never" }
  | { readonly at: "step"; readonly step: number }
  | { readonly at: "sending" | "carriedOut"; left: number }

export class Programs {
  private readonly options: ProgramsOptions
  private readonly dice: Dice
  private readonly replicas: Array<Replica> = []
  private readonly processes: Array<Process> = []
  private readonly character: Character
  private readonly sleep: Dice
  /** Whether replicas are frozen with a request under way: they wake up with an answer that is old. */
  private readonly slumbers: boolean

  constructor(options: ProgramsOptions) {
    this.options = options
    const { stage } = options
    this.dice = stage.diceOf("programs")
    const { dice } = this
    this.character = options.character
    this.sleep = stage.diceOf("sleep")
    this.slumbers = this.character.rivals && this.sleep.happens(0.5)
    for (let i = 1; i <= (this.character.rivals ? 2 : 1); i++) {
      stage.after(i === 1 ? 0 : dice.int(0, 30 * second), () => this.start({
        name: `replica-${i}`, starts: 0, process: new Process(stage.time, 0), stop: () => {}
      }))
    }
    const pace = dice.magnitude(20 * second, 300 * second)
    if (dice.happens(0.5)) stage.every(() => dice.int(second, 2 * pace), () => this.meddle())
  }

  /** Nothing of them runs any more. */
  endAll(): void {
    for (const { process } of this.replicas) process.kill()
  }

  /** Steps of all starts that are there no more, and of those that are. */
  get steps(): number {
    return this.processes.reduce((sum, process) => sum + process.steps, 0)
  }

  private meddle(): void {
    const { dice, options: { stage } } = this
    const replica = dice.pick(this.replicas)
    if (replica === undefined || !replica.process.alive) return
    switch (dice.weighted({ kill: 3, stop: 2, freeze: 4, clock: 1 })) {
      case "kill": {
        stage.fault("program: killed", replica.name)
        return replica.process.kill()
      }
      case "stop": {
        stage.fault("program: told to stop", replica.name)
        return replica.stop()
      }
      case "freeze": {
        const millis = dice.magnitude(2 * second, stage.rules.longestFreeze)
        stage.fault("program: frozen", `${replica.name} for ${Math.round(millis / second)} s`)
        return replica.process.freeze(millis)
      }
      case "clock": {
        const millis = dice.int(-3 * second, 3 * second)
        stage.fault("program: clock jumps", `${replica.name} by ${millis} ms`)
        replica.process.skew += millis
      }
    }
  }

  private endOf(): End {
    const { dice } = this
    if (!dice.happens(this.character.deadly)) return { at: "never" }
    const at = dice.pick(["step", "step", "sending", "carriedOut"] as const)
    if (at === "step") return { at, step: dice.magnitude(50, 60_000) }
    return { at, left: dice.int(1, 6) }
  }

  private start(replica: Replica): void {
    const { character: { gates, rivals }, options: { kube, linode, log, stage } } = this
    const end = this.endOf()
    const name = `${replica.name}.${++replica.starts}`
    const process = new Process(stage.time, seedOf(stage.seed, name), {
      onStep: (self) => {
        if (end.at !== "step" || self.steps !== end.step || !stage.troubled) return
        stage.fault("program: killed at a step", `${name} at step ${self.steps}`)
        self.kill()
      }
    })
    const moment = (at: Moment) => {
      if (this.slumbers && stage.troubled && this.sleep.happens(drowsy)) {
        const millis = this.sleep.magnitude(5 * second, stage.rules.longestFreeze)
        stage.fault("program: frozen between two requests", `${name} for ${Math.round(millis / second)} s`)
        process.freeze(millis)
      }
      if (end.at !== at || !process.alive || !stage.troubled || --end.left !== 0) return
      stage.fault(at === "sending" ? "program: killed before a change at Linode" : "program: killed after a change at Linode", name)
      process.kill()
    }
    replica.process = process
    this.processes.push(process)
    if (!this.replicas.includes(replica)) this.replicas.push(replica)
    const view: ProgramView = {
      name,
      get alive() {
        return process.alive
      },
      get frozen() {
        return process.frozen
      }
    }
    stage.programs.push(view)
    stage.note("program", `${name} starts`)
    process.whenDead.add(() => {
      stage.note("program", `${name} is dead`)
      stage.after(this.dice.magnitude(500, 20 * second), () => this.start(replica))
    })
    replica.stop = launch(process, {
      identity: name,
      kube: kube.client(process, name),
      linode: linode.adapter(process, name, moment),
      logLevel: "info",
      env: {
        ...(gates === "" ? {} : { FEATURE_GATES: gates }),
        ...(stage.mode === "instance" ? { KARPENTER_MODE: "instance", CLUSTER_REGION: region } : {})
      },
      ...(rivals ? {} : { lease: lonelyLease }),
      log,
      onExit: (how) => {
        stage.note("program", `${name} ended: ${how}`)
        stage.say(how)
      }
    })
  }
}
