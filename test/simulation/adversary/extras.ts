/**
 * What only some lives have: a StatefulSet, a DaemonSet, a NodePool of a fixed size, nodes that live for minutes only, corrected
 * prices, room kept free, and a user who gets the LinodeNodeClass wrong or changes tags at Linode. Drawn and played with chance of
 * their own, so lives without them are as they were.
 */
import { CapacityBuffers } from "../../../src/apis/capacityBuffer.ts"
import type { CapacityBuffer } from "../../../src/apis/capacityBuffer.ts"
import { LinodeNodeClasses } from "../../../src/apis/linodeNodeClass.ts"
import { NodeOverlays } from "../../../src/apis/nodeOverlay.ts"
import type { NodeOverlay } from "../../../src/apis/nodeOverlay.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import type { DaemonSet, PodDisruptionBudget, PodTemplateObject, Workload } from "../../../src/kube/objects.ts"
import { DaemonSets, PodDisruptionBudgets, PodTemplates, StatefulSets } from "../../../src/kube/resources.ts"
import type { Dice } from "../dice.ts"
import type { Stage, Who } from "../stage.ts"
import { minute, second } from "../stage.ts"

const user: Who = { by: "user" }
const most = 4

interface ShortLife {
  readonly expireAfter: string
  readonly terminationGracePeriod: string | undefined
}

export interface Extras {
  readonly statefulSet: Workload | undefined
  readonly daemonSet: DaemonSet | undefined
  /** How many nodes the NodePool `fixed` has in the end. */
  readonly fixed: number | undefined
  readonly shortLife: ShortLife | undefined
  readonly overlay: NodeOverlay | undefined
  readonly buffer: CapacityBuffer | undefined
  /** Somebody gets the LinodeNodeClass wrong for a while, and tags what is ours at Linode. */
  readonly clumsy: boolean
}

const podSpec = (name: string, cpu: string, grace: number, more: object = {}) => ({
  terminationGracePeriodSeconds: grace,
  containers: [{ name, image: "registry.k8s.io/pause:3.10", resources: { requests: { cpu, memory: "128Mi" } } }], ...more
})

const templateOf = (name: string, spec: object) => ({ metadata: { labels: { app: name } }, spec })

const statefulSet = (dice: Dice): Workload => ({
  apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "store", namespace: "default" },
  spec: {
    replicas: 0, selector: { matchLabels: { app: "store" } },
    template: templateOf("store", podSpec("store", dice.pick(["500m", "1"] as const), dice.pick([0, 10, 30] as const)))
  }
} as Workload)

const daemonSet = (dice: Dice): DaemonSet => ({
  apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "agent", namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: templateOf("agent", podSpec("agent", "100m", dice.pick([0, 10] as const),
      dice.happens(0.5) ? { tolerations: [{ operator: "Exists" }] } : {}))
  }
} as DaemonSet)

const overlay = (): NodeOverlay => ({
  apiVersion: "karpenter.sh/v1alpha1", kind: "NodeOverlay", metadata: { name: "discount" },
  spec: {
    requirements: [{ key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6-standard-4", "g6-dedicated-2"] }],
    priceAdjustment: "-40%"
  }
})

const buffer = (dice: Dice): CapacityBuffer => ({
  apiVersion: "autoscaling.x-k8s.io/v1beta1", kind: "CapacityBuffer", metadata: { name: "spare", namespace: "default" },
  spec: { podTemplateRef: { name: "spare" }, replicas: dice.int(1, 2) }
} as CapacityBuffer)

/** `gates` are those of the controller: without its gate a kind has no CRD to speak of. */
export const drawExtras = (stage: Stage, gates: string): Extras => {
  const dice = stage.diceOf("extras")
  const isOn = (gate: string): boolean => gates.includes(`${gate}=true`)
  const some = <A>(odds: number, make: () => A): A | undefined => dice.happens(odds) ? make() : undefined
  return {
    statefulSet: some(0.3, () => statefulSet(dice)),
    daemonSet: some(0.3, () => daemonSet(dice)),
    fixed: some(isOn("StaticCapacity") ? 0.6 : 0, () => dice.int(0, 2)),
    shortLife: some(0.2, () => ({
      expireAfter: dice.pick(["90s", "2m", "4m"] as const), terminationGracePeriod: dice.pick([undefined, "30s"])
    })),
    overlay: some(isOn("NodeOverlay") ? 0.5 : 0, overlay),
    buffer: some(isOn("CapacityBuffer") ? 0.5 : 0, () => buffer(dice)),
    clumsy: dice.happens(0.25)
  }
}

const usualLife = "720h"

/** The pool as it is while there is trouble. */
export const livingShort = (pool: NodePool, { shortLife }: Extras): NodePool => shortLife === undefined ? pool : {
  ...pool, spec: {
    ...pool.spec, template: {
      ...pool.spec.template, spec: {
        ...pool.spec.template.spec, expireAfter: shortLife.expireAfter,
        ...(shortLife.terminationGracePeriod === undefined ? {} : { terminationGracePeriod: shortLife.terminationGracePeriod })
      }
    }
  }
}

export const fixedPool = (replicas: number): NodePool => ({
  apiVersion: "karpenter.sh/v1", kind: "NodePool", metadata: { name: "fixed" },
  spec: {
    replicas,
    template: {
      spec: {
        requirements: [{ key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6-standard-1"] }],
        nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }, expireAfter: usualLife
      }
    },
    disruption: { consolidateAfter: "0s", budgets: [{ nodes: "100%" }] }
  }
} as NodePool)

export const setExtras = ({ server }: Stage, extras: Extras): void => {
  const { buffer: spare, daemonSet: agent, overlay: discount, statefulSet: store } = extras
  if (store !== undefined) {
    server.create(StatefulSets, store)
    server.create(PodDisruptionBudgets, {
      apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "store", namespace: "default" },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: "store" } } }
    } as PodDisruptionBudget)
  }
  if (agent !== undefined) server.create(DaemonSets, agent)
  if (discount !== undefined) server.create(NodeOverlays, discount)
  if (spare !== undefined) {
    server.create(PodTemplates, {
      apiVersion: "v1", kind: "PodTemplate", metadata: { name: "spare", namespace: "default" },
      template: templateOf("spare", podSpec("spare", "500m", 0))
    } as PodTemplateObject)
    server.create(CapacityBuffers, spare)
  }
}

