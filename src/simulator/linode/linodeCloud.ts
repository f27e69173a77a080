/**
 * The world behind the simulated Linode API: an account with LKE clusters, their pools, nodes and instances, and Linodes by
 * themselves. A plain state machine on the clock that it is given. What isn't known of the real LKE is decided by the seed or
 * the stricter way.
 */
import type { LinodeType, Region } from "../../linode/models.ts"
import { SimulatedAccount } from "./account.ts"
import { Chance, type Range } from "./chance.ts"
import { Ledger } from "./ledger.ts"
import { readInstanceRequest } from "./instanceRules.ts"
import { newMachine, plain } from "./machine.ts"
import { isRecord, readPoolRequest } from "./poolRules.ts"
import { Power } from "./power.ts"
import { Stock } from "./stock.ts"
import { Timeline } from "./timeline.ts"
import type {
  CloudEvent, CloudOptions, Delays, LkeNode, Purchase, SimulatedCluster, SimulatedInstance, SimulatedNode, SimulatedPool, Tier
} from "./world.ts"
import { Refusal, usualDelays } from "./world.ts"

const mostNodesPerCluster: Readonly<Record<Tier, number>> = { standard: 250, enterprise: 500 }

export class LinodeCloud {
  readonly timeline: Timeline
  readonly types: ReadonlyMap<string, LinodeType>
  readonly regions: ReadonlyMap<string, Region>
  readonly stock: Stock
  readonly tokens: ReadonlySet<string>
  readonly clusters = new Map<number, SimulatedCluster>()
  readonly pools = new Map<number, SimulatedPool>()
  readonly instances = new Map<number, SimulatedInstance>()
  readonly account: SimulatedAccount
  readonly power: Power
  /** Holds for what starts after it was set. */
  delays: Delays
  /** The most Linodes that the account may have. */
  accountLimit: number
  private readonly chance: Chance
  private readonly listeners = new Set<(event: CloudEvent) => void>()
  private readonly ledger = new Ledger()
  /** By instance, the machines that are not LKE's. */
  private readonly own = new Map<number, SimulatedNode>()
  /** What lists show instead of what is. */
  private old: { readonly pools: ReadonlyArray<SimulatedPool>; readonly instances: ReadonlyArray<SimulatedInstance> } | undefined
  private lastId = 1_000

  constructor(options: CloudOptions) {
    this.timeline = new Timeline(options.now)
    this.types = new Map(options.types.map((type) => [type.id, type]))
    this.regions = new Map(options.regions.map((region) => [region.id, region]))
    this.stock = new Stock(options.types, options.regions)
    this.tokens = new Set(options.tokens ?? ["simulated-token"])
    this.delays = { ...usualDelays, ...options.delays }
    this.accountLimit = options.accountLimit ?? Infinity
    this.account = new SimulatedAccount(options)
    this.chance = new Chance(options.seed ?? 1)
    this.power = new Power({
      account: this.account,
      timeline: this.timeline,
      draw: (step) => this.draw(step),
      emit: (kind, node) => this.emit(kind, node),
      isThere: (instance) => this.instances.get(instance.id) === instance && instance.status !== "deleting",
      nodeOf: (instance) => this.nodeOf(instance)
    })
  }

  /** Every node that ever was, in the order of their creation. */
  get purchases(): ReadonlyArray<Purchase> {
    return this.ledger.purchases
  }

  /** USD an hour for the nodes that were bought (not seeded) and are not given back. */
  get hourlyPrice(): number {
    return this.ledger.hourlyPrice
  }

  /** The highest that `hourlyPrice` ever was. */
  get peakHourlyPrice(): number {
    return this.ledger.peakHourlyPrice
  }

