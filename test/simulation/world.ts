/**
 * What an invariant may look at: everything there is in one life, as it is at this moment. Nothing here may be changed by
 * who judges it.
 *
 * An invariant is made anew for each life (`MakeInvariant`), so what it remembers stays in its closure.
 */
import type { KubeObject, Ref } from "../../src/kube/objects.ts"
import type { ApiServer } from "../../src/kube/memory/server.ts"
import type { Resource } from "../../src/kube/resources.ts"
import type { LinodeApi } from "../../src/simulator/linode/linodeApi.ts"
import type { LinodeCloud } from "../../src/simulator/linode/linodeCloud.ts"
import type { CloudEvent, SimulatedCluster, SimulatedInstance, SimulatedNode, SimulatedPool, Tier } from "../../src/simulator/linode/world.ts"

/** How the controller under test buys machines. */
export type Mode = "lke" | "instance"

/**
 * Who made a change. `controller` is any replica of the program under test; `user` is the adversary with kubectl or Linode's
 * own pages; `kubernetes` is all that runs in a cluster beside us (kubelets, scheduler, Deployments, LKE's controllers).
 */
export type Actor = "controller" | "user" | "kubernetes"

/** One change of one object of the API server. */
export interface Change {
  readonly at: number
  readonly by: Actor
  /** Which replica, when `by` is `controller`. */
  readonly program: string | undefined
  /** `pods`, `nodes`, `nodeclaims`, `nodepools`, `linodenodeclasses`, `deployments`, … */
  readonly plural: string
  readonly before: KubeObject | undefined
  /** Absent: the object was removed. */
  readonly after: KubeObject | undefined
  /** The request that led to it, where it was one of the controller: `patch nodeclaims`, `evict pods`. */
  readonly request: string | undefined
}

/** One request to Linode that was carried out (or turned down), GETs left out. */
export interface LinodeChange {
  /** When it was carried out. */
  readonly at: number
  /** When its client sent it. */
  readonly sentAt: number
  readonly by: Actor
  readonly program: string | undefined
  readonly method: string
  /** Ids as they are: `/lke/clusters/1001/pools/1012`. */
  readonly path: string
  /** Ids as `{id}`. */
  readonly route: string
  readonly body: string
  /** What Linode answered; whether anybody heard it is another matter. */
  readonly status: number
  /** Its client had given up, or had died, when it was carried out. */
  readonly late: boolean
  /** The client does not know what became of it: a lost or broken reply, a 5xx after the action, a timeout, or its own end. */
  readonly unknownOutcome: boolean
  /** Nodes that appeared, vanished or joined because of it. */
  readonly events: ReadonlyArray<CloudEvent>
}

/** A replica of the controller, dead or alive. */
export interface ProgramView {
  readonly name: string
  readonly alive: boolean
  /** Stopped by a pause of its machine; it goes on where it was. */
  readonly frozen: boolean
}

/** What belongs to others and must never be touched. */
export interface Foreign {
  /** Another cluster of the account, with pools that carry our tags and its own cluster's name. */
  readonly cluster: SimulatedCluster
  readonly pools: ReadonlySet<number>
  readonly nodes: ReadonlySet<string>
  readonly instances: ReadonlySet<number>
  /** Pools of our own cluster that the user made (the system pool is one), by id, as they were at the start. */
  readonly userPools: ReadonlyMap<number, Readonly<Pick<SimulatedPool, "count" | "tags" | "labels" | "taints">>>
  /** Nodes of those, by name. */
  readonly userNodes: ReadonlySet<string>
}

/** What the adversary keeps to. An invariant may rely on it. Milliseconds. */
export interface Rules {
  /** A request to Linode is carried out at most so long after its client gave up. */
  readonly latest: number
  /** A write to the API server is carried out at most so long after its client lost the connection. */
  readonly latestWrite: number
  /** The client gives up on a request to Linode after so long. */
  readonly patience: number
  /** A process is frozen for no longer than this at once. */
  readonly longestFreeze: number
}

export interface World {
  readonly seed: number
  readonly mode: Mode
  readonly tier: Tier
  /** Milliseconds since 1970. */
  readonly now: number
  /** When the life began. */
  readonly start: number
  /** The time at which the last fault is injected; requests may be carried out later than that (`faultsOver`). */
  readonly troubleEnds: number
  /** No fault is injected any more, and nothing that was sent before is still to be carried out. */
  readonly faultsOver: boolean

  /** The LKE cluster that the controller serves. */
  readonly cluster: SimulatedCluster
  readonly cloud: LinodeCloud
  readonly api: LinodeApi
  readonly server: ApiServer
  /** All objects of a kind, as the API server has them (frozen, shared: cheap). */
  readonly list: <A extends KubeObject>(resource: Resource<A>) => ReadonlyArray<A>
  readonly get: <A extends KubeObject>(resource: Resource<A>, ref: Ref) => A | undefined

  /** What this step changed at the API server: judge this rather than all there is. */
  readonly changes: ReadonlyArray<Change>
  /** What this step changed at Linode. */
  readonly linodeChanges: ReadonlyArray<LinodeChange>
  /** What this step said: log lines, and the bodies of the controller's writes. */
  readonly said: ReadonlyArray<string>

  /** Every change at Linode so far, in order. */
  readonly allLinodeChanges: ReadonlyArray<LinodeChange>
  /** Pools of our cluster that carry the tags of LKE mode; none in instance mode. */
  readonly ourPools: () => ReadonlyArray<SimulatedPool>
  /** The machines that are ours: nodes of those pools, or the Linodes that the controller bought. */
  readonly ourNodes: () => ReadonlyArray<SimulatedNode>
  /** Instance mode: whether the controller bought the Linode. */
  readonly isBought: (instance: number) => boolean
  /** Instance mode: the label of the Linode that was first asked for on behalf of a claim, by the claim's uid. */
  readonly labelFor: (uid: string) => string | undefined
  readonly instance: (node: SimulatedNode) => SimulatedInstance | undefined
  readonly foreign: Foreign
  /** Nodes whose Linode the adversary broke, or that never join, by name: nobody can be blamed for what becomes of them. */
  readonly broken: ReadonlySet<string>
  readonly programs: ReadonlyArray<ProgramView>
  /** The secret. */
  readonly token: string
  readonly rules: Rules
}

/** Says what is wrong, in a line; undefined when all is well. */
export type Judge = (world: World) => string | undefined

export interface Invariant {
  /** Short, as a sentence: `one claim per Linode`. */
  readonly name: string
  /** Holds at every step: asked after each request or happening that changed something at the API server or at Linode. */
  readonly step?: Judge
  /**
   * Holds once the faults have stopped and the cluster has settled: asked now and then from `faultsOver` on. A life ends well
   * when all of these have held for a while, and is a violation if they do not come to hold.
   */
  readonly settled?: Judge
}

export type MakeInvariant = () => Invariant
