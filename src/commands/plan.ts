/** `karpenter-linode plan`: what the controller would do with these objects, and what it would cost. */
import { Effect } from "effect"
import { readCatalog } from "./plan/catalog.ts"
import { readDocuments } from "./plan/documents.ts"
import { planJson } from "./plan/json.ts"
import { everyPodHasAPlace, makePlan } from "./plan/makePlan.ts"
import { readOptions } from "./plan/options.ts"
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
  --search-ms N              milliseconds to look for a cheaper plan; 0 for none (default 200)
  --node-price N             US dollars an hour that a node costs on top of its price when plans are compared; NODE_PRICE
  --preference-policy Respect|Ignore      PREFERENCE_POLICY, as for the controller
  --min-values-policy Strict|BestEffort   MIN_VALUES_POLICY, as for the controller
  --scheduler-config YAML                 SCHEDULER_CONFIG, as for the controller
  --vm-memory-overhead-percent N          VM_MEMORY_OVERHEAD_PERCENT, as for the controller

  kubectl get nodepools,nodes,pods,ds,pdb,pvc,pv -A -o json | karpenter-linode plan -f -

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

/** Gives the exit code. */
export const plan = Effect.fnUntraced(function*(args: ReadonlyArray<string>, env: Readonly<Record<string, string | undefined>>) {
  const options = yield* readOptions(args, env)
  const catalog = options.catalog === undefined ? undefined : yield* Effect.flatMap(readSource(options.catalog), readCatalog)
  const documents = options.files.length === 0
    ? yield* Effect.flatMap(Effect.promise(() => import("./plan/live.ts")), ({ readCluster }) =>
      readCluster(env, options.defaultConstraints.length > 0))
    : yield* Effect.flatMap(readSources(options.files), readDocuments)
  const made = yield* makePlan(documents, catalog, options)
  const { answer, ignored, notes, question } = made
  const isText = options.output === "text"
  const remarks = isText && ignored.length > 0 ? [...notes, `not looked at: ${ignored.join(", ")}`] : notes
  yield* write(process.stderr, remarks.map((note) => `note: ${note}\n`).join(""))
  yield* write(process.stdout, isText
    ? `${planText(question, answer, pageOf(process.stdout, env["NO_COLOR"])).join("\n")}\n`
    : `${JSON.stringify(planJson(question, answer))}\n`)
  return everyPodHasAPlace(made) ? 0 : 2
})
