import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { load, loadAll } from "js-yaml"
import { CacheFeatures, CacheSelectors, layerCaches } from "../../src/kube/cacheLayer.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { Resource } from "../../src/kube/resources.ts"
import { chart, hasHelm, helm, kind, minimal, objects, one, template, type Values } from "./render.ts"

const values = load(readFileSync(join(chart, "values.yaml"), "utf8")) as Values
const schema = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as Values

const isRecord = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value)

/** Paths of the values, as far down as the schema describes them. */
const described = (said: Values, path = ""): ReadonlyArray<string> =>
  Object.entries(isRecord(said["properties"]) ? said["properties"] : {}).flatMap(([key, child]) => [
    path + key, ...isRecord(child) ? described(child, `${path}${key}.`) : []
  ])
const given = (map: Values, known: ReadonlySet<string>, path = ""): ReadonlyArray<string> =>
  Object.entries(map).flatMap(([key, child]) => [
    path + key,
    ...isRecord(child) && [...known].some((other) => other.startsWith(`${path}${key}.`))
      ? given(child, known, `${path}${key}.`)
      : []
  ])

describe("the values of the chart", () => {
  it("are all described by its schema, and no others", () => {
    const known = described(schema)
    assert.deepStrictEqual(given(values, new Set(known)).toSorted(), known.toSorted())
  })

  it("plan after 1 s without a new pod, and after 10 s at the latest", () => {
    assert.deepInclude(values["settings"], { batchIdleDuration: "1s", batchMaxDuration: "10s", mode: "lke" })
  })
})

