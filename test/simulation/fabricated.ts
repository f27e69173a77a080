/** A world made of a few objects, for a look at one invariant: a real Linode of the simulator, and whatever objects are named. */
import { timestamp } from "../../src/kube/timestamp.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { annotation, label } from "../../src/apis/labels.ts"
import { ApiServer } from "../../src/kube/memory/server.ts"
import type { Condition, KubeObject, Node, Pod } from "../../src/kube/objects.ts"
import type { LinodeType, Region } from "../../src/linode/models.ts"
import { LinodeApi } from "../../src/simulator/linode/linodeApi.ts"
import { LinodeCloud } from "../../src/simulator/linode/linodeCloud.ts"
import type { CloudEvent, SimulatedNode, SimulatedPool } from "../../src/simulator/linode/world.ts"
import { clusterName, token } from "./engine/program.ts"
import { region, rules } from "./stage.ts"
import type { Actor, Change, Invariant, LinodeChange, Mode, World } from "./world.ts"

const start = Date.UTC(2026, 0, 1)

export interface Step {
  readonly by?: Actor
  readonly request?: string
}

export class Fabricated {
  now = start
  faultsOver = true
  readonly cloud: LinodeCloud
  readonly broken = new Set<string>()
  private readonly objects = new Map<string, Map<string, KubeObject>>()
  private readonly world: World
  private readonly judge: Invariant
  private events: Array<CloudEvent> = []
  private changes: ReadonlyArray<Change> = []
  private linodeChanges: ReadonlyArray<LinodeChange> = []
  private said: ReadonlyArray<string> = []
  private readonly users: SimulatedPool

  constructor(judge: Invariant, types: ReadonlyArray<LinodeType>, regions: ReadonlyArray<Region>, mode: Mode = "lke") {
    this.judge = judge
    const cloud = new LinodeCloud({ types, regions, now: () => this.now })
    this.cloud = cloud
    const cluster = cloud.addCluster({ label: clusterName, region, systemPool: { type: "g6-standard-1", count: 1 } })
    const other = cloud.addCluster({ label: "other", region, systemPool: { type: "g6-standard-1", count: 1 } })
    const [users] = cloud.poolsOf(cluster)
    const [theirs] = cloud.poolsOf(other)
    this.users = users!
    cloud.subscribe((event) => this.events.push(event))
    const view = { now: () => this.now, calm: () => this.faultsOver, changes: () => this.changes, linode: () => this.linodeChanges, said: () => this.said }
    const own = (): ReadonlyArray<SimulatedPool> => cloud.poolsOf(cluster).filter(({ id }) => id !== users!.id)
    this.world = {
      seed: 1, mode, tier: "standard", start, troubleEnds: start, cloud, cluster, api: new LinodeApi(cloud), token, rules,
      server: new ApiServer({ now: () => this.now }), allLinodeChanges: [], programs: [], broken: this.broken,
      get now() {
        return view.now()
      },
      get faultsOver() {
        return view.calm()
      },
      get changes() {
        return view.changes()
      },
      get linodeChanges() {
        return view.linode()
      },
      get said() {
        return view.said()
      },
      list: <A extends KubeObject>({ plural }: { readonly plural: string }) =>
        [...this.objects.get(plural)?.values() ?? []] as unknown as ReadonlyArray<A>,
      get: <A extends KubeObject>({ plural }: { readonly plural: string }, { name }: { readonly name: string }) =>
        this.objects.get(plural)?.get(name) as A | undefined,
      ourPools: own,
      ourNodes: () => mode === "lke" ? own().flatMap(({ nodes }) => nodes) : cloud.machines(),
      isBought: (instance) => cloud.machines().some(({ instanceId }) => instanceId === instance),
      labelFor: (uid) => `${uid}-label`,
      instance: ({ instanceId }) => instanceId === undefined ? undefined : cloud.instances.get(instanceId),
      foreign: {
        cluster: other, pools: new Set([theirs!.id, users!.id]), nodes: new Set([...theirs!.nodes, ...users!.nodes].map(({ id }) => id)),
        instances: new Set(), userNodes: new Set(users!.nodes.map(({ name }) => name)),
        userPools: new Map([[users!.id, { count: 1, tags: [], labels: {}, taints: [] }]])
      }
    }
  }

  get userPool(): SimulatedPool {
    return this.users
  }

  get otherCluster(): number {
    return this.world.foreign.cluster.id
  }

  get cluster(): number {
    return this.world.cluster.id
  }

  /** What the invariant says of one step that put these objects (or took away those given by name alone). */
  put(plural: string, objects: ReadonlyArray<KubeObject>, { by = "controller", request }: Step = {}): string | undefined {
    const known = this.objects.get(plural) ?? new Map<string, KubeObject>()
    this.objects.set(plural, known)
    return this.step({
      changes: objects.map((after) => {
        const before = known.get(after.metadata.name)
        known.set(after.metadata.name, after)
        return { at: this.now, by, program: by === "controller" ? "replica-1.1" : undefined, plural, before, after, request }
      })
    })
  }

  remove(plural: string, name: string, { by = "controller", request }: Step = {}): string | undefined {
    const before = this.objects.get(plural)?.get(name)
    this.objects.get(plural)?.delete(name)
    return this.step({ changes: [{ at: this.now, by, program: "replica-1.1", plural, before, after: undefined, request }] })
  }

