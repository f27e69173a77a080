/** What a kubeadm cluster tells those who are to join it, and Linodes of others that look like ours. Instance mode. */
import { ConfigMaps } from "../../../src/kube/resources.ts"
import { clusterInfo, rootCertificate } from "../../support/clusterAuthority.ts"
import { clusterName } from "../engine/program.ts"
import type { Stage } from "../stage.ts"
import { region } from "../stage.ts"

export const setSelfManaged = ({ cloud, server }: Stage): void => {
  for (const configMap of [rootCertificate(), clusterInfo()]) server.create(ConfigMaps, configMap)
  const owned = [`kubernetes.io/cluster/${clusterName}=owned`, "karpenter.sh/nodepool=default", `lke-cluster-name=${clusterName}`]
  cloud.addInstance({ label: "control-plane", type: "g6-standard-2", region, tags: ["team=a"] })
  // A cluster of the same name in the same account, and a machine that the Go provider left.
  cloud.addInstance({
    label: "default-abcde-0a1b2c3d4e", type: "g6-standard-2", region,
    tags: [...owned, "karpenter.k8s.linode/cluster-id=0123456789", "karpenter.sh/nodeclaim=default-abcde"]
  })
  cloud.addInstance({ label: "default-fghij-0f1e2d3c", type: "g6-standard-2", region, tags: owned })
}
