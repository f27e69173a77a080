/** No Linode, pool, tag, node or object of another cluster or of the user is ever touched. */
import type { KubeObject } from "../../../src/kube/objects.ts"
import type { Change, LinodeChange, MakeInvariant, Mode, World } from "../world.ts"

type Thing = "cluster" | "pool" | "node" | "instance" | "account"

/** What a mode may ask Linode to change, and of what. */
const ours: Readonly<Record<Mode, Readonly<Record<string, Thing>>>> = {
  lke: {
    "POST /lke/clusters/{id}/pools": "cluster",
    "PUT /lke/clusters/{id}/pools/{id}": "pool",
    "DELETE /lke/clusters/{id}/pools/{id}": "pool",
    "DELETE /lke/clusters/{id}/nodes/{id}": "node",
    "PUT /linode/instances/{id}": "instance"
  },
  instance: {
    "POST /linode/instances": "account",
    "PUT /linode/instances/{id}": "instance",
    "DELETE /linode/instances/{id}": "instance"
  }
}

const isForeign = (world: World, { method, path, route }: LinodeChange): boolean => {
  const [first, second] = [...path.matchAll(/\/(?:clusters|pools|nodes|instances)\/([^/]+)/g)].map(([, id]) => id ?? "")
  const { cloud, cluster, foreign } = world
  const what = ours[world.mode][`${method} ${route}`]
  if (what === undefined) return true
  if (what === "account") return false
  if (world.mode === "instance") return !world.isBought(Number(first))
  if (what === "instance") {
    const instance = cloud.instances.get(Number(first))
    return instance !== undefined && (instance.clusterId !== cluster.id || foreign.userNodes.has(instance.label))
  }
  if (Number(first) !== cluster.id) return true
  return (what === "pool" && foreign.pools.has(Number(second))) || (what === "node" && foreign.nodes.has(second ?? ""))
}

const asJson = (value: unknown): string => JSON.stringify(value ?? null)
const specOf = (object: KubeObject | undefined): unknown => (object as { readonly spec?: unknown } | undefined)?.spec
const begins = ({ after, before }: Change): boolean =>
  before?.metadata.deletionTimestamp === undefined && (after === undefined || after.metadata.deletionTimestamp !== undefined)

/** What the controller did to the user's own in the cluster. */
const wrong = (world: World, change: Change): string | undefined => {
  const { after, before, plural } = change
  const name = (after ?? before)?.metadata.name ?? ""
  switch (plural) {
    case "nodes": return world.foreign.userNodes.has(name) ? `changed the user's node ${name}` : undefined
    case "pods": {
      if (before === undefined) return `created pod ${name}`
      const { nodeName = "" } = specOf(before) as { readonly nodeName?: string }
      if (begins(change) && world.foreign.userNodes.has(nodeName)) return `took pod ${name} from the user's node ${nodeName}`
      return after !== undefined && asJson(specOf(before)) !== asJson(specOf(after)) ? `changed the spec of pod ${name}` : undefined
    }
    case "nodepools":
    case "nodeoverlays":
    case "capacitybuffers":
    case "linodenodeclasses": {
      if (before === undefined) return `created ${plural}/${name}`
      // What somebody deleted goes when its finalizers do.
      if (after === undefined) return before.metadata.deletionTimestamp === undefined ? `deleted ${plural}/${name}` : undefined
      if (begins(change)) return `deleted ${plural}/${name}`
      return asJson(specOf(before)) === asJson(specOf(after)) ? undefined : `changed the spec of ${plural}/${name}`
    }
    // An eviction is counted in its budget's status, and Kubernetes does that.
    case "poddisruptionbudgets":
      return after !== undefined && asJson(specOf(before)) === asJson(specOf(after)) ? undefined : `changed poddisruptionbudgets/${name}`
    case "deployments":
    case "statefulsets":
    case "daemonsets":
    case "podtemplates":
    case "namespaces": return `changed ${plural}/${name}`
    default: return undefined
  }
}

export const othersUntouched: MakeInvariant = () => ({
  name: "nothing of others is touched",
  step: (world) => {
    for (const change of world.linodeChanges) {
      if (change.by !== "controller" || change.status >= 400) continue
      if (isForeign(world, change)) return `${change.program} sent ${change.method} ${change.path}`
      for (const [id, { count, tags }] of world.foreign.userPools) {
        const pool = world.cloud.pools.get(id)
        if (pool === undefined || pool.count !== count || asJson(pool.tags) !== asJson(tags)) return `the user's pool ${id} is not as it was`
      }
    }
    for (const change of world.changes) {
      if (change.by !== "controller") continue
      const text = wrong(world, change)
      if (text !== undefined) return `${change.program} ${text}`
    }
    return undefined
  }
})
