/** The tags of a machine: whose it is, what it was made of, and the user's own. */
import { nodeClassHash } from "../../apis/hash.ts"
import { label, providerGroup } from "../../apis/labels.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Instance } from "../../linode/models.ts"
import { claimTag, isSystemTag, providerTags } from "../tags.ts"
import type { InstanceClusterShape } from "./cluster.ts"

const madeOf = `${providerGroup}/made-of=`

/** What all machines of one cluster carry, and nothing else does. */
export const clusterTag = (identity: string): string => `${providerGroup}/cluster-id=${identity}`

const isLkes = ({ lke_cluster_id }: Instance): boolean => (lke_cluster_id ?? null) !== null

/** Whether the Linode is a machine of this cluster, in this mode. */
export const isOurs = (instance: Instance, identity: string): boolean =>
  instance.tags.includes(clusterTag(identity)) && !isLkes(instance)

/**
 * The same of one that may be the machine of the claim with this label, by which it is known though somebody took its tags off.
 */
export const isOursOrLabelled = (instance: Instance, identity: string, label: string): boolean =>
  isOurs(instance, identity) || (instance.label === label && !isLkes(instance))

/** Every tag of a new machine. */
export const machineTags = (
  { identity, name }: InstanceClusterShape, claim: NodeClaim, nodeClass: LinodeNodeClass
): ReadonlyArray<string> => [
  ...new Set([
    ...providerTags({
      cluster: name, nodePool: claim.metadata.labels?.[label.nodePool] ?? "", nodeClass: nodeClass.metadata.name
    }),
    claimTag(claim.metadata.name),
    clusterTag(identity),
    `${madeOf}${nodeClassHash(nodeClass.spec)}`,
    ...nodeClass.spec.tags ?? []
  ])
]

/** The hash of the class as it was when the machine was bought. */
export const classHashOf = ({ tags }: Instance): string | undefined =>
  tags.find((tag) => tag.startsWith(madeOf))?.slice(madeOf.length)

/** The user's own. */
export const userTagsOf = ({ tags }: Instance): ReadonlyArray<string> => tags.filter((tag) => !isSystemTag(tag))
