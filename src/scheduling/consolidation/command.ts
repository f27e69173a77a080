/** What was decided, as a command. */
import { NodeWriter, podRef } from "../newNode.ts"
import type { NewNode } from "../plan.ts"
import type { Attempt } from "./attempt.ts"
import type { Disruption, Move } from "./contract.ts"
import { nowhere } from "./scene.ts"
import type { World } from "./world.ts"

/** All of the attempts, each of which was made after those before it, as one command. */
export const commandOf = (world: World, attempts: ReadonlyArray<Attempt>): Disruption => {
  const { home, model, sites } = world
  const replace: Array<NewNode> = []
  // Who went to a node that goes later itself is moved once, to where it comes to be in the end.
  const moved = new Map<number, Move>()
  const numbers = new Map<string, number>()
  const taken = new Set(sites.map(({ node }) => node.name))
  const nameIn = (pool: string): string => {
    let number = numbers.get(pool) ?? 0
    let name = ""
    do name = `${pool}-${++number}`
    while (taken.has(name))
    numbers.set(pool, number)
    return name
  }
  let saved = 0
  for (const { cost, gone, launches, model: own, pods, to } of attempts) {
    const writer = new NodeWriter(own)
    saved += gone.reduce((sum, n) => sum + sites[n]!.candidate!.hourlyPrice, 0) - cost
    const move = (i: number, where: string): void => {
      moved.set(pods[i]!, { pod: podRef(model.problem.pods[pods[i]!]!), from: sites[home[pods[i]!]!]!.node.name, to: where })
    }
    for (const { node } of launches) {
      const name = nameIn(node.state.pool.name)
      replace.push({ ...writer.write(node), name })
      for (const i of node.pods) move(i, name)
    }
    pods.forEach((_, i) => {
      if (to[i] !== nowhere) move(i, sites[to[i]!]!.node.name)
    })
  }
  const key = ({ pod }: Move): string => `${pod.namespace}/${pod.name}`
  const moves = [...moved.values()].sort((a, b) => key(a) < key(b) ? -1 : 1)
  return {
    reason: moves.length === 0 ? "Empty" : "Underutilized",
    remove: attempts.flatMap(({ gone }) => gone.map((n) => sites[n]!.node.name)).sort(),
    replace,
    moves,
    hourlySavings: saved,
    podsMoved: moves.length
  }
}
