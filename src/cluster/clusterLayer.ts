/** The Cluster over the caches. Only nominations are remembered here; a restart loses nothing but their few seconds. */
import { Clock, Duration, Effect, Layer, Semaphore } from "effect"
import { label } from "../apis/labels.ts"
import { isUnlaunched } from "../apis/launched.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import { NodeClaims } from "../apis/nodeClaim.ts"
import { NodePools } from "../apis/nodePool.ts"
import { CloudProvider } from "../cloud/cloudProvider.ts"
import { Caches, index } from "../kube/caches.ts"
import type { Store } from "../kube/caches.ts"
import type { Node, Pod } from "../kube/objects.ts"
import { Nodes, Pods } from "../kube/resources.ts"
import type { InstanceType } from "../scheduling/problem.ts"
import { Cluster } from "./cluster.ts"
import { expectation } from "./expectation.ts"
import { isManagedClaim } from "./managed.ts"
import { MachineMemory } from "./machineMemory.ts"
import { namesToGo } from "./replacements.ts"
import { nominationKey } from "./stateNode.ts"
import type { Parts } from "./stateNode.ts"

/** The claim's Node: by provider ID, else by name unless that one is known to be another machine. */
const nodeOf = (claim: NodeClaim, nodes: Store<Node>): Node | undefined => {
  const providerID = claim.status?.providerID
  const byID = providerID === undefined ? undefined : nodes.by(index.nodeProviderID, providerID)[0]
  if (byID !== undefined || claim.status?.nodeName === undefined) return byID
  const byName = nodes.get({ name: claim.status.nodeName })
  const other = byName?.spec?.providerID
  return other !== undefined && providerID !== undefined && other !== providerID ? undefined : byName
}

const noPods: ReadonlyArray<Pod> = []

export const layer: Layer.Layer<Cluster, never, Caches | CloudProvider> = Layer.effect(Cluster, Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const nodes = caches.store(Nodes)
  const claims = caches.store(NodeClaims)
  const pools = caches.store(NodePools)
  const pods = caches.store(Pods)
  const nominations = new Map<string, number>()
  const memory = new MachineMemory()
  const purchases = yield* Semaphore.make(1)

  /** The catalogues that unlaunched claims need; without one a claim counts for what it asked for. */
  const catalogues = Effect.fnUntraced(function*(managed: ReadonlyArray<NodeClaim>) {
    const names = new Set(managed.filter(isUnlaunched).flatMap((claim) => claim.metadata.labels?.[label.nodePool] ?? []))
    const found = new Map<string, ReadonlyArray<InstanceType>>()
    for (const name of names) {
      const pool = pools.get({ name })
      if (pool === undefined) continue
      found.set(name, yield* cloud.instanceTypes(pool).pipe(Effect.orElseSucceed((): ReadonlyArray<InstanceType> => [])))
    }
    return found
  })

  return Cluster.of({
    synced: caches.synced,
    alone: purchases.withPermit,
    nominate: Effect.fnUntraced(function*(name, window) {
      const now = yield* Clock.currentTimeMillis
      memory.forget()
      nominations.set(name, Math.max(nominations.get(name) ?? 0, now + Duration.toMillis(window)))
    }),
    nodes: Effect.gen(function*() {
      const still = memory.asBefore(nodes.list(), claims.list(), pods.list())
      if (still !== undefined) return still
      const types = yield* catalogues(claims.list().filter(isManagedClaim))
      const now = yield* Clock.currentTimeMillis
      for (const [key, until] of nominations) if (until <= now) nominations.delete(key)
      // Nothing is awaited from here on, so what is put together is of one moment.
      const managed = claims.list().filter(isManagedClaim)
      const toGo = namesToGo(managed)
      const parts = (node: Node | undefined, claim: NodeClaim | undefined): Parts => ({
        node,
        claim,
        pods: node === undefined ? noPods : pods.by(index.podNode, node.metadata.name),
        nominated: nominations.has(nominationKey({ node, claim })),
        replaced: claim !== undefined && toGo.has(claim.metadata.name),
        expected: claim !== undefined && isUnlaunched(claim)
          ? expectation(claim, types.get(claim.metadata.labels?.[label.nodePool] ?? "") ?? [])
          : undefined
      })
      const joined = new Set<string>()
      const machines = managed.map((claim) => {
        const node = nodeOf(claim, nodes)
        if (node !== undefined) joined.add(node.metadata.name)
        return memory.state(parts(node, claim))
      })
      for (const node of nodes.list()) {
        if (!joined.has(node.metadata.name)) machines.push(memory.state(parts(node, undefined)))
      }
      return memory.keep(nodes.list(), claims.list(), pods.list(), memory.byName(machines), nominations.size === 0)
    })
  })
}))
