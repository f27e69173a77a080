/** Which nodes tell what room there is on others: those whose kubelets were started by the same settings and user data. */
import { annotation, label } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { Store } from "../../kube/caches.ts"
import type { Node } from "../../kube/objects.ts"
import type { KubeletStart } from "../catalogue.ts"

/** User data of a class's own may give kubelets anything, whatever else the class says. */
const nameOf = ({ kubelet, userData = "" }: KubeletStart): string => JSON.stringify([kubelet ?? null, userData])

type Groups = ReadonlyMap<string, ReadonlyArray<Node>>

/** Only nodes that were made of a class as it is: others were given other settings, or none of ours. */
const grouped = (nodes: ReadonlyArray<Node>, classes: ReadonlyArray<LinodeNodeClass>): Groups => {
  const known = new Map(classes.map(({ metadata: { annotations, name }, spec }) =>
    [name, { hash: annotations?.[annotation.nodeClassHash], start: nameOf(spec) }]))
  const groups = new Map<string, Array<Node>>()
  for (const node of nodes) {
    const nodeClass = known.get(node.metadata.labels?.[label.nodeClass] ?? "")
    const madeOf = node.metadata.annotations?.[annotation.nodeClassHash]
    if (nodeClass === undefined || madeOf === undefined || madeOf !== nodeClass.hash) continue
    const group = groups.get(nodeClass.start)
    if (group === undefined) groups.set(nodeClass.start, [node])
    else group.push(node)
  }
  return groups
}

/** The same list while neither nodes nor classes changed. */
export const makeTellers = (nodes: Pick<Store<Node>, "list">, classes: Pick<Store<LinodeNodeClass>, "list">) => {
  const none: ReadonlyArray<Node> = []
  let last: {
    readonly nodes: ReadonlyArray<Node>
    readonly classes: ReadonlyArray<LinodeNodeClass>
    readonly groups: Groups
  } | undefined
  return (start: KubeletStart): ReadonlyArray<Node> => {
    const now = { nodes: nodes.list(), classes: classes.list() }
    if (last?.nodes !== now.nodes || last.classes !== now.classes) last = { ...now, groups: grouped(now.nodes, now.classes) }
    return last.groups.get(nameOf(start)) ?? none
  }
}
