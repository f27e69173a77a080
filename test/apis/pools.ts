/** NodePools for tests: a small valid one with the given parts in place of its own. */
import type { NodePool } from "../../src/apis/nodePool.ts"

type Spec = NodePool["spec"]

export const pool = (
  spec: Partial<Spec> = {},
  template: Partial<Spec["template"]["spec"]> = {},
  metadata: Spec["template"]["metadata"] = {}
): NodePool => ({
  metadata: { name: "default" },
  spec: {
    template: {
      metadata,
      spec: {
        requirements: [],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" },
        expireAfter: "720h",
        ...template
      }
    },
    ...spec
  }
})
