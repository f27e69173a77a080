/** Makes a failing problem small, so that a person sees what it is about. */
import type { Problem } from "../../src/scheduling/index.ts"

/** Every way to leave one thing out. */
const smaller = function*(problem: Problem): Generator<Problem> {
  for (let size = problem.pods.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < problem.pods.length; at += size) {
      yield { ...problem, pods: problem.pods.filter((_, i) => i < at || i >= at + size) }
    }
  }
  for (const node of problem.nodes) yield { ...problem, nodes: problem.nodes.filter((other) => other !== node) }
  for (const node of problem.nodes) {
    for (const pod of node.pods) {
      const emptier = { ...node, pods: node.pods.filter((each) => each !== pod) }
      yield { ...problem, nodes: problem.nodes.map((other) => other === node ? emptier : other) }
    }
  }
  for (const daemonSet of problem.daemonSets) {
    yield { ...problem, daemonSets: problem.daemonSets.filter((other) => other !== daemonSet) }
  }
  if (problem.nodePools.length > 1) {
    for (const pool of problem.nodePools) yield { ...problem, nodePools: problem.nodePools.filter((other) => other !== pool) }
  }
  for (const name of new Set(Object.values(problem.instanceTypes).flat().map((type) => type.name))) {
    const without = Object.entries(problem.instanceTypes)
      .map(([pool, types]) => [pool, types.filter((type) => type.name !== name)] as const)
    if (without.every(([, types]) => types.length > 0)) yield { ...problem, instanceTypes: Object.fromEntries(without) }
  }
}

/** The smallest problem found that still fails. */
export const shrink = async (problem: Problem, fails: (problem: Problem) => Promise<boolean>): Promise<Problem> => {
  for (const candidate of smaller(problem)) {
    if (await fails(candidate)) return shrink(candidate, fails)
  }
  return problem
}
