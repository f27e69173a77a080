/**
 * A whole cluster's life in one process without a socket: an API server in memory, Linode behind the real client, kubelets,
 * a scheduler, and controllers that come and go. `life` plays a script in it on virtual time, and judges what is left.
 */
import { assert } from "@effect/vitest"
import { Duration, Effect, Exit, Layer } from "effect"
import { crds } from "../../src/apis/crds.ts"
import { annotation, label } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import { Kube } from "../../src/kube/kube.ts"
import * as memory from "../../src/kube/memory/layer.ts"
import type { Event, KubeObject, Node, Pod, Workload } from "../../src/kube/objects.ts"
import { ConfigMaps, Deployments, Events, Leases, Nodes, PodDisruptionBudgets, Pods } from "../../src/kube/resources.ts"
import type { Resource } from "../../src/kube/resources.ts"
import { causeText } from "../../src/runtime/log.ts"
import { joining } from "../../src/simulator/kubernetes/joining.ts"
import { kubelets } from "../../src/simulator/kubernetes/kubelets.ts"
import { scheduler } from "../../src/simulator/kubernetes/scheduler.ts"
import { workloads } from "../../src/simulator/kubernetes/workloads.ts"
import * as snapshot from "../../src/linode/snapshot.ts"
import * as simulator from "../../src/simulator/linode/linodeSimulator.ts"
import type { Purchase, Tier } from "../../src/simulator/linode/world.ts"
import * as objects from "./objects.ts"
import { clusterName, startProgram, token } from "./program.ts"
import type { Moment, Program } from "./program.ts"
import { Process, Time } from "../simulation/engine/virtual.ts"
import { clusterInfo } from "../support/clusterAuthority.ts"

export const region = "us-ord"

const usualPatience = Duration.minutes(30)

export interface LifeOptions extends Pick<simulator.SimulatorOptions, "delays" | "seed" | "accountLimit"> {
  readonly tier?: Tier
  /** Machines are nodes of LKE pools unless told: then each is a Linode of its own, in a cluster that kubeadm made. */
  readonly mode?: "instance"
  readonly nodePool?: objects.NodePoolOptions
  /** What a pod of the Deployment asks for; one CPU unless told. */
  readonly cpu?: string
  /** A replica that ends by itself is started again, as Kubernetes does. Without it such an end fails the test. */
  readonly restarts?: boolean
  /** Settings of the controller beside the cluster's name and the token. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Controller {
  /** SIGKILL: not even its lease is given back. */
  readonly kill: () => void
  /** SIGTERM. */
  readonly stop: () => void
  readonly alive: () => boolean
}

