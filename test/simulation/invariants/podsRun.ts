/** Every pod that some allowed node could run is running, and there are as many as what they belong to wants. */
import { label } from "../../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { toNumber } from "../../../src/cluster/amounts.ts"
import type { Node, Pod } from "../../../src/kube/objects.ts"
import { DaemonSets, Deployments, Nodes, Pods, StatefulSets } from "../../../src/kube/resources.ts"
import { freeOn, isReady, refusal } from "../../../src/simulator/kubernetes/fit.ts"
import { reported } from "../../../src/simulator/kubernetes/kubelet.ts"
import { belongsOn, ownedBy } from "../kubernetes/sets.ts"
import type { MakeInvariant, World } from "../world.ts"
import { isDeleting, nodePoolOf } from "./claimBook.ts"

/** The types that the pool's requirements name; all, where they name none. */
const typesOf = (world: World, { spec }: NodePool) => {
  const named = spec.template.spec.requirements.find(({ key, operator }) => key === label.instanceType && operator === "In")?.values
  return [...world.cloud.types.values()].filter(({ id }) => named === undefined || named.includes(id))
}

const leaves = (world: World, { metadata, spec }: NodePool, more: Readonly<Record<string, string>>): boolean => {
  const claims = world.list(NodeClaims).filter((claim) => nodePoolOf(claim) === metadata.name)
  return Object.entries(spec.limits ?? {}).every(([name, limit]) => {
    const used = claims.reduce((sum, { status }) => sum + (name === "nodes" ? 1 : toNumber(status?.capacity?.[name])), 0)
    return used + (name === "nodes" ? 1 : toNumber(more[name])) <= toNumber(limit)
  })
}

/** A class that is being deleted is no class to buy by. */
const hasClass = (world: World, { spec }: NodePool): boolean => {
  const nodeClass = world.get(LinodeNodeClasses, { name: spec.template.spec.nodeClassRef.name })
  return nodeClass !== undefined && !isDeleting(nodeClass)
}

/** Whether a node that some NodePool may have could run the pod. */
const couldRun = (world: World, pod: Pod): boolean => world.list(NodePools).some((pool) => !isDeleting(pool) &&
  hasClass(world, pool) && pool.spec.replicas === undefined && typesOf(world, pool).some((type) => {
    const { allocatable, capacity } = reported(type)
    if (!leaves(world, pool, capacity as Readonly<Record<string, string>>)) return false
    const { taints = [] } = pool.spec.template.spec
    const node: Node = {
      metadata: { name: "", labels: { ...pool.spec.template.metadata?.labels, [label.instanceType]: type.id, [label.nodePool]: pool.metadata.name } },
      spec: { taints },
      status: { allocatable, conditions: [{ type: "Ready", status: "True" }] }
    }
    // What runs on every node is there first.
    const daemons = world.list(DaemonSets).filter((set) => belongsOn(set, node)).map(({ metadata, spec: { template } }) =>
      ({ metadata, spec: template.spec }))
    return refusal(pod, node, freeOn(node, daemons)) === undefined
  }))

const settled = (world: World): string | undefined => {
  const nodes = new Map(world.list(Nodes).map((node) => [node.metadata.name, node]))
  const pods = world.list(Pods).filter(({ metadata }) => metadata.namespace === "default")
  for (const pod of pods) {
    const { metadata: { name }, spec: { nodeName }, status } = pod
    if (isDeleting(pod)) return `${name} is still ending`
    if (status?.phase !== "Running") {
      if (nodeName === undefined && !couldRun(world, pod)) continue
      return `${name} is ${status?.phase ?? "nothing"} on ${nodeName ?? "no node"}`
    }
    const node = nodes.get(nodeName ?? "")
    if (node === undefined || !isReady(node)) return `${name} runs on ${nodeName}, which is not ready`
  }
  for (const { metadata, spec } of world.list(Deployments)) {
    const own = pods.filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === metadata.uid).length
    if (own !== spec.replicas) return `${metadata.name} has ${own} of ${spec.replicas} pods`
  }
  for (const set of world.list(StatefulSets)) {
    const own = ownedBy(pods, set)
    // The next comes when the last runs: one that no node may take holds up the others.
    if (own.length !== set.spec.replicas && own.every(({ status }) => status?.phase === "Running")) {
      return `${set.metadata.name} has ${own.length} of ${set.spec.replicas} pods`
    }
  }
  for (const set of world.list(DaemonSets)) {
    const on = new Set(ownedBy(pods, set).map(({ spec }) => spec.nodeName))
    const without = [...nodes.values()].find((node) => !on.has(node.metadata.name) &&
      node.metadata.labels?.[label.nodePool] !== undefined && belongsOn(set, node))
    if (without !== undefined) return `${without.metadata.name} has no pod of ${set.metadata.name}`
  }
  return undefined
}

export const podsRun: MakeInvariant = () => ({ name: "every pod that can run runs", settled })
