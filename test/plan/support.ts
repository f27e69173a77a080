/** Objects written short, and a plan for them. */
import { Effect } from "effect"
import type { BadInput } from "../../src/commands/plan/badInput.ts"
import { readCatalog } from "../../src/commands/plan/catalog.ts"
import { readDocuments } from "../../src/commands/plan/documents.ts"
import { planJson } from "../../src/commands/plan/json.ts"
import type { PlanJson } from "../../src/commands/plan/json.ts"
import { makePlan } from "../../src/commands/plan/makePlan.ts"
import type { Made } from "../../src/commands/plan/makePlan.ts"
import type { PlanOptions } from "../../src/commands/plan/options.ts"

export type Fields = Readonly<Record<string, unknown>>

export const standard: PlanOptions = {
  files: [], catalog: undefined, region: { flag: "us-ord", variable: undefined }, output: "json", searchMillis: 0,
  preferencePolicy: "Respect", minValuesPolicy: "Strict", nodePrice: 0.001, defaultConstraints: [], memoryShare: undefined, consolidate: undefined
}

export const nodePool = (name = "default", spec: Fields = {}, template: Fields = {}): Fields => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name },
  spec: {
    ...spec,
    template: {
      spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }, ...template }
    }
  }
})

export const podSpec = (requests: Fields = { cpu: "500m", memory: "512Mi" }, spec: Fields = {}): Fields =>
  ({ containers: [{ name: "main", image: "example.com/main:1", resources: { requests } }], ...spec })

export const pod = (name: string, requests?: Fields, spec?: Fields, metadata: Fields = {}): Fields =>
  ({ apiVersion: "v1", kind: "Pod", metadata: { name, ...metadata }, spec: podSpec(requests, spec) })

export const workload = (kind: string, name: string, replicas: number | undefined, more: Fields = {}): Fields => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec() },
    ...more
  }
})

/** A Linode of 8 CPUs and 16 GiB that has joined. */
export const node = (name: string, labels: Fields = {}, more: { readonly metadata?: Fields; readonly spec?: Fields } = {}): Fields => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels }, ...more.metadata },
  spec: { providerID: `linode://${name}`, ...more.spec },
  status: {
    capacity: { cpu: "8", memory: "16Gi", "ephemeral-storage": "300Gi", pods: "110" },
    allocatable: { cpu: "8", memory: "15Gi", "ephemeral-storage": "270Gi", pods: "110" },
    conditions: [{ type: "Ready", status: "True" }]
  }
})

export const list = (...items: ReadonlyArray<Fields>): string => JSON.stringify({ apiVersion: "v1", kind: "List", items })

export const plan = Effect.fnUntraced(function*(
  text: string, options: Partial<PlanOptions> & { readonly catalogue?: unknown } = {}
): Effect.fn.Return<Made & { readonly json: PlanJson }, BadInput> {
  const { catalogue, ...others } = options
  const catalog = catalogue === undefined ? undefined : yield* readCatalog({ name: "catalog.json", text: JSON.stringify(catalogue) })
  const made = yield* makePlan(yield* readDocuments([{ name: "input.yaml", text }]), catalog, { ...standard, ...others })
  return { ...made, json: planJson(made.question, made.answer) }
})

/** Every problem of an input that cannot be used. */
export const problems = (text: string, options: Parameters<typeof plan>[1] = {}): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Effect.orDie(Effect.flip(plan(text, options))), (error) => error.problems)

/** The pods of a plan that got a place. */
export const placed = ({ existingNodes, newNodes }: PlanJson): ReadonlyArray<string> =>
  [...newNodes, ...existingNodes].flatMap((each) => each.pods).toSorted()
