import type { RivalRun } from "../../bench/rival.ts"
import type { Labels, NodePool, Plan, PodRef, Problem, Requirement } from "../../src/scheduling/index.ts"

/** The rival leaves the default namespace out. */
const refOf = (name: string): PodRef => {
  const [namespace, own] = name.includes("/") ? name.split("/") as [string, string] : ["default", name]
  return { namespace, name: own }
}

export const keyOf = ({ name, namespace }: PodRef): string => `${namespace}/${name}`

export const keyOfName = (name: string): string => keyOf(refOf(name))

/** What Karpenter itself adds to a claim, and no node of ours has before it is there. */
const ownKeys = ["karpenter.sh/nodepool", "karpenter.test.sh/testnodeclass"]

/** The labels that a node gets from its NodePool, and from requirements on users' labels that leave one value. */
const labelsOf = (
  pool: NodePool | undefined, requirements: ReadonlyArray<Requirement>, wellKnown: ReadonlyArray<string>
): Labels => {
  const isUsers = (key: string): boolean => !wellKnown.includes(key) && !/(^|\.)(kubernetes\.io|karpenter\.sh)\//.test(key)
  return {
    ...Object.fromEntries(requirements.flatMap(({ key, operator, values = [] }) =>
      operator === "In" && values.length > 0 && isUsers(key) ? [[key, [...values].sort()[0]!]] : [])),
    ...pool?.spec.template.metadata?.labels
  }
}

const ofPool = (problem: Problem, name: string, requirements: ReadonlyArray<Requirement>) => {
  const pool = problem.nodePools.find(({ metadata }) => metadata.name === name)
  return {
    requirements,
    labels: labelsOf(pool, requirements, problem.wellKnownLabels ?? []),
    taints: pool?.spec.template.spec.taints ?? []
  }
}

/** What a run of the rival places, as a plan that leaves nothing out. Each node is priced by the cheapest that it may be. */
export const planOf = (problem: Problem, run: RivalRun): Plan => ({
  version: 1,
  newNodes: run.newNodeClaims.map(({ cheapest, instanceTypeOptions, nodePool, podNames, requirements }, i) => ({
    ...ofPool(problem, nodePool, requirements.filter(({ key }) => !ownKeys.includes(key))),
    name: `${nodePool}-${i}`,
    nodePool,
    instanceType: cheapest?.instanceType ?? "",
    zone: cheapest?.zone ?? "",
    capacityType: cheapest?.capacityType ?? "",
    hourlyPrice: cheapest?.price ?? 0,
    instanceTypeOptions,
    requests: {},
    pods: podNames.map(refOf),
    minValuesRelaxed: problem.options?.minValuesPolicy === "BestEffort"
  })),
  existingNodes: run.existingNodes.map(({ name, podNames }) => ({ name, pods: podNames.map(refOf) })),
  unschedulable: [],
  totals: { newNodes: run.newNodes, hourlyPrice: run.totalPrice, unschedulable: 0 }
})
