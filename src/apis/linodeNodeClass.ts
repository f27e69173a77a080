/** LinodeNodeClass: what a Linode is made of. Served as v1 and v1alpha1 with one schema; stored as v1. */
import { Schema } from "effect"
import type { KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"
import { conditions, Quantity, StatedRequirement, type StatusOf } from "./common.ts"
import type { KindDefinition } from "./crd.ts"
import { KubeletConfiguration } from "./kubelet.ts"
import { providerGroup } from "./labels.ts"
import { linodeNodeClassRules } from "./rules.ts"
import { optional, required } from "./structural.ts"

export { KubeletConfiguration } from "./kubelet.ts"

const Id = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

const InstanceDisk = Schema.Struct({
  diskID: optional(Id, "Id of an existing disk."),
  size: required(Quantity, "Size of the disk."),
  label: optional(Schema.String, "Label of the disk."),
  filesystem: optional(Schema.Literals(["raw", "swap", "ext3", "ext4", "initrd"]), "File system of the disk.")
})

const DataDisks = Schema.Struct({
  sdb: optional(InstanceDisk, "Disk in slot sdb."),
  sdc: optional(InstanceDisk, "Disk in slot sdc."),
  sdd: optional(InstanceDisk, "Disk in slot sdd."),
  sde: optional(InstanceDisk, "Disk in slot sde."),
  sdf: optional(InstanceDisk, "Disk in slot sdf."),
  sdg: optional(InstanceDisk, "Disk in slot sdg."),
  sdh: optional(InstanceDisk, "Disk in slot sdh.")
})

const fixed = { rules: [linodeNodeClassRules.immutable] }

const Ipv6Options = Schema.Struct({
  enableSLAAC: optional(Schema.Boolean, "Whether the interface has an address by SLAAC.", fixed),
  enableRanges: optional(Schema.Boolean, "Whether the interface has IPv6 ranges.", fixed),
  isPublicIPv6: optional(Schema.Boolean, "Whether the IPv6 address is public.", fixed)
})

const PlacementGroup = Schema.Struct({
  id: required(Id, "Id of the placement group."),
  compliant_only: optional(Schema.Boolean, "Fail rather than place the Linode against the group's policy.")
})

// Linode takes no tag shorter than 3 characters or longer than 50.
const Tag = Schema.String.check(Schema.isMinLength(3), Schema.isMaxLength(50))

export const LinodeNodeClassSpec = Schema.Struct({
  authorizedKeys: optional(Schema.Array(Schema.String), "Instance mode: SSH keys of the root user.", { listType: "set" }),
  authorizedUsers: optional(
    Schema.Array(Schema.String),
    "Instance mode: Linode users whose SSH keys the root user gets.",
    { listType: "set" }
  ),
  image: optional(Schema.String, "Instance mode: image of the Linode, such as linode/ubuntu22.04."),
  backupsEnabled: optional(Schema.Boolean, "Instance mode: whether Linode's backup service is on."),
  tags: optional(
    Schema.Array(Tag),
    "Tags of the LKE pools and their Linodes, changed in place. The tags that the controller sets itself are refused.",
    { listType: "set" }
  ),
  firewallID: optional(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(-1)),
    "Firewall of the Linodes. LKE takes one on enterprise clusters only."
  ),
  osDisk: optional(InstanceDisk, "Instance mode: the disk that the Linode boots from."),
  dataDisks: optional(DataDisks, "Instance mode: more disks, by slot."),
  diskEncryption: optional(Schema.Literals(["enabled", "disabled"]), "Instance mode: whether disks are encrypted."),
  configuration: optional(
    Schema.Struct({ kernel: optional(Schema.String, "Kernel that the Linode boots.") }),
    "Instance mode: how the Linode boots."
  ),
  placementGroup: optional(PlacementGroup, "Instance mode: the placement group of the Linodes."),
  vpcID: optional(Id, "Instance mode: the VPC of the Linodes."),
  ipv6Options: optional(Ipv6Options, "Instance mode: IPv6 of the VPC interface. Cannot be changed."),
  swap_size: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), "Instance mode: size of the swap disk in MiB."),
  userData: optional(
    Schema.String.check(Schema.isMaxLength(16_384)),
    "Instance mode: user data of the Linodes, in place of the built-in one. Names such as karpenter.token in double braces stand for what the launch knows."
  ),
  kubelet: optional(
    KubeletConfiguration,
    "Kubelet settings that the room on a node is computed with. In instance mode kubelets are given them."
  ),
  lkeK8sVersion: optional(Schema.String, "LKE enterprise only: Kubernetes version of the nodes; must be the control plane's.")
}).annotate({ description: "What the Linodes are made of. Every field may be left out." })

export const LinodeNodeClassStatusSchema = Schema.Struct({
  conditions,
  linodeImages: optional(
    Schema.Array(Schema.Struct({
      id: required(Schema.String, "Id of the image."),
      deprecated: optional(Schema.Boolean, "Whether Linode has deprecated the image."),
      label: optional(Schema.String, "Label of the image."),
      requirements: optional(Schema.Array(StatedRequirement), "What nodes of this image are like.", { listType: "atomic" })
    })),
    "Images that the class resolves to.",
    { listType: "atomic" }
  )
}).annotate({ description: "What is known about the class." })

export interface LinodeNodeClass extends KubeObject {
  readonly spec: typeof LinodeNodeClassSpec.Type
  readonly status?: StatusOf<typeof LinodeNodeClassStatusSchema.Type>
}

export const LinodeNodeClasses =
  resource<LinodeNodeClass>("karpenter.k8s.linode/v1", "LinodeNodeClass", "linodenodeclasses", "Cluster")

export const linodeNodeClassDefinition: KindDefinition = {
  group: providerGroup,
  kind: "LinodeNodeClass",
  plural: "linodenodeclasses",
  shortNames: ["lnc", "lncs"],
  versions: ["v1", "v1alpha1"],
  description: "LinodeNodeClass says what the Linodes of a NodePool are made of.",
  spec: LinodeNodeClassSpec,
  status: LinodeNodeClassStatusSchema,
  specDefault: {},
  columns: [
    { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].status" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }
  ]
}