const make = Effect.fnUntraced(function*(time: Time, options: LifeOptions) {
  const { api, cloud } = yield* simulator.LinodeSimulator
  const { server } = yield* memory.MemoryApiServer
  const kube = yield* Kube
  const cluster = cloud.addCluster({
    label: clusterName, region, tier: options.tier ?? "standard", systemPool: { type: "g6-standard-1", count: 1 }
  })
  const seeds = options.seed ?? 1
  const logs: Array<string> = []
  const accidents: Array<string> = []
  const launched = new Map<string, Set<string>>()
  let starts = 0

  const list = <A extends KubeObject>(resource: Resource<A>): ReadonlyArray<A> =>
    server.list(resource).items as unknown as ReadonlyArray<A>

  /** As a purchase names it. */
  const nodeOf = ({ metadata, status }: NodeClaim): string | undefined =>
    options.mode === "instance" ? status?.nodeName : metadata.annotations?.[annotation.lkeNode]

  // Whatever a claim ever was bound to, however short.
  const noteClaim = (claim: NodeClaim) => {
    const nodes = launched.get(claim.metadata.uid ?? "") ?? new Set()
    launched.set(claim.metadata.uid ?? "", nodes)
    const node = nodeOf(claim)
    if (node !== undefined) nodes.add(node)
  }
  const follow = (): void => {
    for (const claim of list<NodeClaim>(NodeClaims)) noteClaim(claim)
    const again = () => time.after(0, follow)
    server.watch(NodeClaims, { resourceVersion: server.version }, {
      event: (event) => {
        if (event.type !== "BOOKMARK") noteClaim(event.object as unknown as NodeClaim)
      },
      end: again,
      fail: again
    })
  }
  follow()

  const bought = (): ReadonlyArray<Purchase> => cloud.purchases.filter((node) => !node.seeded)
  const alive = (): ReadonlyArray<Purchase> => bought().filter((node) => node.deletedAt === undefined)
  const pods = (): ReadonlyArray<Pod> => list<Pod>(Pods).filter((pod) => pod.metadata.namespace === "default")
  const running = (): number => {
    const ready = new Set(list<Node>(Nodes).filter((node) => node.status?.conditions?.some(({ status, type }) =>
      type === "Ready" && status === "True") === true).map((node) => node.metadata.name))
    return pods().filter(({ metadata, spec, status }) =>
      metadata.deletionTimestamp === undefined && status?.phase === "Running" && ready.has(spec.nodeName ?? "")).length
  }
  const claims = (): ReadonlyArray<NodeClaim> => list<NodeClaim>(NodeClaims)

  const picture = (): string => JSON.stringify({
    running: running(),
    pods: pods().length,
    claims: claims().map(({ metadata, status }) => ({
      name: metadata.name,
      annotations: metadata.annotations,
      deletion: metadata.deletionTimestamp,
      node: status?.nodeName,
      conditions: status?.conditions?.map((c) => `${c.type}=${c.status} ${c.reason ?? ""} ${c.message ?? ""}`)
    })),
    nodes: list<Node>(Nodes).map((node) => node.metadata.name),
    alive: alive().map(({ node, type }) => `${type} ${node}`),
    lately: api.log.slice(-10).map(({ at, fault, method, path, status }) =>
      `${at - time.now} ${method} ${path} ${status} ${fault ?? ""}`),
    logs: logs.filter((line) => !line.includes("\"DEBUG\"")).slice(-12)
  }, undefined, 1)

  const wait = Effect.fnUntraced(function*(what: string, reached: () => boolean, most: Duration.Input = usualPatience) {
    const end = time.now + Duration.toMillis(most)
    while (!reached()) {
      if (accidents.length > 0) return assert.fail(`while waiting for ${what}: ${accidents.join("; ")}`)
      if (time.now >= end) return assert.fail(`waited in vain for ${what}: ${picture()}`)
      yield* Effect.sleep("1 second")
    }
  })

  return {
    api, cloud, cluster, kube, server, logs, time, list, pods, running, claims, bought, alive, wait, nodeOf,
    /** Nodes that are ours. */
    nodes: (): ReadonlyArray<Node> => list<Node>(Nodes).filter((node) => node.metadata.labels?.[label.nodePool] !== undefined),
    events: (): ReadonlyArray<Event> => list<Event>(Events),
    /** NodeClaims that ever were. */
    claimsEver: (): number => launched.size,
    /** Changes that Linode was asked for so far. */
    changes: (): ReadonlyArray<string> =>
      api.log.filter(({ method }) => method !== "GET").map(({ method, route }) => `${method} ${route}`),

    /** Starts a replica of the controller, which may die, or lose touch with the API server, at moments that are told. */
    start: (
      diesAt: (moment: Moment) => boolean = () => false,
      failsAt: (moment: Moment) => boolean = () => false
    ): Controller => {
      const name = `replica-${++starts}`
      let ending = false
      let program: Program
      const start = () => {
        program = startProgram(time, kube, api, {
          identity: `${name}-${starts}`,
          seed: seeds * 100 + starts,
          diesAt,
          failsAt,
          env: { ...(options.mode === undefined ? {} : { KARPENTER_MODE: options.mode, CLUSTER_REGION: region }), ...options.env },
          log: (line) => logs.push(line),
          onExit: (how) => {
            if (ending) return
            logs.push(`${new Date(time.now).toISOString()} ${name} ended: ${how}`)
            if (options.restarts !== true) accidents.push(`${name} ended: ${how}`)
            else time.after(5_000, () => {
              starts++
              start()
            })
          }
        })
        return program
      }
      program = start()
      return {
        kill: () => program.process.kill(),
        stop: () => {
          ending = true
          program.stop()
        },
        alive: () => program.process.alive
      }
    },
    scale: (replicas: number, name = "inflate") =>
      kube.patch<Workload>(Deployments, { name, namespace: "default" }, { spec: { replicas } }, { kind: "merge" }),
    /** So many pods run, none waits, and every node that was bought is in use by a claim. */
    settled: (replicas: number, most?: Duration.Input) => wait(`${replicas} running pods`, () =>
      running() === replicas && pods().length === replicas && alive().length === claims().length &&
      claims().every((claim) => claim.metadata.deletionTimestamp === undefined), most),
    /** Nothing is left of what was bought. */
    empty: (most?: Duration.Input) => wait("everything to be given back", () =>
      pods().length === 0 && claims().length === 0 && alive().length === 0 &&
      [...cloud.pools.values()].every((pool) => !pool.tags.some((tag) => tag.includes("lke-managed"))), most),
    /** What must hold whenever nothing is under way. */
    sound: () => {
      const owned = claims().map(nodeOf)
      assert.deepStrictEqual(owned.toSorted(), alive().map(({ node }) => node).toSorted(), "one living node for each claim")
      const names = new Set(alive().map(({ name }) => name))
      for (const pod of pods()) {
        const { nodeName } = pod.spec
        if (nodeName !== undefined) assert.isTrue(names.has(nodeName), `${pod.metadata.name} runs on a node that is paid for`)
      }
    },
    /** No claim was served twice and no node was bought that no claim ever had. */
    thrifty: () => {
      assert.isAtMost(bought().length, launched.size, "nodes bought against claims that ever were")
      for (const nodes of launched.values()) assert.isAtMost(nodes.size, 1, "nodes of one claim")
    },
    accidents
  }
})

