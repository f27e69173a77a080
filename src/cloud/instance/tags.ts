/** The tags of a machine: whose it is, what it was made of, and the user's own. */
import { nodeClassHash } from "../../apis/hash.ts"
import { label, providerGroup } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Instance } from "../../linode/models.ts"
import { isSystemTag, providerTags } from "../tags.ts"
import type { InstanceClusterShape } from "./cluster.ts"

const madeOf = `${providerGroup}/made-of=`

/** What all machines of one cluster carry, and nothing else does. */
export const clusterTag = (identity: string): string => `${providerGroup}/cluster-id=${identity}`

/** Whether the Linode is a machine of this cluster, in this mode. */
export const isOurs = (instance: Instance, identity: string): boolean =>
  instance.tags.includes(clusterTag(identity)) && (instance.lke_cluster_id ?? null) === null

/** Every tag of a new machine. */
export const machineTags = ({ identity, name }: InstanceClusterShape, claim: NodeClaim, nodeClass: LinodeNodeClass): ReadonlyArray<string> => [
  ...new Set([
    ...providerTags({
      cluster: name, nodePool: claim.metadata.labels?.[label.nodePool] ?? "", nodeClass: nodeClass.metadata.name
    }),
    clusterTag(identity),
    `${madeOf}${nodeClassHash(nodeClass.spec)}`,
    ...nodeClass.spec.tags ?? []
  ])
]

/** The hash of the class as it was when the machine was bought. */
export const classHashOf = ({ tags }: Instance): string | undefined => tags.find((tag) => tag.startsWith(madeOf))?.slice(madeOf.length)

/** The user's own. */
export const userTagsOf = ({ tags }: Instance): ReadonlyArray<string> => tags.filter((tag) => !isSystemTag(tag))
