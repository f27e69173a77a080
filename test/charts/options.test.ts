import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { load } from "js-yaml"
import { chart, given, hasHelm, kind, minimal, objects, one, template, type Values } from "./render.ts"

type Strings = Readonly<Record<string, string>>
interface Container {
  readonly name: string
  readonly env: ReadonlyArray<{ readonly name: string; readonly value?: string }>
  readonly envFrom: ReadonlyArray<Values>
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
  readonly volumeMounts?: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>
}
interface Metadata {
  readonly labels: Strings
  readonly annotations?: Strings
}
interface Deployment {
  readonly spec: Values & {
    readonly selector: { readonly matchLabels: Strings }
    readonly template: {
      readonly metadata: Metadata
      readonly spec: Values & { readonly containers: ReadonlyArray<Container> }
    }
  }
}

/** The Deployment's parts with these values. */
const deployed = (values: Values = {}) => {
  const { spec } = one(objects(...given(values)), "Deployment") as unknown as Deployment
  const { metadata, spec: pod } = spec.template
  const [controller, ...sidecars] = pod.containers
  const env = (name: string) => controller!.env.find((each) => each.name === name)?.value
  return { spec, metadata, pod, controller: controller!, sidecars, env }
}
const own = { matchLabels: { "app.kubernetes.io/name": "karpenter", "app.kubernetes.io/instance": "karpenter" } }
const checksum = "checksum/credentials"

describe("the values of the chart", () => {
  it("have nothing that is without effect", () => {
    const known = load(readFileSync(join(chart, "values.yaml"), "utf8")) as Values
    assert.doesNotHaveAnyKeys(known, ["webhook", "linodeDebug", "logOutputPaths", "logErrorOutputPaths"])
    assert.doesNotHaveAnyKeys(known["settings"], ["clusterCABundle", "lkeTagVerificationTimeout", "lkeRetryDelay"])
  })
})