  /** Calls `listener` with every change of a node, at once. Gives back what ends it. */
  subscribe(listener: (event: CloudEvent) => void): () => void {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  /** From now on no more of this type in this region. Gives back what ends it. */
  soldOut(type: string, region: string): () => void {
    return this.stock.soldOut(type, region)
  }

  /** A cluster that was there before: its system pool's nodes are ready, and not counted as bought. */
  addCluster(options: {
    readonly label: string
    readonly region: string
    readonly tier?: Tier
    readonly k8sVersion?: string
    readonly systemPool?: { readonly type: string; readonly count: number }
  }): SimulatedCluster {
    const tier = options.tier ?? "standard"
    const k8sVersion = options.k8sVersion ?? (tier === "standard" ? "1.35" : "v1.33.6+lke7")
    const { label, region } = options
    const cluster = { id: this.newId(), label, region, tier, k8sVersion, createdAt: this.timeline.now() }
    this.clusters.set(cluster.id, cluster)
    if (options.systemPool !== undefined) {
      const pool = this.newPool(cluster, options.systemPool.type, options.systemPool.count, {})
      pool.populated = true
      for (let i = 0; i < pool.count; i++) {
        const node = this.addNode(cluster, pool, true)
        this.assign(cluster, pool, node).status = "running"
        node.status = "ready"
        this.emit("NodeReady", node)
      }
    }
    return cluster
  }

  /** A Linode beside the clusters. */
  addInstance({ label, region, tags = [], type }: {
    readonly label: string
    readonly type: string
    readonly region: string
    readonly tags?: ReadonlyArray<string>
  }): SimulatedInstance {
    const added: SimulatedInstance = {
      id: this.newId(), label, type, region, tags, status: "running",
      createdAt: this.timeline.now(), clusterId: undefined, image: "linode/debian13", ...plain
    }
    this.instances.set(added.id, added)
    return added
  }

  /**
   * Buys a Linode, which boots by itself.
   * @throws Refusal 400
   */
  createInstance(body: Readonly<Record<string, unknown>>): SimulatedInstance {
    const id = this.newId()
    const { instance, node } = newMachine(id, this.timeline.now(), readInstanceRequest(body, this))
    // One that is being deleted has its label until it is gone.
    if ([...this.instances.values()].some(({ label }) => label === instance.label)) {
      throw new Refusal(400, "Label must be unique among your linodes", "label")
    }
    this.stock.check(instance.type, instance.region)
    this.checkLimit(1)
    this.instances.set(id, instance)
    this.own.set(id, node)
    if (instance.placementGroupId !== undefined) this.account.join(instance.placementGroupId, id)
    this.power.note(instance, "linode_create", "user")
    this.buy(node, false)
    this.emit("InstanceAssigned", node)
    this.bringUp(node, instance)
    return instance
  }

  /** @throws Refusal 400 */
  createPool(cluster: SimulatedCluster, body: Readonly<Record<string, unknown>>): SimulatedPool {
    const request = readPoolRequest(body, cluster.tier)
    if (request.count === undefined) throw new Refusal(400, "count is required", "count")
    if (typeof body.type !== "string") throw new Refusal(400, "type is required", "type")
    this.checkFirewall(cluster, body)
    this.checkRoom(cluster, body.type, request.count)
    const pool = this.newPool(cluster, body.type, request.count, body)
    pool.labels = request.labels ?? {}
    pool.taints = request.taints ?? []
    pool.tags = request.tags ?? []
    if (cluster.tier === "standard") this.populate(cluster, pool)
    else this.timeline.after(this.draw("populate"), () => this.populate(cluster, pool))
    return pool
  }

  /** @throws Refusal 400 */
  updatePool(cluster: SimulatedCluster, pool: SimulatedPool, body: Readonly<Record<string, unknown>>): SimulatedPool {
    for (const field of ["type", "region"]) {
      const current = field === "type" ? pool.type : cluster.region
      if (body[field] !== undefined && body[field] !== current) throw new Refusal(400, `${field} cannot be changed`, field)
    }
    const { count = pool.count, labels, tags, taints } = readPoolRequest(body, cluster.tier)
    this.checkFirewall(cluster, body)
    if (count > pool.count) this.checkRoom(cluster, pool.type, count - pool.count)
    if (labels !== undefined) pool.labels = labels
    if (taints !== undefined) pool.taints = taints
    if (tags !== undefined) this.retag(cluster, pool, tags)
    pool.count = count
    if (pool.populated) {
      while (pool.nodes.length > count) this.removeNode(pool.nodes[this.chance.integer([0, pool.nodes.length - 1])]!)
      this.populate(cluster, pool)
    }
    return pool
  }

  /** @throws Refusal 400 */
  deletePool(cluster: SimulatedCluster, pool: SimulatedPool): void {
    if (cluster.tier === "standard" && this.poolsOf(cluster).length === 1) {
      throw new Refusal(400, "Cannot delete the last pool of a cluster")
    }
    for (const node of pool.nodes.slice()) this.removeNode(node)
    pool.deleted = true
    this.pools.delete(pool.id)
  }

  /** @throws Refusal 400 */
  deleteNode(pool: SimulatedPool, node: LkeNode): void {
    if (pool.count === 1) throw new Refusal(400, "Cannot delete the last node of a pool")
    this.removeNode(node)
    pool.count--
  }

  /** Deletes a Linode directly. A node of LKE that loses it stays in its pool and is not ready again. */
  deleteInstance(instance: SimulatedInstance): void {
    if (instance.status === "deleting") return
    instance.status = "deleting"
    this.power.note(instance, "linode_delete", "user")
    const node = this.nodeOf(instance)
    if (node !== undefined) node.status = "not_ready"
    if (node !== undefined && this.own.has(instance.id)) {
      node.deletedAt = this.timeline.now()
      this.ledger.giveBack(node.id, node.deletedAt)
      this.emit("NodeDeleted", node)
    }
    const pool = node?.poolId === undefined ? undefined : this.pools.get(node.poolId)
    this.timeline.after(this.draw("vanish"), () => this.forgetInstance(instance, node, pool))
  }

  /** Replaces all tags. */
  tagInstance(instance: SimulatedInstance, body: unknown): void {
    if (isRecord(body) && body.tags !== undefined) instance.tags = readPoolRequest({ tags: body.tags }, "standard").tags ?? []
  }

  poolsOf(cluster: SimulatedCluster): ReadonlyArray<SimulatedPool> {
    return [...this.pools.values()].filter((pool) => pool.clusterId === cluster.id)
  }

  /** The pools as a list of them shows them. */
  listedPools(cluster: SimulatedCluster): ReadonlyArray<SimulatedPool> {
    return (this.old?.pools ?? [...this.pools.values()]).filter((pool) => pool.clusterId === cluster.id)
  }

  /** The Linodes as a list of them shows them. */
  listedInstances(): ReadonlyArray<SimulatedInstance> {
    return this.old?.instances ?? [...this.instances.values()]
  }

  /** From now on lists show pools and Linodes as they are now. Gives back what ends it. */
  ageLists(): () => void {
    const old = structuredClone({ pools: [...this.pools.values()], instances: [...this.instances.values()] })
    this.old = old
    return () => {
      if (this.old === old) this.old = undefined
    }
  }

  /** LKE's nodes that are, of all clusters. */
  nodes(): ReadonlyArray<LkeNode> {
    return [...this.pools.values()].flatMap((pool) => pool.nodes)
  }

  /** The Linodes that were bought by themselves and are not deleted. */
  machines(): ReadonlyArray<SimulatedNode> {
    return [...this.own.values()].filter(({ deletedAt }) => deletedAt === undefined)
  }

  private nodeOf(instance: SimulatedInstance): SimulatedNode | undefined {
    if (instance.clusterId === undefined) return this.own.get(instance.id)
    return this.nodes().find((node) => node.instanceId === instance.id)
  }

  private newId(): number {
    return ++this.lastId
  }

  private draw(step: keyof Delays): number {
    const range: Range = this.delays[step]
    return this.chance.integer(range)
  }

  private newPool(
    cluster: SimulatedCluster, type: string, count: number, body: Readonly<Record<string, unknown>>
  ): SimulatedPool {
    const enterprise = cluster.tier === "enterprise"
    const pool: SimulatedPool = {
      id: this.newId(), clusterId: cluster.id, type, count, labels: {}, taints: [], tags: [],
      firewallId: enterprise && typeof body.firewall_id === "number" ? body.firewall_id : undefined,
      k8sVersion: enterprise && typeof body.k8s_version === "string" ? body.k8s_version : cluster.k8sVersion,
      updateStrategy: enterprise && typeof body.update_strategy === "string" ? body.update_strategy : "on_recycle",
      nodes: [], populated: false, deleted: false
    }
    this.pools.set(pool.id, pool)
    return pool
  }

  private checkFirewall(cluster: SimulatedCluster, body: Readonly<Record<string, unknown>>): void {
    const id = body.firewall_id
    if (cluster.tier === "standard" || id === undefined || id === null) return
    if (typeof id === "number" && this.account.hasFirewall(id)) return
    throw new Refusal(400, "firewall_id is not valid", "firewall_id")
  }

  private checkRoom(cluster: SimulatedCluster, type: string, more: number): void {
    this.stock.checkNode(type, cluster.region)
    const pools = this.poolsOf(cluster)
    const most = mostNodesPerCluster[cluster.tier]
    if (pools.reduce((sum, pool) => sum + pool.count, 0) + more > most) {
      throw new Refusal(400, `Cluster limit reached: at most ${most} nodes`, "count")
    }
    this.checkLimit(more)
  }

  private checkLimit(more: number): void {
    const machines = [...this.pools.values()].reduce((sum, pool) => sum + pool.count, 0)
    const others = [...this.instances.values()].filter((instance) => instance.clusterId === undefined).length
    if (machines + others + more > this.accountLimit) {
      throw new Refusal(400, "Account Limit reached. Please open a support ticket.")
    }
  }

  private populate(cluster: SimulatedCluster, pool: SimulatedPool): void {
    if (pool.deleted) return
    pool.populated = true
    while (pool.nodes.length < pool.count) this.startNode(cluster, pool, this.addNode(cluster, pool, false))
  }

  private addNode(cluster: SimulatedCluster, pool: SimulatedPool, seeded: boolean): LkeNode {
    const id = `${pool.id}-${this.chance.hex(12)}`
    const node: LkeNode = {
      id, name: `lke${cluster.id}-${id}`, poolId: pool.id, clusterId: cluster.id, type: pool.type, region: cluster.region,
      createdAt: this.timeline.now(), instanceId: undefined, status: "not_ready", deletedAt: undefined
    }
    pool.nodes.push(node)
    this.buy(node, seeded)
    return node
  }

  private buy(node: SimulatedNode, seeded: boolean): void {
    const { clusterId, createdAt, id, name, poolId, region, type } = node
    this.ledger.buy({
      node: id, name, pool: poolId, cluster: clusterId, type, seeded, createdAt, deletedAt: undefined,
      hourlyPrice: this.stock.hourlyPrice(type, region)
    })
    this.emit("NodeCreated", node)
  }

  private startNode(cluster: SimulatedCluster, pool: SimulatedPool, node: SimulatedNode): void {
    this.timeline.after(this.draw("assign"), () => {
      if (node.deletedAt === undefined) this.bringUp(node, this.assign(cluster, pool, node))
    })
  }

  private bringUp(node: SimulatedNode, instance: SimulatedInstance): void {
    const step = (delay: keyof Delays, run: () => void) => this.timeline.after(this.draw(delay), () => {
      if (node.deletedAt === undefined && ["provisioning", "booting", "running"].includes(instance.status)) run()
    })
    step("boot", () => {
      instance.status = "booting"
      step("run", () => {
        instance.status = "running"
        this.emit("InstanceRunning", node)
        step("join", () => {
          node.status = "ready"
          this.emit("NodeReady", node)
        })
      })
    })
  }

  private assign(cluster: SimulatedCluster, pool: SimulatedPool, node: SimulatedNode): SimulatedInstance {
    const instance: SimulatedInstance = {
      id: this.newId(), label: node.name, type: node.type, region: node.region, createdAt: this.timeline.now(),
      clusterId: cluster.id, image: undefined, ...plain, status: "provisioning", tags: this.instanceTags(cluster, pool)
    }
    this.instances.set(instance.id, instance)
    node.instanceId = instance.id
    this.emit("InstanceAssigned", node)
    return instance
  }

  private instanceTags(cluster: SimulatedCluster, pool: SimulatedPool): ReadonlyArray<string> {
    return cluster.tier === "standard" ? [] : [...pool.tags, `nodepool=${pool.id}`, `lke${cluster.id}`]
  }

  private retag(cluster: SimulatedCluster, pool: SimulatedPool, tags: ReadonlyArray<string>): void {
    pool.tags = tags
    if (cluster.tier === "standard") return
    for (const node of pool.nodes) {
      const instance = node.instanceId === undefined ? undefined : this.instances.get(node.instanceId)
      if (instance !== undefined) instance.tags = this.instanceTags(cluster, pool)
    }
  }

  private removeNode(node: LkeNode): void {
    const pool = this.pools.get(node.poolId)!
    const at = this.timeline.now()
    pool.nodes.splice(pool.nodes.indexOf(node), 1)
    node.deletedAt = at
    this.ledger.giveBack(node.id, at)
    this.emit("NodeDeleted", node, pool)
    const instance = node.instanceId === undefined ? undefined : this.instances.get(node.instanceId)
    if (instance === undefined) return
    instance.status = "deleting"
    this.timeline.after(this.draw("vanish"), () => this.forgetInstance(instance, node, pool))
  }

  private forgetInstance({ id, placementGroupId }: SimulatedInstance, node: SimulatedNode | undefined, pool?: SimulatedPool): void {
    if (!this.instances.delete(id)) return
    this.own.delete(id)
    if (placementGroupId !== undefined) this.account.leave(placementGroupId, id)
    if (node !== undefined) this.emit("InstanceGone", node, pool)
  }

  private emit(kind: CloudEvent["kind"], node: SimulatedNode, pool = this.pools.get(node.poolId ?? 0)): void {
    const cluster = this.clusters.get(node.clusterId ?? 0)
    // Nobody asks for a node of a pool that is no more.
    if (node.poolId !== undefined && (pool === undefined || cluster === undefined)) return
    const event: CloudEvent = { kind, at: this.timeline.now(), node, pool, cluster }
    for (const listener of this.listeners) listener(event)
  }
}
