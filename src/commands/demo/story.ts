/** What the person in front of the demo does: applies the examples, scales up in two waves, then down to zero. */
import { Clock, Effect, Schema } from "effect"
import { loadAll } from "js-yaml"
import { readFile } from "node:fs/promises"
import { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { KubeObject, Workload } from "../../kube/objects.ts"
import { Deployments } from "../../kube/resources.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { Scene } from "./scene.ts"

/** The demo did not come to its end. */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { detail: Schema.String }) {
  override get message(): string {
    return `the demo failed: ${this.detail}`
  }
}

const examples = new URL("../../../examples/v1/", import.meta.url)

const manifests = (file: string): Effect.Effect<ReadonlyArray<KubeObject>, DemoFailed> => Effect.tryPromise({
  try: async () => loadAll(await readFile(new URL(file, examples), "utf8")) as ReadonlyArray<KubeObject>,
  catch: (cause) => new DemoFailed({ detail: `examples/v1/${file}: ${String(cause)}` })
})

const resources = { LinodeNodeClass: LinodeNodeClasses, NodePool: NodePools, Deployment: Deployments } as const

const apply = Effect.fnUntraced(function*(file: string) {
  const kube = yield* Kube
  for (const object of yield* manifests(file)) {
    const resource = resources[object.kind as keyof typeof resources]
    const namespaced = resource.namespaced ? { namespace: object.metadata.namespace ?? "default" } : {}
    yield* kube.create<KubeObject>(resource, { ...object, metadata: { ...object.metadata, ...namespaced } })
  }
})

export interface Stage {
  /** Tells the audience what is done. */
  readonly say: (text: string) => Effect.Effect<void>
  readonly scene: Effect.Effect<Scene, KubeError>
}

/** Both waves of the scale-up. */
export const waves: readonly [number, number] = [5, 14]

/** Longest simulated time for one step; the demo's own limit is in real seconds. */
const patience = 30 * 60_000

const waitFor = Effect.fnUntraced(function*(stage: Stage, what: string, reached: (scene: Scene) => boolean) {
  const end = (yield* Clock.currentTimeMillis) + patience
  while (!reached(yield* stage.scene)) {
    if ((yield* Clock.currentTimeMillis) > end) return yield* new DemoFailed({ detail: `waited half an hour for ${what}` })
    yield* Effect.sleep("1 second")
  }
})

const scale = Effect.fnUntraced(function*(stage: Stage, replicas: number) {
  const kube = yield* Kube
  yield* stage.say(`kubectl scale deployment inflate --replicas ${replicas}`)
  yield* kube.patch<Workload>(Deployments, { name: "inflate", namespace: "default" }, { spec: { replicas } }, { kind: "merge" })
})

/** Plays it to the end: succeeds once every pod ran and everything bought has been given back. */
export const story = Effect.fnUntraced(function*(stage: Stage) {
  for (const file of ["linodenodeclass.yaml", "nodepool.yaml", "inflate.yaml"]) {
    yield* stage.say(`kubectl apply -f examples/v1/${file}`)
    yield* apply(file)
  }
  for (const replicas of waves) {
    yield* scale(stage, replicas)
    yield* waitFor(stage, `${replicas} running pods`, (scene) => scene.running === replicas && scene.pending === 0)
    yield* Effect.sleep("20 seconds")
  }
  yield* scale(stage, 0)
  yield* waitFor(stage, "every Linode to be given back", (scene) => scene.running === 0 && scene.nodes.length === 0)
})
