/** Objects that the tests of the API server in memory share. */
import type { ObjectMeta, Pod } from "../../src/kube/objects.ts"

export const pod = (name: string, spec: Partial<Pod["spec"]> = {}, metadata: Partial<ObjectMeta> = {}): Pod => ({
  metadata: { name, namespace: "default", ...metadata },
  spec: { containers: [{ name: "c", image: "pause" }], ...spec }
})
