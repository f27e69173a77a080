/**
 * The Node of a claim stays until its Linode is gone: without it Kubernetes takes its pods for ended, and starts them elsewhere, while
 * they still run.
 */
import type { Node } from "../../../src/kube/objects.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import type { MakeInvariant } from "../world.ts"
import { ClaimBook } from "./claimBook.ts"

export const nodesLast: MakeInvariant = () => {
  const book = new ClaimBook()
  return {
    name: "a Node of a claim stays until its Linode is gone",
    step: (world) => {
      book.follow(world)
      for (const { after, before, by, plural, program } of world.changes) {
        if (plural !== Nodes.plural || by !== "controller" || before === undefined || after !== undefined) continue
        const { metadata: { name }, spec } = before as Node
        const claim = [...book.claims.values()].find(({ status }) => status?.nodeName === name)
        const linode = Number(/^linode:\/\/(\d+)$/.exec(spec?.providerID ?? "")?.[1])
        if (claim === undefined || !world.cloud.instances.has(linode)) continue
        return `${program} let the Node ${name} go while its Linode ${linode} is there`
      }
      return undefined
    }
  }
}
