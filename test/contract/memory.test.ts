import { crds } from "../../src/apis/crds.ts"
import { layerWith } from "../../src/kube/memory/layer.ts"
import { kubeContract } from "./suite.ts"

kubeContract("the API server in memory", () => layerWith({ crds, bookmarkEvery: "100 millis" }), { bookmarkWithin: 1_000 })
