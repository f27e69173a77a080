/** The nodes that are there or on their way, while a pass fills them: the first in order that takes a pod gets it. */
import type { Crowd } from "./crowd.ts"
import type { DomainChoice } from "./domainChoice.ts"
import type { HostPort } from "./hostPorts.ts"
import { portConflict } from "./hostPorts.ts"
import type { Model } from "./model.ts"
import type { Run } from "./runs.ts"
import { SharedVolumes } from "./sharedVolumes.ts"
import type { Step } from "./steps.ts"

export class ExistingNodes {
  /** By node: its pods of this pass. */
  readonly placed: Map<number, Array<number>> = new Map()
  private readonly model: Model
  private readonly crowd: Crowd
  private readonly D: number
  /** By node and dimension; a node that is overfull already takes nothing more. */
  private readonly free: Float64Array
  private readonly volumes: SharedVolumes
  private readonly ports: Map<number, ReadonlyArray<HostPort>> = new Map()

  constructor(model: Model, crowd: Crowd) {
    this.model = model
    this.crowd = crowd
    this.D = model.dimensions.size
    this.volumes = new SharedVolumes(model.dimensions, (n) => model.nodes[n]!.attached)
    this.free = model.free?.slice() ?? freeOf(model)
  }

  /**
   * The first node that takes a pod of the run, -1 if none does. `cursors` holds for each step of the run's ladder where to begin:
   * the nodes before take no further pod of the run either.
   */
  find(run: Run, step: Step, choice: DomainChoice, cursors: Int32Array, at: number): number {
    const { nodes } = step
    const { shared } = run.podClass
    const { D, free } = this
    let past = true
    for (let i = cursors[at]!; i < nodes.length; i++) {
      const n = nodes[i]!
      const request = shared.length === 0 ? run.request : this.volumes.request(n, run.request, shared)
      let d = 0
      while (d < D && request[d]! <= free[n * D + d]!) d++
      if (d < D || this.crowd.closesExisting(step.limits, n) || this.clashes(n, run.podClass.ports)) {
        if (past) cursors[at] = i + 1
        continue
      }
      past = false
      if (step.keys.length > 0 && !choice.allowsNode(n)) continue
      if (step.company.length > 0 && !this.crowd.hasCompany(step.company, n)) continue
      return n
    }
    return -1
  }

  private clashes(n: number, ports: ReadonlyArray<HostPort>): boolean {
    return ports.length > 0 && (portConflict(ports, this.model.nodes[n]!.ports) !== undefined ||
      portConflict(ports, this.ports.get(n) ?? []) !== undefined)
  }

  put(pod: number, n: number, { podClass, request: own }: Run): void {
    const request = this.volumes.request(n, own, podClass.shared)
    this.volumes.put(n, podClass.shared)
    for (let d = 0; d < this.D; d++) this.free[n * this.D + d]! -= request[d]!
    const pods = this.placed.get(n)
    if (pods === undefined) this.placed.set(n, [pod])
    else pods.push(pod)
    this.crowd.recordExisting(podClass.counts, n)
    if (podClass.ports.length > 0) this.ports.set(n, [...(this.ports.get(n) ?? []), ...podClass.ports])
  }
}

const freeOf = ({ dimensions: { size: D }, nodes }: Model): Float64Array => {
  const free = new Float64Array(nodes.length * D)
  nodes.forEach(({ room }, n) => {
    free.set(room.some((amount) => amount < 0) ? room.map(() => -1) : room, n * D)
  })
  return free
}
