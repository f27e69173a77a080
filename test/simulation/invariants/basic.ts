/** The promises without which there is no need to look any further. */
import { annotation, disruptedTaint, label, unregisteredTaint, sameTaint } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { Deployments, Nodes, Pods } from "../../../src/kube/resources.ts"
import type { Invariant, MakeInvariant, World } from "../world.ts"

/** The LKE node that a claim says it owns. */
export const lkeNodeOf = (claim: NodeClaim): string | undefined => claim.metadata.annotations?.[annotation.lkeNode]

export const oneClaimPerLinode: MakeInvariant = (): Invariant => ({
  name: "one claim per Linode, one Linode per claim",
  settled: (world) => {
    const claims = world.list(NodeClaims)
    const owners = new Map<string, string>()
    for (const claim of claims) {
      const { name } = claim.metadata
      if (claim.metadata.deletionTimestamp !== undefined) return `${name} is still being deleted`
      const node = lkeNodeOf(claim)
      if (node === undefined) return `${name} has no node`
      const other = owners.get(node)
      if (other !== undefined) return `${name} and ${other} own ${node}`
      owners.set(node, name)
    }
    const nodes = new Set(world.ourNodes().map(({ id }) => id))
    for (const node of nodes) if (!owners.has(node)) return `${node} is paid for, and no claim owns it`
    for (const [node, claim] of owners) if (!nodes.has(node)) return `${claim} owns ${node}, which is not there`
    for (const pool of world.ourPools()) {
      if (pool.count !== pool.nodes.length) return `pool ${pool.id} asks for ${pool.count} nodes and has ${pool.nodes.length}`
      if (pool.count === 0) return `pool ${pool.id} is empty`
    }
    return undefined
  }
})

export const othersUntouched: MakeInvariant = (): Invariant => {
  const touched = (world: World): string | undefined => {
    for (const { by, method, path, program, status } of world.linodeChanges) {
      if (by !== "controller" || status >= 400) continue
      const [, cluster, what, id] = /^\/lke\/clusters\/([^/]+)(?:\/([^/]+)\/([^/]+))?/.exec(path) ?? []
      if (cluster !== undefined && Number(cluster) !== world.cluster.id) return `${program} sent ${method} ${path}`
      if (what === "pools" && world.foreign.pools.has(Number(id))) return `${program} sent ${method} ${path}`
      if (what === "nodes" && world.foreign.nodes.has(id ?? "")) return `${program} sent ${method} ${path}`
      const [, instance] = /^\/linode\/instances\/(\d+)/.exec(path) ?? []
      if (instance !== undefined && world.foreign.instances.has(Number(instance))) return `${program} sent ${method} ${path}`
    }
    for (const { after, before, by, plural, program } of world.changes) {
      if (by !== "controller") continue
      const name = (after ?? before)?.metadata.name ?? ""
      if (plural === "nodes" && world.foreign.userNodes.has(name)) return `${program} changed node ${name}`
      if (plural === "pods" && after?.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined) {
        const { nodeName } = (before as { readonly spec?: { readonly nodeName?: string } }).spec ?? {}
        if (world.foreign.userNodes.has(nodeName ?? "")) return `${program} took pod ${name} from ${nodeName}`
      }
    }
    return undefined
  }
  return { name: "nothing of others is touched", step: touched }
}

export const tokenHidden: MakeInvariant = (): Invariant => ({
  name: "the token is never shown",
  step: ({ said, token }) => {
    const shown = said.find((words) => words.includes(token))
    return shown === undefined ? undefined : `in ${shown.slice(0, 200)}`
  }
})

export const allPodsRun: MakeInvariant = (): Invariant => ({
  name: "every pod that can run runs",
  settled: (world) => {
    const nodes = new Map(world.list(Nodes).map((node) => [node.metadata.name, node]))
    const pods = world.list(Pods).filter(({ metadata }) => metadata.namespace === "default")
    for (const { metadata, spec, status } of pods) {
      if (metadata.deletionTimestamp !== undefined) return `${metadata.name} is still ending`
      if (status?.phase !== "Running") return `${metadata.name} is ${status?.phase ?? "nothing"} on ${spec.nodeName ?? "no node"}`
      const node = nodes.get(spec.nodeName ?? "")
      if (node?.status?.conditions?.some(({ status, type }) => type === "Ready" && status === "True") !== true) {
        return `${metadata.name} runs on ${spec.nodeName}, which is not ready`
      }
    }
    for (const { metadata, spec } of world.list(Deployments)) {
      const own = pods.filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === metadata.uid).length
      if (own !== spec.replicas) return `${metadata.name} has ${own} of ${spec.replicas} pods`
    }
    return undefined
  }
})

export const nodesClean: MakeInvariant = (): Invariant => ({
  name: "nothing of ours is left on a node that stays",
  settled: (world) => {
    for (const { metadata, spec } of world.list(Nodes)) {
      if (metadata.labels?.[label.nodePool] === undefined) continue
      const left = spec?.taints?.find((taint) => sameTaint(taint, disruptedTaint) || sameTaint(taint, unregisteredTaint))
      if (left !== undefined) return `${metadata.name} has the taint ${left.key}`
      if (metadata.deletionTimestamp !== undefined) return `${metadata.name} is still being deleted`
    }
    return undefined
  }
})

export const boundNodesStay: MakeInvariant = (): Invariant => ({
  name: "a node of a claim that nobody deleted is never taken away by us",
  step: (world) => {
    for (const { by, events, method, path, program, late } of world.linodeChanges) {
      if (by !== "controller") continue
      for (const { kind, node } of events) {
        if (kind !== "NodeDeleted" || world.broken.has(node.name)) continue
        const owner = world.list(NodeClaims).find((claim) =>
          lkeNodeOf(claim) === node.id && claim.metadata.deletionTimestamp === undefined)
        if (owner !== undefined) return `${program} took ${node.id} of ${owner.metadata.name} by ${method} ${path}${late ? " (late)" : ""}`
      }
    }
    return undefined
  }
})
