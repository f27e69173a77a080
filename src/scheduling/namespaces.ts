/** The namespaces that a problem's pods live in, with their labels: what namespace selectors select from. */
import type { Labels, LabelSelector, Pod, Problem } from "./problem.ts"
import { selects } from "./selector.ts"

/** Every namespace has it, with its own name: the API server sees to that. */
const nameLabel = "kubernetes.io/metadata.name"

/**
 * Namespaces are gathered when the first selector asks, so a problem without namespace selectors pays nothing. Those without a
 * pod in the problem select nobody, whatever their labels.
 */
export class Namespaces {
  private readonly problem: Pick<Problem, "namespaces" | "nodes" | "pods">
  private labels: ReadonlyMap<string, Labels> | undefined
  private readonly known: Map<string, ReadonlyArray<string>> = new Map()

  constructor(problem: Pick<Problem, "namespaces" | "nodes" | "pods">) {
    this.problem = problem
  }

  /** The names, in order, of the namespaces that the selector selects. One that is not listed has its name as its only label. */
  matching(selector: LabelSelector): ReadonlyArray<string> {
    const identity = JSON.stringify(selector)
    let names = this.known.get(identity)
    if (names === undefined) {
      this.labels ??= gather(this.problem)
      names = [...this.labels].filter(([, labels]) => selects(selector, labels)).map(([name]) => name).sort()
      this.known.set(identity, names)
    }
    return names
  }
}

const gather = ({ namespaces, nodes, pods }: Pick<Problem, "namespaces" | "nodes" | "pods">): ReadonlyMap<string, Labels> => {
  const out = new Map<string, Labels>()
  for (const { metadata: { labels, name } } of namespaces ?? []) out.set(name, { [nameLabel]: name, ...labels })
  const take = (pod: Pod): void => {
    const name = pod.metadata.namespace ?? "default"
    if (!out.has(name)) out.set(name, { [nameLabel]: name })
  }
  pods.forEach(take)
  for (const node of nodes) node.pods.forEach(take)
  return out
}
