/** What instance mode cannot do with a LinodeNodeClass, and what it names that does not exist. */
import { Effect } from "effect"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import type { Linode } from "../../linode/linode.ts"
import { commonIssues, makeValidator as make } from "../validate.ts"
import type { Issues, Named } from "../validate.ts"
import { kubeletIssue } from "./bootstrap/kubelet.ts"
import { userDataIssue } from "./bootstrap/template.ts"
import { imageOf } from "./order.ts"

type Spec = LinodeNodeClass["spec"]

const server = "nodes run the version of the cluster's API server"
const disks = "a Linode is made with one disk that fills its plan, and swap"
const publicOnly = "a Linode is made with a public interface alone, and Linode asks for a subnet, not for a VPC"

/** Fields that would be silently ignored, and why they are. */
const unsupported: ReadonlyArray<readonly [field: string, found: (spec: Spec) => unknown, why: string]> = [
  ["spec.osDisk", ({ osDisk }) => osDisk, disks],
  ["spec.dataDisks", ({ dataDisks }) => dataDisks, disks],
  ["spec.configuration.kernel", ({ configuration }) => configuration?.kernel, "a Linode boots the kernel of its image"],
  ["spec.vpcID", ({ vpcID }) => vpcID, publicOnly],
  ["spec.ipv6Options", ({ ipv6Options }) => ipv6Options, "they are of a VPC interface, which Linodes are made without"],
  ["spec.lkeK8sVersion", ({ lkeK8sVersion }) => lkeK8sVersion === "" ? undefined : lkeK8sVersion, server]
]

const unsupportedIssues = (spec: Spec): Issues => unsupported.flatMap(([field, found, why]) => {
  const value = found(spec)
  return value === undefined ? [] : [{
    field, reason: "FieldNotSupported" as const, message: `found ${JSON.stringify(value)}, expected none in instance mode: ${why}`
  }]
})

/** What no user data can be made of. User data of the class's own takes the place of all that the kubelet's settings are in. */
const userDataIssues = ({ kubelet, userData = "" }: Spec): Issues => {
  const issue = userDataIssue(userData)
  if (issue !== undefined) return [{ field: "spec.userData", reason: "UserDataInvalid", message: issue }]
  const settings = userData === "" ? kubeletIssue(kubelet) : undefined
  return settings === undefined ? [] : [{ field: "spec.kubelet", reason: "UserDataInvalid", message: settings }]
}

/** One issue per field. Pure. */
export const validateNodeClass = (nodeClass: LinodeNodeClass, region: string, named: Named): Issues => [
  ...unsupportedIssues(nodeClass.spec),
  ...userDataIssues(nodeClass.spec),
  ...commonIssues({ ...nodeClass, spec: { ...nodeClass.spec, image: imageOf(nodeClass.spec) } }, region, named)
]

export const makeValidator = (linode: Linode["Service"], region: string) => make<object>(linode, {
  image: imageOf,
  more: () => Effect.succeed({}),
  issues: (nodeClass, named) => validateNodeClass(nodeClass, region, named)
})
