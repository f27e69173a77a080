/** `karpenter-linode plan`: what the controller would do with these objects, and what it would cost. */
import { Effect } from "effect"
import { readCatalog } from "./plan/catalog.ts"
import type { Catalog } from "./plan/catalog.ts"
import { readDocuments } from "./plan/documents.ts"
import type { Document } from "./plan/documents.ts"
import { planJson } from "./plan/json.ts"
import { everyPodHasAPlace, makePlan } from "./plan/makePlan.ts"
import { readOptions } from "./plan/options.ts"
import type { ConsolidateOptions, PlanOptions } from "./plan/options.ts"
import { readSource, readSources } from "./plan/sources.ts"
import { coloured, plain } from "./plan/page.ts"
import type { Page } from "./plan/page.ts"
import { planText } from "./plan/text.ts"

export const help = `karpenter-linode plan [-f FILE]... [flags]

Says which Linodes the controller would buy for the pods that wait, what they would cost, which pods go to nodes that
are there, and why a pod cannot be placed. It changes nothing.

  -f, --filename FILE        Kubernetes objects in YAML or JSON; a folder stands for its files, - for standard input; may be
                             repeated. Without it the cluster of the current kubeconfig is read
  --catalog FILE             instance types to choose from: Linode's reply of /linode/types, or a catalogue of your own
                             (docs/REFERENCE.md); default: the price list that came with this version
  --region REGION            whose prices hold; default: that of the nodes, else LINODE_REGION, else us-ord
  -o, --output text|json     json prints one object on standard output and nothing else
  --consolidate              says instead which nodes that are there could go now, what else would be bought for their pods, what
                             that saves, and why every other node stays
  --until-stable             with --consolidate: every command that would follow, until there is none
  --search-ms N              milliseconds to look for a cheaper plan; 0 for none (default 200, with --consolidate 60000)
  --node-price N             US dollars an hour that a node costs on top of its price when plans are compared; NODE_PRICE
  --consolidation-minimum-savings N, --consolidation-pod-price N
                             with --consolidate: what a command, and each pod that it moves, has to save, in US dollars an hour;
                             CONSOLIDATION_MINIMUM_SAVINGS, CONSOLIDATION_POD_PRICE
  --preference-policy Respect|Ignore      PREFERENCE_POLICY, as for the controller
  --min-values-policy Strict|BestEffort   MIN_VALUES_POLICY, as for the controller
  --scheduler-config YAML                 SCHEDULER_CONFIG, as for the controller
  --vm-memory-overhead-percent N          VM_MEMORY_OVERHEAD_PERCENT, as for the controller

  kubectl get nodepools,linodenodeclasses,nodeclaims,nodes,pods,ds,pdb,pvc,pv,sc,csinodes,ns -A -o json | karpenter-linode plan -f -

Ends with 0 when every pod has a place, with 2 when one has none, with 1 when the input cannot be used.
`

/** Resolves once the text has left the process. */
const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    stream.write(text, () => resume(Effect.void))
  })

const narrowest = 60
const usual = 100
const widest = 120

const pageOf = ({ columns, isTTY }: NodeJS.WriteStream, noColour: string | undefined): Page => ({
  // A terminal that does not know its width says 0.
  width: Math.min(widest, Math.max(narrowest, columns === undefined || columns === 0 ? usual : columns)),
  paint: isTTY === true && (noColour ?? "") === "" ? coloured : plain
})

const remark = (notes: ReadonlyArray<string>) => write(process.stderr, notes.map((note) => `note: ${note}\n`).join(""))

const notLookedAt = (kinds: ReadonlyArray<string>): string => `not looked at: ${kinds.join(", ")}`

const consolidation = Effect.fnUntraced(function*(
  documents: ReadonlyArray<Document>, catalog: Catalog | undefined, options: PlanOptions, how: ConsolidateOptions,
  env: Readonly<Record<string, string | undefined>>
) {
  const { consolidationJson, consolidationText, makeConsolidation } = yield* Effect.promise(() => import("./plan/consolidation.ts"))
  const made = yield* makeConsolidation(documents, catalog, options, how)
  const { ignored, notes, unplaced } = made
  const isText = options.output === "text"
  const who = unplaced === 1 ? "a pod that waits has" : `${unplaced} pods that wait have`
  const waiting = `${who} no place: plan without --consolidate says why`
  yield* remark([
    ...notes, ...(isText && ignored.length > 0 ? [notLookedAt(ignored)] : []), ...(unplaced === 0 ? [] : [waiting])
  ])
  yield* write(process.stdout, isText
    ? `${consolidationText(made, pageOf(process.stdout, env["NO_COLOR"])).join("\n")}\n`
    : `${JSON.stringify(consolidationJson(made))}\n`)
  return unplaced === 0 ? 0 : 2
})

/** Gives the exit code. */
export const plan = Effect.fnUntraced(function*(args: ReadonlyArray<string>, env: Readonly<Record<string, string | undefined>>) {
  const options = yield* readOptions(args, env)
  const catalog = options.catalog === undefined ? undefined : yield* Effect.flatMap(readSource(options.catalog), readCatalog)
  const documents = options.files.length === 0
    ? yield* Effect.flatMap(Effect.promise(() => import("./plan/live.ts")), ({ readCluster }) =>
      readCluster(env, options.defaultConstraints.length > 0))
    : yield* Effect.flatMap(readSources(options.files), readDocuments)
  if (options.consolidate !== undefined) return yield* consolidation(documents, catalog, options, options.consolidate, env)
  const made = yield* makePlan(documents, catalog, options)
  const { answer, ignored, notes, question } = made
  const isText = options.output === "text"
  yield* remark(isText && ignored.length > 0 ? [...notes, notLookedAt(ignored)] : notes)
  yield* write(process.stdout, isText
    ? `${planText(question, answer, pageOf(process.stdout, env["NO_COLOR"])).join("\n")}\n`
    : `${JSON.stringify(planJson(question, answer))}\n`)
  return everyPodHasAPlace(made) ? 0 : 2
})