  say(words: string): string | undefined {
    return this.step({ said: [words] })
  }

  /** A request that Linode carries out by doing `act`. */
  ask(method: string, path: string, act: () => void = () => {}, about: Partial<LinodeChange> = {}): string | undefined {
    this.events = []
    act()
    return this.step({
      linodeChanges: [{
        at: this.now, sentAt: this.now, by: "controller", program: "replica-1.1", method, path, body: "", status: 200, late: false,
        route: path.replace(/\/(?=[^/]*\d)[^/]+/g, "/{id}"), unknownOutcome: false, events: this.events, ...about
      }]
    })
  }

  /** A pool of ours, of one key, and the nodes in it; they run. */
  buy(count: number, key = "k1", about: Partial<LinodeChange> = {}): { readonly says: string | undefined; readonly pool: SimulatedPool } {
    let pool: SimulatedPool | undefined
    const says = this.ask("POST", `/lke/clusters/${this.cluster}/pools`, () => {
      pool = this.cloud.createPool(this.world.cluster, {
        type: "g6-standard-2", count, tags: [`karpenter.k8s.linode/pool-hash=${key}`, "karpenter.sh/nodepool=default"]
      })
      this.pass(10 * 60_000)
    }, about)
    return { says, pool: pool! }
  }

  /** A Linode for a claim, in instance mode. */
  buyLinode(claim: string, about: Partial<LinodeChange> = {}): { readonly says: string | undefined; readonly node: SimulatedNode } {
    const says = this.ask("POST", "/linode/instances", () => {
      this.cloud.createInstance({
        label: `${claim}-label`, type: "g6-standard-2", region, image: "linode/ubuntu22.04", root_pass: "Not-a-secret-0123456789"
      })
    }, about)
    return { says, node: this.world.ourNodes().find(({ id }) => id === `${claim}-label`)! }
  }

  pass(millis: number): void {
    this.now += millis
    this.cloud.timeline.advance()
  }

  settled(): string | undefined {
    return this.judge.settled?.(this.world)
  }

  private step(what: Partial<Pick<World, "changes" | "linodeChanges" | "said">>): string | undefined {
    this.changes = what.changes ?? []
    this.linodeChanges = what.linodeChanges ?? []
    this.said = what.said ?? []
    return this.judge.step?.(this.world)
  }
}

const condition = (type: string, reason = type): Condition => ({ type, status: "True", reason, lastTransitionTime: timestamp(start) })

export interface ClaimLooks {
  readonly node?: SimulatedNode | undefined
  readonly key?: string
  /** Conditions that are true; `DisruptionReason` is for Empty. */
  readonly says?: ReadonlyArray<string>
  readonly deleting?: boolean
  readonly deadline?: number
  readonly cpu?: string
}

const registered = ["Launched", "Registered", "Initialized"]

export const claimOf = (name: string, { cpu, deadline, deleting, key = "k1", node, says = registered }: ClaimLooks = {}): NodeClaim => ({
  metadata: {
    name, uid: name, creationTimestamp: timestamp(start), labels: { [label.nodePool]: "default" },
    annotations: {
      [annotation.lkePoolKey]: key, ...(node === undefined ? {} : { [annotation.lkeNode]: node.id }),
      ...(deadline === undefined ? {} : { [annotation.terminationTimestamp]: timestamp(deadline) })
    },
    ...(deleting === true ? { deletionTimestamp: timestamp(start) } : {})
  },
  spec: {
    requirements: [{ key: label.instanceType, operator: "In", values: ["g6-standard-2"] }],
    nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }
  },
  status: {
    conditions: says.map((type) => condition(type, type === "DisruptionReason" ? "Empty" : type)),
    ...(cpu === undefined ? {} : { capacity: { cpu } })
  }
})

export const poolOf = (spec: object = {}): KubeObject => ({
  metadata: { name: "default" },
  spec: {
    template: { spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" } } },
    ...spec
  }
} as KubeObject)

export const classOf = (): KubeObject => ({ metadata: { name: "default" } })

export const nodeOf = (name: string, more: { readonly metadata?: object; readonly spec?: object; readonly ready?: boolean } = {}): Node => ({
  metadata: { name, labels: { [label.nodePool]: "default" }, ...more.metadata },
  spec: { ...more.spec },
  status: { conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }] }
})

export const podOf = (name: string, nodeName: string | undefined, more: { readonly metadata?: object; readonly cpu?: string } = {}): Pod => ({
  metadata: { name, namespace: "default", labels: { app: name }, ...more.metadata },
  spec: { containers: [{ resources: { requests: { cpu: more.cpu ?? "1" } } }], ...(nodeName === undefined ? {} : { nodeName }) },
  status: { phase: nodeName === undefined ? "Pending" : "Running", startTime: timestamp(start), conditions: [{ type: "Ready", status: "True" }] }
})

/** Allows so many disruptions of pods of the label `app`. */
export const budgetOf = (app: string, allowed: number): KubeObject => ({
  metadata: { name: app, namespace: "default" }, spec: { selector: { matchLabels: { app } }, maxUnavailable: 1 }, status: { disruptionsAllowed: allowed }
} as KubeObject)

export const leaving = <A extends KubeObject>(object: A): A => ({
  ...object, metadata: { ...object.metadata, deletionTimestamp: timestamp(start) }
})