export type House = Effect.Success<ReturnType<typeof make>>

/** The token is nowhere that anybody can read. */
const keepsTheSecret = ({ api, list, logs }: House): void => {
  const kinds: ReadonlyArray<Resource> = [
    Pods, Nodes, Events, Deployments, Leases, PodDisruptionBudgets, NodeClaims, NodePools, LinodeNodeClasses
  ] as unknown as ReadonlyArray<Resource>
  const objects = kinds.flatMap((kind) => list(kind).map((object) => JSON.stringify(object)))
  const texts = [...logs, ...objects, ...api.log.map(({ body }) => body)]
  assert.isAbove(logs.length, 0, "the controller has logged")
  assert.deepStrictEqual(texts.filter((text) => text.includes(token)), [], "the token shows")
}

/** What every LKE cluster runs on its first node already, so that there is no room for inflate on it. */
const systemPod = (nodeName: string): Pod => ({
  metadata: { name: "coredns", namespace: "kube-system" },
  spec: { nodeName, containers: [{ name: "coredns", resources: { requests: { cpu: "300m" } } }] },
  status: { phase: "Running" }
})

export type Script = (house: House) => Effect.fn.Return<void, unknown>

/** Plays a script in a cluster with a NodePool, a LinodeNodeClass and a Deployment of no pods. For `it`. */
export const life = (options: LifeOptions, script: Script) => async (): Promise<void> => {
  const time = new Time()
  // Reading files takes real time, in which virtual time must not pass.
  const [types, regions] = await Effect.runPromise(Effect.all([snapshot.types, snapshot.regions]))
  const outside = simulator.layer({ ...options, types, regions, tokens: [token] }).pipe(
    Layer.provideMerge(memory.layerWith({ crds }))
  )
  const whole = Effect.gen(function*() {
    const house = yield* make(time, options)
    const { cloud, kube, server } = house
    for (const { name } of cloud.nodes()) server.create(Pods, systemPod(name))
    if (options.mode === "instance") server.create(ConfigMaps, clusterInfo())
    yield* kube.create(LinodeNodeClasses, objects.nodeClass())
    yield* kube.create(NodePools, objects.nodePool(options.nodePool))
    yield* kube.create(Deployments, objects.deployment(0, options.cpu))
    const others = Effect.all([joining({ cloud }), workloads, scheduler, kubelets], { concurrency: "unbounded", discard: true })
    yield* Effect.raceFirst(Effect.gen(() => script(house)), others)
    assert.deepStrictEqual(house.accidents, [])
    keepsTheSecret(house)
  }).pipe(Effect.provide(outside), Effect.scoped)
  let end: Exit.Exit<void, unknown> | undefined
  new Process(time, options.seed ?? 1).start(whole, (exit) => {
    end = exit
  })
  await time.pass(() => end !== undefined)
  if (end !== undefined && Exit.isFailure(end)) {
    const [reason] = end.cause.reasons
    throw reason?._tag === "Die" ? reason.defect : new Error(causeText(end.cause))
  }
}
