/** One life of a cluster: trouble for some minutes, then peace, in which everything has to come right. */
import type { LinodeType, Region } from "../../src/linode/models.ts"
import { drawExtras, startExtras } from "./adversary/extras.ts"
import { startMachines } from "./adversary/machines.ts"
import { drawCharacter, Programs } from "./adversary/programs.ts"
import { setScene, typesInUse } from "./adversary/scene.ts"
import { startUsers } from "./adversary/users.ts"
import { NodeLife } from "./kubernetes/nodes.ts"
import { PodLife } from "./kubernetes/pods.ts"
import { KubeNetwork } from "./network/kube.ts"
import { LinodeNetwork } from "./network/linode.ts"
import type { LinodeFate } from "./network/linode.ts"
import type { Line } from "./record.ts"
import type { Violation } from "./stage.ts"
import { minute, second, Stage } from "./stage.ts"
import type { MakeInvariant, Mode } from "./world.ts"

/** How long all must stay well. */
const calm = minute
/** How long it may take until all is well, once the faults are over: a machine that never joined takes 15 minutes to be given up. */
const patience = 60 * minute
const look = 10 * second

export interface Ground {
  readonly mode: Mode
  readonly types: ReadonlyArray<LinodeType>
  readonly regions: ReadonlyArray<Region>
  readonly invariants: ReadonlyArray<MakeInvariant>
  /** Is shown the end of each life, for who wants to see more than its trace. */
  readonly onEnd?: (stage: Stage) => void
}

export interface Life {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly faults: ReadonlyMap<string, number>
  readonly lines: ReadonlyArray<Line>
  readonly hash: string
  /** Virtual minutes. */
  readonly minutes: number
  readonly steps: number
}

const drawTrouble = (stage: Stage) => {
  const dice = stage.diceOf("trouble")
  const share = (odds: number, from: number, to: number) => dice.happens(odds) ? dice.magnitude(from * 1000, to * 1000) / 1000 : 0
  return {
    linode: { reads: share(0.75, 0.01, 0.25), changes: share(0.9, 0.05, 0.6) },
    kube: { reads: share(0.6, 0.002, 0.08), writes: share(0.75, 0.002, 0.1), stale: share(0.6, 0.005, 0.2) },
    neverJoins: share(0.25, 0.02, 0.3)
  }
}

/** All of Linode is out of order for a while. */
const storms: readonly [LinodeFate, ...ReadonlyArray<LinodeFate>] = [
  "error 500 before", "error 500 after", "error 502 before", "too many requests", "hangs before", "request lost", "reply lost",
  "reply malformed", "unauthorized"
]

export const live = async (seed: number, ground: Ground): Promise<Life> => {
  const { mode, types, regions } = ground
  const stage = new Stage({
    mode, seed, regions, types: types.filter(({ id }) => typesInUse.includes(id)), invariants: ground.invariants.map((make) => make())
  })
  const trouble = drawTrouble(stage)
  const nodes = new NodeLife(stage, trouble.neverJoins)
  const character = drawCharacter(stage)
  const wanted = setScene(stage, nodes, drawExtras(stage, character.gates))
  const linode = new LinodeNetwork(stage, trouble.linode)
  const kube = new KubeNetwork(stage, trouble.kube)
  const podLife = new PodLife(stage, nodes.silent)
  podLife.turnWithin(second)
  const programs = new Programs({ stage, kube, linode, character, log: (line) => stage.hear(line) })
  startUsers(stage, wanted)
  startExtras(stage, wanted.extras)
  startMachines(stage, nodes)
  const weather = stage.diceOf("weather")
  const pace = weather.magnitude(15 * second, 3 * minute)
  if (weather.happens(0.7)) stage.every(() => weather.int(second, 2 * pace), () => {
    switch (weather.weighted({ drop: 3, stall: 3, expire: 1, compact: 1, storm: 2 })) {
      case "drop": return kube.upset("drop")
      case "stall": return kube.upset("stall")
      case "expire": return kube.upset("expire")
      case "compact": {
        stage.fault("watch: history forgotten", "")
        stage.server.compact()
        return stage.server.breakWatches()
      }
      case "storm": {
        const fate = weather.pick(storms)
        const millis = weather.magnitude(3 * second, 100 * second)
        stage.fault("linode: storm", `${fate} for ${Math.round(millis / second)} s`)
        return linode.blow(fate, millis)
      }
    }
  })
  const bookmark = () => {
    stage.server.bookmark()
    stage.after(minute, bookmark)
  }
  stage.after(minute, bookmark)

  let well: number | undefined
  let over = false
  let deadline: number | undefined
  const judge = () => {
    if (!stage.faultsOver) return void stage.after(look, judge)
    deadline ??= stage.now + patience
    const problem = stage.unsettled()
    well = problem === undefined ? well ?? stage.now : undefined
    if (well !== undefined && stage.now - well >= calm) {
      over = true
      return
    }
    if (problem !== undefined && stage.now >= deadline) return stage.violate(problem.invariant, problem.text)
    stage.after(look, judge)
  }
  stage.after(stage.troubleEnds - stage.now, judge)

  try {
    await stage.time.pass(() => over || stage.violation !== undefined)
  } catch (error) {
    stage.violate("nothing throws", error instanceof Error ? error.stack ?? error.message : String(error))
  }
  ground.onEnd?.(stage)
  programs.endAll()
  return {
    seed, violation: stage.violation, faults: stage.record.faults, lines: stage.record.lines, hash: stage.record.hash,
    minutes: (stage.now - stage.start) / minute, steps: programs.steps
  }
}