if (hasHelm) {
  describe("what the chart's values add", () => {
    it("annotates every object but the Secret, and no pod, so that an annotation restarts nothing", () => {
      const all = objects(...given({ additionalAnnotations: { team: "a" }, serviceMonitor: { enabled: true } }),
        "--set", "settings.mode=instance", "--set", "region=us-ord")
      const without = all.filter(({ metadata }) => (metadata as Metadata).annotations?.["team"] !== "a")
      assert.deepStrictEqual(without.map((object) => object["kind"]), ["Secret"])
      const restarting = (values: Values) => deployed(values).metadata.annotations
      assert.deepStrictEqual(restarting({ additionalAnnotations: { team: "a" } }), restarting({}))
    })

    it("keeps the service account's own annotations beside those of all", () => {
      const values = { additionalAnnotations: { team: "a", b: "b" }, serviceAccount: { annotations: { team: "own" } } }
      const account = one(objects(...given(values)), "ServiceAccount")
      assert.deepStrictEqual((account["metadata"] as Metadata).annotations, { team: "own", b: "b" })
    })

    it("annotates pods beside the checksum of the token, and where there is none", () => {
      const podAnnotations = { "example.com/scrape": "true" }
      assert.hasAllKeys(deployed({ podAnnotations }).metadata.annotations, [checksum, "example.com/scrape"])
      assert.deepStrictEqual(deployed({ podAnnotations, credentialsSecretRef: "mine" }).metadata.annotations, podAnnotations)
    })

    it("labels pods, above the labels of all objects, and selects them as ever", () => {
      const { metadata, spec } = deployed({ podLabels: { a: "pod" }, additionalLabels: { a: "all", b: "all" } })
      assert.deepStrictEqual(metadata.labels, { ...own.matchLabels, a: "pod", b: "all" })
      assert.deepStrictEqual(spec.selector, own)
    })

    it("gives the controller's account more rights", () => {
      const rule = { apiGroups: ["example.com"], resources: ["things"], verbs: ["get"] }
      const all = objects(...given({ additionalClusterRoleRules: [rule] }))
      const roles = kind(all, "ClusterRole").filter(({ rules }) => JSON.stringify(rules).includes("example.com"))
      assert.lengthOf(roles, 1)
      assert.deepInclude(roles[0]!["rules"] as ReadonlyArray<unknown>, rule)
      assert.include((roles[0]!["rules"] as ReadonlyArray<Values>).map(({ resources }) => String(resources)), "pods/eviction")
      const name = (roles[0]!["metadata"] as Values)["name"]
      const bound = kind(all, "ClusterRoleBinding").filter(({ roleRef }) => (roleRef as Values)["name"] === name)
      const account = { kind: "ServiceAccount", name: "karpenter", namespace: "kube-system" }
      assert.deepStrictEqual(bound.map(({ subjects }) => subjects), [[account]])
    })

    it("has Prometheus read the Service's metrics, where that is wanted", () => {
      assert.lengthOf(kind(objects(), "ServiceMonitor"), 0)
      const all = objects(...given({
        additionalLabels: { release: "all" },
        serviceMonitor: { enabled: true, additionalLabels: { release: "prometheus" } }
      }))
      const [monitor, service] = [one(all, "ServiceMonitor"), one(all, "Service")]
      assert.include((monitor["metadata"] as Metadata).labels, { release: "prometheus", ...own.matchLabels })
      const { selector, endpoints, namespaceSelector } = monitor["spec"] as Values
      assert.deepStrictEqual(namespaceSelector, { matchNames: ["kube-system"] })
      assert.deepStrictEqual(endpoints, [{ port: "http-metrics", path: "/metrics" }])
      assert.include((service["metadata"] as Metadata).labels, (selector as typeof own).matchLabels)
      const { ports } = service["spec"] as { readonly ports: ReadonlyArray<Values> }
      assert.deepStrictEqual(ports.map(({ name }) => name), ["http-metrics"])
    })

    it("has Prometheus read the metrics in the way that is asked for", () => {
      const endpointConfig = { interval: "30s", path: "/other" }
      const all = objects(...given({ serviceMonitor: { enabled: true, endpointConfig } }))
      const { endpoints } = one(all, "ServiceMonitor")["spec"] as Values
      assert.deepStrictEqual(endpoints, [{ port: "http-metrics", ...endpointConfig }])
    })

    it("rolls out as the Deployment is told to", () => {
      assert.deepInclude(deployed().spec, { revisionHistoryLimit: 10, strategy: { rollingUpdate: { maxUnavailable: 1 } } })
      const strategy = { type: "Recreate", rollingUpdate: null }
      const { spec } = deployed({ revisionHistoryLimit: 0, strategy })
      assert.deepInclude(spec, { revisionHistoryLimit: 0, strategy: { type: "Recreate" } })
    })

    it("gives pods the network, the DNS and the user that are asked for", () => {
      const { pod } = deployed()
      assert.deepInclude(pod, { dnsPolicy: "ClusterFirst", securityContext: { fsGroup: 65532 } })
      assert.doesNotHaveAnyKeys(pod, ["hostNetwork", "dnsConfig", "volumes", "topologySpreadConstraints"])
      const dnsConfig = { options: [{ name: "ndots", value: "1" }] }
      assert.deepInclude(
        deployed({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet", dnsConfig, podSecurityContext: { fsGroup: 1 } }).pod,
        { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet", dnsConfig, securityContext: { fsGroup: 1 } }
      )
    })

    it("gives pods the time to stop that is asked for", () => {
      const found = (values?: Values) => deployed(values).pod["terminationGracePeriodSeconds"]
      assert.isUndefined(found())
      for (const asked of [null, 90, 0]) {
        assert.strictEqual(found({ terminationGracePeriodSeconds: asked }), asked ?? undefined)
      }
    })

    it("takes terms without a selector for the controller's own pods, and leaves selectors alone", () => {
      const spread = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }
      const other = { labelSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] } }
      const term = { topologyKey: "zone" }
      const weighted = (podAffinityTerm: Values) => ({ weight: 1, podAffinityTerm })
      const { pod } = deployed({
        topologySpreadConstraints: [spread, { ...spread, ...other }, { ...spread, labelSelector: {} }],
        affinity: {
          podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [weighted(term), weighted({ ...term, ...other })] },
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term, { ...term, ...other }] }
        }
      })
      assert.deepStrictEqual(pod["topologySpreadConstraints"],
        [{ ...spread, labelSelector: own }, { ...spread, ...other }, { ...spread, labelSelector: {} }])
      assert.deepInclude(pod["affinity"], {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            weighted({ ...term, labelSelector: own }), weighted({ ...term, ...other })
          ]
        },
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, labelSelector: own }, { ...term, ...other }]
        }
      })
    })

    it("mounts volumes in the controller, and in every sidecar unless it has something else there", () => {
      const mount = (name: string, mountPath: string) => ({ name, mountPath })
      const extraVolumes = [{ name: "a", emptyDir: {} }, { name: "b", emptyDir: {} }]
      const { pod, controller, sidecars } = deployed({
        extraVolumes,
        controller: {
          extraVolumeMounts: [mount("a", "/a")],
          sidecarVolumeMounts: [mount("b", "/b")],
          sidecarContainer: [
            { name: "one", image: "i", volumeMounts: [mount("b", "/a"), mount("b", "/own")] }, { name: "two", image: "i" }
          ]
        }
      })
      assert.deepStrictEqual(pod["volumes"], extraVolumes)
      assert.deepStrictEqual(controller.volumeMounts, [mount("a", "/a")])
      assert.deepStrictEqual(sidecars.map(({ name }) => name), ["one", "two"])
      assert.sameDeepMembers([...sidecars[0]!.volumeMounts ?? []], [mount("b", "/a"), mount("b", "/b"), mount("b", "/own")])
      assert.sameDeepMembers([...sidecars[1]!.volumeMounts ?? []], [mount("a", "/a"), mount("b", "/b")])
    })

    it("has sidecars as they are where nothing is mounted", () => {
      const sidecar = { name: "one", image: "i" }
      const { sidecars } = deployed({ controller: { sidecarContainer: [sidecar] } })
      assert.deepStrictEqual<unknown>(sidecars, [sidecar])
    })

    it("tells the process, the pod and the Service the same ports", () => {
      const controller = { metrics: { port: 9090 }, healthProbe: { port: 9091 } }
      const { env, controller: container } = deployed({ controller })
      assert.deepStrictEqual([env("METRICS_PORT"), env("HEALTH_PROBE_PORT")], ["9090", "9091"])
      const open = container.ports.map(({ name, containerPort }) => [name, containerPort])
      assert.deepStrictEqual(open, [["http-metrics", 9090], ["http", 9091]])
      const { ports } = one(objects(...given({ controller })), "Service")["spec"] as { readonly ports: ReadonlyArray<Values> }
      assert.deepStrictEqual(ports.map(({ port, targetPort }) => [port, targetPort]), [[9090, "http-metrics"]])
    })

    it("takes more variables from ConfigMaps and Secrets, above the credentials", () => {
      const envFrom = [{ configMapRef: { name: "mine" } }]
      const found = deployed({ controller: { envFrom } }).controller.envFrom
      assert.deepStrictEqual(found, [{ secretRef: { name: "karpl-credentials" } }, ...envFrom])
    })

    it("hands over how much memory is lost when somebody says so, also that none is", () => {
      const found = (settings: Values) => deployed({ settings }).env("VM_MEMORY_OVERHEAD_PERCENT")
      assert.isUndefined(found({}))
      for (const unsaid of ["", null]) assert.isUndefined(found({ vmMemoryOverheadPercent: unsaid }))
      for (const said of [0, "0", 0.075, "0.075"]) assert.strictEqual(found({ vmMemoryOverheadPercent: said }), String(said))
    })

    it("hands over how long a launch waits", () => {
      assert.strictEqual(deployed().env("LKE_CREATE_DEADLINE"), "10s")
      assert.strictEqual(deployed({ settings: { lkeCreateDeadline: "1m30s" } }).env("LKE_CREATE_DEADLINE"), "1m30s")
    })

    it("installs with the Go provider's values that have no effect", () => {
      const old = {
        webhook: { enabled: true, port: 8443, metrics: { port: 8001 } }, linodeDebug: 1,
        logOutputPaths: ["stdout"], logErrorOutputPaths: ["stderr"], topologySpreadConstraints: {},
        settings: { clusterName: "cluster", clusterCABundle: "x", lkeTagVerificationTimeout: "4s", lkeRetryDelay: "2s" }
      }
      assert.strictEqual(template(...minimal, ...given(old)), template(...minimal))
    })

    it.each<readonly [string, unknown]>([
      ["additionalAnnotations.a", true], ["additionalClusterRoleRules", {}], ["serviceMonitor.enabled", "yes"],
      ["serviceMonitor.additionalLabels.a", 1], ["serviceMonitor.endpointConfig", []], ["revisionHistoryLimit", "ten"],
      ["strategy", "Recreate"], ["podLabels.a", 1], ["podAnnotations.a", true], ["podSecurityContext", []],
      ["terminationGracePeriodSeconds", "30s"], ["hostNetwork", "true"], ["dnsPolicy", "Cluster"], ["dnsConfig", []],
      ["topologySpreadConstraints", { maxSkew: 1 }], ["extraVolumes", {}], ["controller.envFrom", {}],
      ["controller.extraVolumeMounts", {}], ["controller.sidecarVolumeMounts", {}],
      ["controller.sidecarContainer", { name: "one" }],
      ["controller.metrics.port", "http"], ["controller.healthProbe.port", 0],
      ["settings.lkeCreateDeadline", 10], ["settings.vmMemoryOverheadPercent", 1], ["settings.vmMemoryOverheadPercent", "7%"]
    ])("refuses %s = %j with one error that names it", (path, value) => {
      let message = ""
      try {
        template(...minimal, "--set-json", `${path}=${JSON.stringify(value)}`)
      } catch (error) {
        message = String(error)
      }
      const named = [...message.matchAll(/at '(.*?)'/gu)].map(([, where]) => where)
      assert.deepStrictEqual(named, [`/${path.replaceAll(".", "/")}`], message)
    })
  })
}