/** What a LinodeNodeClass cannot be, or cannot be on a standard cluster. */
const mistakes = [
  { image: "private/404" }, { lkeK8sVersion: "v1.99.0" }, { placementGroup: { id: 404 } }, { tags: ["karpenter.sh/nodepool=x"] }
]
const withoutMistakes = { image: null, lkeK8sVersion: null, placementGroup: null, tags: ["team=a"] }

/** Each is taken back soon, and for good in the end. */
const startClumsy = (stage: Stage): void => {
  const dice = stage.diceOf("clumsy user")
  const { cloud, server } = stage
  const write = (spec: object): void => {
    stage.attempt(user, () => server.patch(LinodeNodeClasses, { name: "default" }, { spec }, { kind: "merge" }))
  }
  stage.every(() => dice.int(5 * second, 90 * second), () => {
    switch (dice.pick(["class", "pool", "instance"] as const)) {
      case "class": {
        const mistake = dice.pick(mistakes)
        stage.fault("user: spoils LinodeNodeClass", JSON.stringify(mistake))
        write(mistake ?? {})
        return void stage.after(dice.magnitude(second, minute), () => write(withoutMistakes))
      }
      case "pool": {
        const pool = dice.pick(stage.ourPools())
        if (pool === undefined) return
        stage.fault("user: tags a pool", String(pool.id))
        const tags = [...pool.tags, `cost=${dice.int(1, 9)}`]
        return void stage.act(user, () => cloud.updatePool(stage.cluster, pool, { tags }))
      }
      case "instance": {
        const node = dice.pick(stage.ourNodes())
        const instance = node && stage.instance(node)
        if (instance === undefined) return
        stage.fault("user: takes the tags off a Linode", instance.label)
        return stage.act(user, () => {
          instance.tags = []
        })
      }
    }
  })
  stage.after(stage.troubleEnds - stage.now, () => write(withoutMistakes))
}

/** They are edited while there is trouble, and as they are wanted in the end. */
export const startExtras = (stage: Stage, extras: Extras): void => {
  const { server } = stage
  const dice = stage.diceOf("extra users")
  const store = { name: "store", namespace: "default" }
  const scale = (replicas: number): void => {
    stage.note("user", `user scales store to ${replicas}`)
    stage.attempt(user, () => server.patch(StatefulSets, store, { spec: { replicas } }, { kind: "merge" }))
  }
  const edit = (what: string, f: () => void): void => {
    stage.fault(`user: ${what}`, "")
    stage.attempt(user, f)
  }
  const resize = (replicas: number): void => edit("edit static NodePool", () =>
    server.patch(NodePools, { name: "fixed" }, { spec: { replicas } }, { kind: "merge" }))
  const deeds: ReadonlyArray<() => void> = [
    ...(extras.statefulSet === undefined ? [] : [() => scale(dice.int(0, most))]),
    ...(extras.fixed === undefined ? [] : [
      () => resize(dice.int(0, 3)),
      () => edit("edit static NodePool", () => server.patch(NodePools, { name: "fixed" }, {
        spec: { limits: { nodes: String(dice.int(1, 3)) } }
      }, { kind: "merge" }))
    ]),
    ...(extras.overlay === undefined ? [] : [() => edit("edit NodeOverlay", () =>
      server.patch(NodeOverlays, { name: "discount" }, {
        spec: { priceAdjustment: dice.pick(["+50%", "-40%", "-10%"]) }
      }, { kind: "merge" }))]),
    ...(extras.buffer === undefined ? [] : [() => edit("edit CapacityBuffer", () =>
      server.patch(CapacityBuffers, { name: "spare", namespace: "default" }, {
        spec: { replicas: dice.int(0, 3) }
      }, { kind: "merge" }))])
  ]
  if (extras.clumsy) startClumsy(stage)
  if (extras.statefulSet !== undefined) stage.after(dice.int(0, 20 * second), () => scale(dice.int(1, most)))
  if (deeds.length > 0) {
    const pace = dice.magnitude(10 * second, 90 * second)
    stage.every(() => dice.int(second, 2 * pace), () => dice.pick(deeds)?.())
  }
  stage.after(stage.troubleEnds - stage.now, () => {
    if (extras.statefulSet !== undefined) scale(dice.int(0, most))
    if (extras.shortLife === undefined && extras.fixed === undefined) return
    // A pool that was deleted is made again as it was at first: some minutes later it is as it should be.
    const settle = () => {
      if (extras.shortLife !== undefined) stage.attempt(user, () => server.patch(NodePools, { name: "default" }, {
        spec: { template: { spec: { expireAfter: usualLife } } }
      }, { kind: "merge" }))
      if (extras.fixed !== undefined) stage.attempt(user, () => server.patch(NodePools, { name: "fixed" }, {
        spec: { replicas: extras.fixed, limits: null }
      }, { kind: "merge" }))
      stage.after(minute, settle)
    }
    settle()
  })
}
