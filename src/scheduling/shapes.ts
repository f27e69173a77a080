/** The pods of a problem, interned: what each requests, what each demands. Rules look at a class, room at a request. */
import { keepAlive } from "./keepAlive.ts"
import { labelKeysIn, namespaceOf, speaksOfPods } from "./otherPods.ts"
import { podRequests } from "./podRequests.ts"
import type { DefaultConstraints } from "./defaultSpread.ts"
import type { Pod, PodSpec, Resources, SpreadConstraint } from "./problem.ts"
import { identityOfRequirements } from "./requirements.ts"
import { sharedClaims } from "./sharedVolumes.ts"
import { Trie } from "./trie.ts"
import { attachmentsOf } from "./volumeRoom.ts"
import type { AttachedClaim, VolumeDemand, Volumes } from "./volumes.ts"

/** Pods that ask for the same amounts in the same way. */
export interface Shape {
  readonly requests: Resources
  /** Why the requests cannot be read. */
  readonly invalid: string | undefined
}

/** Pods of which every rule says the same. */
export interface Example {
  /** One of them. */
  readonly pod: Pod
  readonly spreads: ReadonlyArray<SpreadConstraint>
  readonly volumes: VolumeDemand
  /** Its claims that other pods use too. */
  readonly shared: ReadonlyArray<AttachedClaim>
}

export interface Shapes {
  readonly shapes: ReadonlyArray<Shape>
  /** By pod: position in `shapes`. */
  readonly shapeOf: Int32Array
  /** By class. */
  readonly examples: ReadonlyArray<Example>
  /** By pod: its class. */
  readonly classOf: Int32Array
}

/** Pods after which others may have their turn. */
const podsAtOnce = 4096

/**
 * Pods of one class have equal demands; where somebody's rules look at labels, also equal values of the labels looked at and one
 * namespace. `bound` are the pods that run already, who may have such rules too.
 */
export function* shaping(
  pods: ReadonlyArray<Pod>, bound: ReadonlyArray<Pod>, volumes: Volumes, defaults: DefaultConstraints
): Generator<void, Shapes> {
  const amounts = new Trie()
  const demands = new Trie()
  const shapes: Array<Shape> = []
  const examples: Array<Example> = []
  const shapeOf = new Int32Array(pods.length)
  const classOf = new Int32Array(pods.length)
  const speakers: Array<Example> = []
  const isShared = sharedClaims([pods, bound], volumes)
  const read = (i: number): void => {
    const pod = pods[i]!
    const attached = volumes.of(pod)
    const own = isShared.size === 0 ? attached.claims : attached.claims.filter(({ claim }) => !isShared.has(claim))
    const shared = own.length === attached.claims.length ? none : attached.claims.filter(({ claim }) => isShared.has(claim))
    const amount = amountsOf(pod.spec, own, amounts)
    if (amount.id < 0) {
      amount.id = shapes.length
      shapes.push(shapeFrom(pod.spec, own))
    }
    shapeOf[i] = amount.id
    const spreads = defaults.constraintsFor(pod)
    const demand = demandsOf(pod.spec, spreads, attached, shared, demands)
    if (demand.id < 0) {
      demand.id = examples.length
      const example = { pod, spreads, volumes: attached, shared }
      examples.push(example)
      if (speaksOfPods(pod.spec) || spreads.length > 0) speakers.push(example)
    }
    classOf[i] = demand.id
  }
  for (let i = 0; i < pods.length; i++) {
    read(i)
    if ((i + 1) % podsAtOnce === 0) yield
  }
  keepAlive("shapes", [amounts, demands, volumes, defaults])
  const keys = labelKeysIn(speakers, bound)
  return keys === undefined ? { shapes, shapeOf, examples, classOf } : { shapes, shapeOf, ...yield* byLabels(pods, keys, examples, classOf) }
}

const none: ReadonlyArray<AttachedClaim> = []

/** Splits classes by namespace and by the values of the labels that rules look at. */
function* byLabels(
  pods: ReadonlyArray<Pod>, keys: ReadonlyArray<string>, examples: ReadonlyArray<Example>, classOf: Int32Array
): Generator<void, Pick<Shapes, "examples" | "classOf">> {
  const roots = examples.map(() => new Trie())
  const out: Array<Example> = []
  const split = new Int32Array(pods.length)
  for (let i = 0; i < pods.length; i++) {
    const pod = pods[i]!
    const labels = pod.metadata.labels
    let node = roots[classOf[i]!]!.step(namespaceOf(pod))
    for (let k = 0; k < keys.length; k++) node = node.step(labels?.[keys[k]!] ?? "\u0001")
    if (node.id < 0) {
      node.id = out.length
      out.push({ ...examples[classOf[i]!]!, pod })
    }
    split[i] = node.id
    if ((i + 1) % podsAtOnce === 0) yield
  }
  return { examples: out, classOf: split }
}

/** Where a trie has what a pod asks for, and how: the same place for pods that ask for the same amounts in the same way. */
export const amountsOf = (spec: PodSpec, claims: ReadonlyArray<AttachedClaim>, root: Trie): Trie => {
  let node = root
  for (const container of spec.containers) node = node.step("c").walk(container.resources)
  if (spec.initContainers !== undefined) {
    for (const { restartPolicy, resources } of spec.initContainers) node = node.step("i").step(restartPolicy ?? "").walk(resources)
  }
  if (spec.resources !== undefined) node = node.step("r").walk(spec.resources)
  if (spec.overhead !== undefined) node = node.step("o").walk(spec.overhead)
  for (const { driver } of claims) node = node.step("v").step(driver)
  return node
}

const demandsOf = (
  spec: PodSpec, spreads: ReadonlyArray<SpreadConstraint>, volumes: VolumeDemand, shared: ReadonlyArray<AttachedClaim>, root: Trie
): Trie => {
  let node = root
  if (spec.nodeSelector !== undefined) node = node.step("n").walk(spec.nodeSelector)
  if (spec.tolerations !== undefined) node = node.step("t").walk(spec.tolerations)
  if (spec.affinity !== undefined) node = node.step("a").walk(spec.affinity)
  if (spreads.length > 0) node = node.step("s").walk(spreads)
  for (const container of spec.containers) if (container.ports !== undefined) node = node.step("p").walk(container.ports)
  if (spec.initContainers !== undefined) {
    for (const container of spec.initContainers) {
      if (container.ports !== undefined && container.restartPolicy === "Always") node = node.step("p").walk(container.ports)
    }
  }
  if (volumes.refusal !== undefined) node = node.step("!").step(volumes.refusal)
  for (const alternative of volumes.alternatives) node = node.step("v").step(identityOfRequirements(alternative))
  for (const { claim } of shared) node = node.step("s").step(claim)
  return node
}

const shapeFrom = (spec: PodSpec, claims: ReadonlyArray<AttachedClaim>): Shape => {
  try {
    const requests = podRequests(spec)
    const negative = Object.keys(requests).find((name) => String(requests[name]).startsWith("-"))
    const invalid = negative === undefined ? undefined : `requests ${requests[negative]} ${negative}, less than nothing`
    return { requests: claims.length === 0 ? requests : { ...requests, ...attachmentsOf(claims) }, invalid }
  } catch (error) {
    return { requests: {}, invalid: error instanceof Error ? error.message : String(error) }
  }
}
