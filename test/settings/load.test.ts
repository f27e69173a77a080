import { assert, describe, it } from "@effect/vitest"
import { Duration, Redacted, Result } from "effect"
import { readFileSync } from "node:fs"
import type { FeatureGates } from "../../src/settings/featureGates.ts"
import { settingsHelp } from "../../src/settings/help.ts"
import { read } from "../../src/settings/load.ts"
import type { Values } from "../../src/settings/table.ts"
import { table } from "../../src/settings/table.ts"

const minimum = { CLUSTER_NAME: "prod", LINODE_TOKEN: "s3cr3t-token" }

const good = (args: ReadonlyArray<string>, env: Record<string, string> = minimum): Values => {
  const result = read({ args, env })
  if (Result.isFailure(result)) assert.fail(result.failure.message)
  return result.success
}

const bad = (args: ReadonlyArray<string>, env: Record<string, string> = minimum) => {
  const result = read({ args, env })
  if (Result.isSuccess(result)) assert.fail("the settings were accepted")
  return result.failure
}

describe("settings", () => {
  it("need only a cluster's name and a token", () => {
    const values = good([])
    assert.strictEqual(values.clusterName, "prod")
    assert.strictEqual(Redacted.value(values.linodeToken), "s3cr3t-token")
    assert.strictEqual(Duration.toMillis(values.batchIdleDuration), 1_000)
    assert.strictEqual(Duration.toMillis(values.batchMaxDuration), 10_000)
    assert.strictEqual(values.metricsPort, 8080)
    assert.strictEqual(values.leaderElectionName, "karpenter-leader-election")
  })

  it("take a flag before a variable, and a variable before the default", () => {
    const env = { ...minimum, BATCH_IDLE_DURATION: "3s" }
    assert.strictEqual(Duration.toMillis(good([], env).batchIdleDuration), 3_000)
    assert.strictEqual(Duration.toMillis(good(["--batch-idle-duration=500ms"], env).batchIdleDuration), 500)
    assert.strictEqual(Duration.toMillis(good(["--batch-idle-duration", "1m30s"], env).batchIdleDuration), 90_000)
  })

  it("accept LINODE_REGION as well as CLUSTER_REGION, and the latter first", () => {
    assert.strictEqual(good([], { ...minimum, LINODE_REGION: "us-ord" }).clusterRegion, "us-ord")
    assert.strictEqual(good([], { ...minimum, LINODE_REGION: "us-ord", CLUSTER_REGION: "us-sea" }).clusterRegion, "us-sea")
  })

  it("treat an empty variable as absent, as charts write it", () => {
    assert.strictEqual(good([], { ...minimum, CLUSTER_REGION: "", LOG_LEVEL: "" }).logLevel, "info")
  })

  it("accept a bare boolean flag", () => {
    assert.isTrue(good(["--disable-leader-election"]).disableLeaderElection)
    assert.isFalse(good(["--disable-leader-election", "false"]).disableLeaderElection)
    assert.strictEqual(good(["--disable-leader-election", "--log-level", "debug"]).logLevel, "debug")
  })

  it("report everything that is wrong at once, each with its name, what was found and what was expected", () => {
    const error = bad(["--batch-max-duration=soon", "--no-such-flag", "--metrics-port"], {
      KARPENTER_MODE: "spaceship", VM_MEMORY_OVERHEAD_PERCENT: "-1", LINODE_URL: "nonsense"
    })
    assert.deepStrictEqual(error.problems.map((p) => [p.name, p.found]), [
      ["--no-such-flag", "unknown argument"],
      ["--metrics-port (METRICS_PORT)", "no value"],
      ["--cluster-name (CLUSTER_NAME)", "missing"],
      ["--mode (KARPENTER_MODE)", "\"spaceship\""],
      ["LINODE_TOKEN", "missing"],
      ["LINODE_URL", "\"nonsense\""],
      ["--vm-memory-overhead-percent (VM_MEMORY_OVERHEAD_PERCENT)", "\"-1\""],
      ["--batch-max-duration (BATCH_MAX_DURATION)", "\"soon\""]
    ])
    for (const problem of error.problems) assert.include(error.message, problem.expected)
  })

  it.each([
    ["consolidation of spot instances", { FEATURE_GATES: "SpotToSpotConsolidation=true" }, "Linode has no spot instances"],
    ["a gate that is neither on nor off", { FEATURE_GATES: "NodeRepair=maybe" }, "Name=true|false"],
    ["a malformed gate", { FEATURE_GATES: "NodeRepair" }, "Name=true|false"],
    ["dynamic resource allocation", { IGNORE_DRA_REQUESTS: "false" }, "true"],
    ["instance mode without a region", { KARPENTER_MODE: "instance" }, "--cluster-region (CLUSTER_REGION or LINODE_REGION): missing"],
    ["k3s without an address", { KARPENTER_MODE: "instance", CLUSTER_REGION: "us-ord", BOOTSTRAP: "k3s" }, "--cluster-endpoint (CLUSTER_ENDPOINT): missing"],
    ["another way to join", { BOOTSTRAP: "talos" }, "one of kubeadm, k3s"]
  ])("refuse %s and say what is possible", (_, env, expected) => {
    assert.include(bad([], { ...minimum, ...env }).message, expected)
  })

  it("ask nothing more in LKE mode, whatever is said for instances", () => {
    const values = good([], { ...minimum, BOOTSTRAP: "k3s", CLUSTER_ENDPOINT: "https://10.0.0.1:6443" })
    assert.strictEqual(values.mode, "lke")
    assert.strictEqual(good([]).bootstrap, "kubeadm")
  })

  it("report what instance mode lacks together with what is wrong", () => {
    const error = bad(["--mode=instance", "--bootstrap=k3s", "--metrics-port=x"])
    assert.deepStrictEqual(error.problems.map((p) => [p.name, p.found]), [
      ["--metrics-port (METRICS_PORT)", "\"x\""],
      ["--cluster-region (CLUSTER_REGION or LINODE_REGION)", "missing"],
      ["--cluster-endpoint (CLUSTER_ENDPOINT)", "missing"]
    ])
  })

  it.each([
    ["https://192.0.2.10:6443", "192.0.2.10:6443"],
    ["https://k8s.example.com", "k8s.example.com:443"],
    ["https://k8s.example.com/", "k8s.example.com:443"],
    ["k8s.example.com", "k8s.example.com:6443"],
    ["192.0.2.10:443", "192.0.2.10:443"],
    ["https://[2001:db8::1]:6443", "[2001:db8::1]:6443"],
    ["[2001:db8::1]", "[2001:db8::1]:6443"],
    ["K8s.Example.com:1", "k8s.example.com:1"]
  ])("read the endpoint %s as %s", (given, value) => {
    assert.strictEqual(good([`--cluster-endpoint=${given}`]).clusterEndpoint, value)
  })

  it.each(["http://192.0.2.10:6443", "https://", "https://a/b", "a b", "user@host", "host:port", "https://a?b", "a,b", "$(reboot)", "a:99999"])(
    "refuse the endpoint %s",
    (given) => assert.include(bad([`--cluster-endpoint=${given}`]).message, "expected an https URL or an address")
  )

  it("have Karpenter's feature gates with its defaults", () => {
    assert.deepStrictEqual(good([]).featureGates, {
      NodeRepair: false, NodeOverlay: false, StaticCapacity: false, CapacityBuffer: false, ReservedCapacity: true,
      SpotToSpotConsolidation: false
    })
  })

  it.each<readonly [string, Partial<FeatureGates>]>([
    ["NodeRepair=true", { NodeRepair: true }],
    [" NodeOverlay = true , StaticCapacity=1,", { NodeOverlay: true, StaticCapacity: true }],
    ["CapacityBuffer=true,ReservedCapacity=false,SpotToSpotConsolidation=false", { CapacityBuffer: true, ReservedCapacity: false }],
    ["NodeRepair=false", {}],
    ["DynamicResources=true,toString=true", {}],
    ["NodeRepair=true,NodeRepair=false", {}]
  ])("read the feature gates %j over the defaults and ignore names that nobody knows", (text, changed) => {
    assert.deepStrictEqual(good(["--feature-gates", text]).featureGates, { ...good([]).featureGates, ...changed })
    assert.deepStrictEqual(good([], { ...minimum, FEATURE_GATES: text }).featureGates, { ...good([]).featureGates, ...changed })
  })

  it("never repeat the token, even when it is not usable", () => {
    const error = bad(["--mode=x"], { CLUSTER_NAME: "", LINODE_TOKEN: "   " })
    assert.notInclude(JSON.stringify(error) + error.message, "   \"")
    assert.include(error.message, "LINODE_TOKEN: not usable")
  })

  const configuration = readFileSync(new URL("../../docs/CONFIGURATION.md", import.meta.url), "utf8")
  it.each(Object.values(table).flatMap((setting) => [...(setting.flag === undefined ? [] : [`--${setting.flag}`]), ...setting.env]))(
    "explain %s in --help and in docs/CONFIGURATION.md",
    (name) => {
      assert.include(settingsHelp, name)
      assert.include(configuration, `\`${name}\``)
    }
  )
})
