/**
 * Deliberate bugs: each rewrites a line or two of the product, as it is loaded and nowhere else. A simulation that lets one of
 * them live is worth nothing.
 */

import type { Mode } from "../world.ts"

export interface Edit {
  /** Below `src`. */
  readonly file: string
  /** Occurs exactly once in it. */
  readonly line: string
  readonly becomes: string
}

export interface Mutation {
  /** What the controller does wrong. */
  readonly name: string
  readonly edits: ReadonlyArray<Edit>
  /** In which it shows; lke where nothing is said. */
  readonly mode?: Mode
  /** The invariants that may tell, by the beginnings of their names. */
  readonly tells: ReadonlyArray<string>
  /** It is caught within so many lives, from seed 1. */
  readonly lives: number
  /** Seeds that caught it when this was written: played first, since the worlds of seeds change with the adversary. */
  readonly likely: ReadonlyArray<number>
}

/** Far more than is needed as a rule. */
const usual = 60

export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "raises a pool's count once for each attempt",
    edits: [{
      file: "cloud/lke/change.ts",
      line: "  return Effect.result(request).pipe(answerWithin(longestSend))",
      becomes: `  const again = change.change === "new" ? request : linode.updatePool(cluster.id, change.pool.id, { count: change.pool.count + 2 * more })
  return Effect.result(Effect.catchIf(request, outcomeUnknown, () => again)).pipe(answerWithin(longestSend))`
    }],
    tells: ["no more Linodes"], lives: usual, likely: [2]
  },
  {
    name: "takes a 500 for a 404",
    edits: [{
      file: "linode/failure.ts",
      line: "    if (status === 408 || status >= 500 || body === undefined) return transient",
      becomes: "    if (status >= 500) return new Gone()\n    if (status === 408 || body === undefined) return transient"
    }],
    tells: ["a Node of a claim", "no more Linodes", "one claim", "a node of a claim"], lives: usual, likely: [8]
  },
  {
    name: "deletes machines without the lock",
    edits: [{
      file: "cloud/lke/giver.ts",
      line: "  makeGather<ClaimRecord, Deletions, LinodeError | KubeError>({ scope, locks, window: gatherFor, run: pass(world) })",
      becomes: `  makeGather<ClaimRecord, Deletions, LinodeError | KubeError>({
    scope, locks: { withLock: () => (effect) => effect }, window: gatherFor, run: pass(world)
  })`
    }, {
      // What a pool is when it grows is read anew, which makes up for most of it.
      file: "cloud/lke/current.ts",
      line: "    if (unread.size === 0) return { view, plan }",
      becomes: "    if (unread.size >= 0) return { view, plan }"
    }],
    tells: ["a node of a claim", "no more Linodes", "one claim"], lives: usual, likely: [174]
  },
  {
    name: "takes machines that a claim owns for garbage",
    edits: [{
      file: "cloud/lke/garbage.ts",
      line: "  pool.nodes.map((node) => node.id).filter((id) => !view.owners.has(id))",
      becomes: "  pool.nodes.map((node) => node.id).filter((id) => id !== undefined || view.owners.has(id))"
    }],
    tells: ["a node of a claim"], lives: usual, likely: []
  },
  {
    name: "gives a claim the node of one that is being deleted",
    edits: [{
      file: "cloud/lke/grow.ts",
      line: "    return pool.nodes.filter(({ id }) => !view.owners.has(id) && !view.heirs.has(id) && !sentenced.has(id))",
      becomes: "    return pool.nodes.filter(({ id }) => !view.heirs.has(id) && sentenced !== undefined && (view.owners.get(id) ?? []).every(({ deleting }) => deleting))"
    }],
    tells: ["a node of one claim", "a Node of a claim", "a node of a claim", "one claim", "limits"], lives: usual, likely: [7]
  },
  {
    name: "lets a claim go before its Linode is gone",
    edits: [{
      file: "controllers/nodeclaim/finalization.ts",
      line: '  if (deletion.is === "terminating") {',
      becomes: '  if (deletion.is === "terminating" && finalizers.length === 0) {'
    }],
    tells: ["one claim"], lives: usual, likely: [9]
  },
  {
    name: "evicts without asking PodDisruptionBudgets",
    edits: [{
      file: "controllers/node/evictionQueue.ts",
      line: "    const evict = (pod: Pod, entry: Entry) => kube.evict(pod.metadata, { uid: entry.uid }).pipe(",
      becomes: "    const evict = (pod: Pod, entry: Entry) => kube.delete(Pods, pod.metadata, { uid: entry.uid }).pipe("
    }],
    tells: ["no pod is evicted"], lives: usual, likely: [1]
  },
  {
    name: "evicts what is not to be disrupted",
    edits: [{
      file: "controllers/node/evictionQueue.ts",
      line: "        return isEvictable(pod, now) ? yield* evict(pod, entry) : yield* pause(entry)",
      becomes: "        return isEvictable(pod, now) || isActive(pod) ? yield* evict(pod, entry) : yield* pause(entry)"
    }],
    tells: ["no pod is evicted"], lives: usual, likely: [36]
  },
  {
    name: "takes pools as an old list has them",
    edits: [{
      file: "cloud/lke/current.ts",
      line: "    if (unread.size === 0) return { view, plan }",
      becomes: "    if (unread.size >= 0) return { view, plan }"
    }],
    tells: ["a node of a claim that nobody deleted"], lives: usual, likely: [10389740]
  },
  {
    name: "disrupts more nodes at once than the budget allows",
    edits: [{
      file: "apis/budgets.ts",
      line: "    .reduce((least, budget) => Math.min(least, value(budget, numNodes)), unlimited)",
      becomes: "    .reduce((least) => least, unlimited)"
    }],
    tells: ["disruption budgets"], lives: usual, likely: [64]
  },
  {
    name: "buys beyond a NodePool's limits",
    edits: [
      {
        file: "controllers/provisioning/limits.ts",
        line: "  if (over === undefined) return undefined",
        becomes: "  if (over === undefined || over !== \"\") return undefined"
      },
      {
        file: "controllers/provisioning/nodePools.ts",
        line: "    pools.push(pool)",
        becomes: "    const { limits, ...spec } = pool.spec\n    pools.push({ ...pool, spec })"
      }
    ],
    tells: ["limits"], lives: usual, likely: [6]
  },
  {
    name: "writes the token into errors",
    edits: [{
      file: "linode/failure.ts",
      line: "    detail: hide(detail, call, token).slice(0, longestDetail),",
      becomes: "    detail: `${detail} (${token})`.slice(0, longestDetail),"
    }],
    tells: ["the token"], lives: usual, likely: [1]
  },
  {
    name: "gives back every pool that no claim owns",
    edits: [
      {
        file: "cloud/lke/garbage.ts",
        line: "const made = (view: View): ReadonlyArray<Pool> => view.ours.filter((pool) => poolKeyOf(pool) !== undefined)",
        becomes: "const made = (view: View): ReadonlyArray<Pool> => view.pools"
      },
      {
        file: "cloud/lke/garbage.ts",
        line: "  view.ours.flatMap((pool) => pool.nodes.length === 0 ? [emptyPool(pool)] : unowned(view, pool))",
        becomes: "  view.pools.flatMap((pool) => pool.nodes.length === 0 ? [emptyPool(pool)] : unowned(view, pool))"
      },
      {
        file: "cloud/lke/garbage.ts",
        line: "  const key = poolKeyOf(pool)\n",
        becomes: '  const key = poolKeyOf(pool) ?? "none"\n'
      }
    ],
    tells: ["nothing of others"], lives: usual, likely: [3]
  },
  {
    name: "lets nodes live for ever",
    edits: [{
      file: "controllers/nodeclaim/expiration.ts",
      line: "      if (left > 0) return requeueAfter(left)",
      becomes: "      if (left !== Infinity) return done"
    }],
    tells: ["nodes live"], lives: usual, likely: [88]
  },
  {
    name: "forgets what DaemonSets take of a node",
    edits: [{
      file: "controllers/provisioning/solve.ts",
      line: "    daemonSets: caches.store(DaemonSets).list(),",
      becomes: "    daemonSets: caches.store(DaemonSets).list().slice(0, 0),"
    }],
    // It buys nodes that are too small, again and again.
    tells: ["every pod", "limits", "one claim"], lives: usual, likely: [6]
  },
  {
    name: "waits for pods past the deadline of their node",
    edits: [{
      file: "controllers/node/drain.ts",
      line: "  if (deadlineMillis === undefined) return false",
      becomes: "  if (deadlineMillis === undefined || nowMillis > 0) return false"
    }],
    tells: ["nodes live"], lives: usual, likely: [54]
  },
  {
    // Costs money, and never a pod: a claim that waits for a node of the key keeps all of them.
    name: "gives back at once what has no claim",
    edits: [{
      file: "cloud/requests.ts",
      line: "export const grace = 60_000 + requestLifetime",
      becomes: "export const grace = 0 * requestLifetime"
    }],
    tells: ["what no claim"], lives: usual, likely: [5]
  },
  {
    name: "calls a claim's Linode another name at each attempt",
    edits: [{
      file: "cloud/instance/order.ts",
      line: "    label: machineLabel(cluster.identity, claim),",
      becomes: '    label: machineLabel(cluster.identity, { metadata: { ...claim.metadata, uid: claim.metadata.resourceVersion ?? "" } }),'
    }],
    mode: "instance", tells: ["no more Linodes", "one claim"], lives: usual, likely: [1]
  },
  {
    name: "takes every Linode of a cluster of this name for its own",
    edits: [
      { file: "cloud/instance/tags.ts", line: "  instance.tags.includes(clusterTag(identity)) && !isLkes(instance)", becomes: '  identity !== "" && instance.tags.includes("lke-cluster-name=prod") && !isLkes(instance)' },
      { file: "cloud/instance/world.ts", line: "    linode.instances([clusterTag(cluster.identity)]),", becomes: "    linode.instances([clusterTag(cluster.identity)].slice(1))," }
    ],
    mode: "instance", tells: ["nothing of others"], lives: usual, likely: [1]
  },
  {
    name: "gives machines a token that has ended when they join",
    edits: [{
      file: "cloud/instance/bootstrap/token.ts",
      line: "export const tokenLifetimeMillis = 30 * 60_000",
      becomes: "export const tokenLifetimeMillis = 1_000"
    }],
    mode: "instance", tells: ["every pod", "one claim"], lives: usual, likely: [1]
  },
  {
    name: "takes one too many of a NodePool of a fixed size",
    edits: [{
      file: "controllers/static/surplus.ts",
      line: "    victims: ranked.slice(0, many)",
      becomes: "    victims: ranked.slice(0, many + 1)"
    }],
    tells: ["a node of a claim"], lives: usual, likely: [66, 205]
  }
]