if (hasHelm) {
  const only = (all: ReadonlyArray<Values>, name: string): string => JSON.stringify(one(all, name))

  describe("the chart of the CRDs", () => {
    it("installs CapacityBuffers only where it is told to, as a cluster may have them from others", () => {
      const crds = (...args: ReadonlyArray<string>): ReadonlyArray<string> => {
        const text = helm("template", "crds", `${chart}-crd`, ...args)
        return [...text.matchAll(/^  name: (\S+)$/gmu)].map(([, name]) => name!)
      }
      assert.lengthOf(crds(), 4)
      assert.notInclude(crds(), "capacitybuffers.autoscaling.x-k8s.io")
      assert.include(crds("--set", "capacityBuffers.install=true"), "capacitybuffers.autoscaling.x-k8s.io")
    })
  })

  describe("the chart", () => {
    it("renders what the walk-through needs from two values", () => {
      const all = objects()
      const deployment = only(all, "Deployment")
      assert.include(deployment, "\"name\":\"controller\"")
      assert.include(deployment, "\"app.kubernetes.io/name\":\"karpenter\"")
      assert.include(deployment, "{\"name\":\"CLUSTER_NAME\",\"value\":\"cluster\"}")
      assert.include(deployment, "{\"secretRef\":{\"name\":\"karpl-credentials\"}}")
      assert.include(only(all, "Secret"), "\"LINODE_TOKEN\":\"secret\"")
      assert.notInclude(only(all, "Secret"), "CLUSTER_REGION")
    })

    it("keeps the token out of every object but the Secret", () => {
      const others = objects("--set", "apiToken=not-for-all").filter((object) => object["kind"] !== "Secret")
      assert.notInclude(JSON.stringify(others), "not-for-all")
    })

    it("restarts the pods when the token changes", () => {
      const checksum = (token: string) =>
        /"checksum\/credentials":"([0-9a-f]{64})"/u.exec(only(objects("--set", `apiToken=${token}`), "Deployment"))?.[1]
      assert.isString(checksum("a"))
      assert.notStrictEqual(checksum("a"), checksum("b"))
    })

    it("takes the credentials from a Secret of the user's own", () => {
      const text = template("--set", "settings.clusterName=c", "--set", "credentialsSecretRef=mine")
      const all = loadAll(text) as ReadonlyArray<Values>
      assert.lengthOf(kind(all, "Secret"), 0)
      assert.include(only(all, "Deployment"), "{\"secretRef\":{\"name\":\"mine\"}}")
    })

    it("ignores token, address, version and region where there is such a Secret, and asks for none of them", () => {
      const own = ["--set", "settings.clusterName=c", "--set", "settings.mode=instance", "--set", "credentialsSecretRef=mine"]
      const ignored = ["apiToken=t", "apiURL=https://other.example", "apiVersion=v4", "region=us-ord"].flatMap((each) => ["--set", each])
      assert.strictEqual(template(...own, ...ignored), template(...own))
    })

    it("puts the region into the Secret when it is given", () => {
      assert.include(only(objects("--set", "region=us-ord"), "Secret"), "\"CLUSTER_REGION\":\"us-ord\"")
    })

    const instanceMode = ["--set", "settings.mode=instance", "--set", "region=us-ord"]
    const rights = (all: ReadonlyArray<Values>): ReadonlyArray<string> => kind(all, "Role").flatMap(({ metadata, rules }) =>
      (rules as ReadonlyArray<Record<"resources" | "resourceNames" | "verbs", ReadonlyArray<string> | undefined>>).map((rule) => {
        const { name, namespace } = metadata as Readonly<Record<string, string>>
        const bound = kind(all, "RoleBinding").some((binding) =>
          (binding["metadata"] as Values)["namespace"] === namespace && (binding["roleRef"] as Values)["name"] === name)
        return `${bound ? "" : "unbound "}${namespace} ${rule.verbs?.join()} ${rule.resources?.join()} ${rule.resourceNames?.join() ?? ""}`.trim()
      }))

    it("in mode instance may make tokens and read what kubeadm publishes, and never a Secret", () => {
      const all = objects(...instanceMode)
      assert.sameMembers([...rights(all)].filter((each) => !each.includes("leases")), [
        "kube-system create secrets", "kube-public get configmaps cluster-info"
      ])
      assert.include(only(all, "Deployment"), "{\"name\":\"KARPENTER_MODE\",\"value\":\"instance\"},{\"name\":\"BOOTSTRAP\",\"value\":\"kubeadm\"}")
      assert.notInclude(only(all, "Deployment"), "CLUSTER_ENDPOINT")
      assert.notInclude(JSON.stringify(kind(all, "ClusterRole")), "secrets")
    })

    it("in mode instance with k3s may make tokens and read the cluster's certificate", () => {
      const all = objects(...instanceMode, "--set", "settings.bootstrap=k3s", "--set", "settings.clusterEndpoint=https://192.0.2.10:6443")
      assert.sameMembers([...rights(all)].filter((each) => !each.includes("leases")), [
        "kube-system create secrets", "kube-system get configmaps kube-root-ca.crt"
      ])
      assert.include(only(all, "Deployment"), "{\"name\":\"CLUSTER_ENDPOINT\",\"value\":\"https://192.0.2.10:6443\"}")
    })

    it("has no word of joining in mode lke", () => {
      const text = JSON.stringify(objects("--set", "settings.clusterEndpoint=https://192.0.2.10:6443"))
      for (const word of ["BOOTSTRAP", "CLUSTER_ENDPOINT", "cluster-info", "-bootstrap"]) assert.notInclude(text, word)
    })

    it("hands the feature gates over, all off unless somebody turns one on", () => {
      const gates = (...args: ReadonlyArray<string>) =>
        /\{"name":"FEATURE_GATES","value":"([^"]*)"\}/u.exec(only(objects(...args), "Deployment"))?.[1]
      assert.strictEqual(gates(), "NodeRepair=false,NodeOverlay=false,StaticCapacity=false,CapacityBuffer=false")
      assert.include(gates("--set", "settings.featureGates.staticCapacity=true"), "StaticCapacity=true")
    })

    it("hands the scheduler's configuration over as JSON, and only where there is one", () => {
      const constraint = { maxSkew: 1, topologyKey: "a", whenUnsatisfiable: "ScheduleAnyway" }
      const config = { podTopologySpread: { defaultConstraints: [constraint] } }
      const deployment = only(objects("--set-json", `settings.schedulerConfig=${JSON.stringify(config)}`), "Deployment")
      const value = /\{"name":"SCHEDULER_CONFIG","value":"((?:[^"\\]|\\.)*)"\}/u.exec(deployment)?.[1]
      assert.deepStrictEqual(JSON.parse(JSON.parse(`"${value}"`) as string), config)
      assert.notInclude(only(objects(), "Deployment"), "SCHEDULER_CONFIG")
    })

    it.effect("may list and watch every kind that is cached, with default constraints and without", () => Effect.gen(function*() {
      const cached = new Set<string>()
      const kube = new Proxy({}, {
        get: (_, verb) => ({ group, plural }: Resource) => {
          if (verb === "list") cached.add(`${plural}.${group}`)
          return Effect.never
        }
      }) as Kube["Service"]
      const features = Layer.succeed(CacheFeatures, { nodeOverlays: true, capacityBuffers: true })
      const ground = Layer.mergeAll(Layer.succeed(Kube, kube), Layer.succeed(CacheSelectors, true), features)
      yield* Layer.build(layerCaches.pipe(Layer.provide(ground)))
      yield* Effect.yieldNow
      assert.isAbove(cached.size, 12)
      const allowed = new Set(kind(objects(), "ClusterRole")
        .filter(({ metadata }) => !(metadata as { readonly name: string }).name.endsWith("-admin"))
        .flatMap(({ rules }) => rules as ReadonlyArray<Record<"apiGroups" | "resources" | "verbs", ReadonlyArray<string>>>)
        .filter(({ verbs }) => ["list", "watch"].every((verb) => verbs.includes(verb)))
        .flatMap(({ apiGroups, resources }) => apiGroups.flatMap((group) => resources.map((plural) => `${plural}.${group}`))))
      assert.deepStrictEqual([...cached].filter((each) => !allowed.has(each)), [])
    }).pipe(Effect.scoped))

    it.each<readonly [string, ReadonlyArray<string>, string]>([
      ["no token", ["--set", "settings.clusterName=c"], "The API token needs to be set"],
      ["no cluster name", ["--set", "apiToken=t"], "The cluster's name needs to be set"],
      ["replicas in words", [...minimal, "--set", "replicas=two"], "/replicas"],
      ["a duration without unit", [...minimal, "--set", "settings.batchMaxDuration=10"], "/settings/batchMaxDuration"],
      ["mode instance without a region", [...minimal, "--set", "settings.mode=instance"], "The region to buy in needs to be set"],
      ["k3s without an address", [...minimal, ...instanceMode, "--set", "settings.bootstrap=k3s"], "The address of a k3s server needs to be set"],
      ["a way to join that is none", [...minimal, "--set", "settings.bootstrap=talos"], "/settings/bootstrap"],
      ["a mode that is none", [...minimal, "--set", "settings.mode=other"], "/settings/mode"]
    ])("refuses %s", (_, args, message) => {
      assert.throws(() => template(...args), message)
    })

    it("may not read Secrets, and may write leases only where it runs", () => {
      const all = objects()
      assert.notInclude(JSON.stringify(kind(all, "ClusterRole")), "secrets")
      assert.notInclude(JSON.stringify(kind(all, "ClusterRole")), "leases")
      assert.notInclude(JSON.stringify(kind(all, "ClusterRole")), "\"*\"")
      assert.include(only(all, "Role"), "karpenter-leader-election")
    })
  })
}
