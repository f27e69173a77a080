/**
 * An API server in memory: what kube-apiserver answers, and what the controllers of kube-controller-manager that this
 * project relies on do at once after it (garbage collection, namespaces, the status of PodDisruptionBudgets).
 *
 * Every method is synchronous, so nothing happens in the middle of a request. A request is refused by throwing a
 * Refusal. Objects that come out are the stored ones: frozen, and shared.
 *
 * What is not as in a cluster: a pod is bound by writing `spec.nodeName` (there is no binding subresource), nodes are not
 * tainted on arrival, everybody may do everything, and a kind stays when its definition is deleted.
 */
import type { DeleteOptions, EvictOptions, ListOptions, ObjectList, PatchOptions, WatchOptions } from "../kube.ts"
import type { KubeObject, ObjectMeta, Ref } from "../objects.ts"
import type { Resource } from "../resources.ts"
import { CustomResourceDefinitions, Namespaces, PodDisruptionBudgets, Pods } from "../resources.ts"
import { builtins } from "./builtins.ts"
import type { Sink } from "./collection.ts"
import { customKind } from "./customKind.ts"
import { checkPreconditions } from "./deletion.ts"
import { DisruptionController } from "./disruption.ts"
import { evict } from "./eviction.ts"
import {
  alreadyExists, badRequest, forbidden, invalid, methodNotAllowed, notFound, unknownResource, unsupportedPatch, versionOnCreate
} from "./failure.ts"
import { GarbageCollector } from "./gc.ts"
import { isObject, put, toJson } from "./json.ts"
import type { Stored } from "./json.ts"
import { inVersion } from "./kinds.ts"
import type { Kind } from "./kinds.ts"
import { matcher } from "./matching.ts"
import { created, named, nameSuffix } from "./metadata.ts"
import { initialNamespaces, NamespaceController } from "./namespaces.ts"
import { readPage } from "./paging.ts"
import { jsonPatch, mergePatch } from "./patch.ts"
import { Registry } from "./registry.ts"
import { scaleOf, withScale } from "./scale.ts"
import { Storage } from "./storage.ts"
import type { Changed } from "./storage.ts"
import { strategicPatch } from "./strategicPatch.ts"

export interface ApiServerOptions {
  /** The time, in milliseconds. */
  readonly now: () => number
  /** How many changes of a kind a watch can go back at least. */
  readonly history?: number
  /** Is told of every change, at the end of the request that made it. */
  readonly onChange?: (change: Changed) => void
}

export type AnyResource = Resource<never> | Resource

const patches = { merge: mergePatch, json: jsonPatch, strategic: strategicPatch } as const

/** The longest name that a generated one is cut to before the suffix comes. */
const longestPrefix = 248

export class ApiServer {
  /** What it calls itself; may be changed. */
  kubernetesVersion = "v1.36.3"
  readonly #storage: Storage
  readonly #registry: Registry
  readonly #now: () => number
  readonly #pods: Kind
  readonly #budgets: Kind
  readonly #namespaces: Kind
  readonly #definitions: Kind
  #uids = 0
  #suffixes = 0

  constructor(options: ApiServerOptions) {
    this.#now = options.now
    this.#storage = new Storage(options.history ?? 10_000)
    for (const kind of builtins) this.#storage.define(kind)
    this.#pods = this.#storage.of(Pods).kind
    this.#budgets = this.#storage.of(PodDisruptionBudgets).kind
    this.#namespaces = this.#storage.of(Namespaces).kind
    this.#definitions = this.#storage.of(CustomResourceDefinitions).kind
    const { onChange } = options
    this.#registry = new Registry(this.#storage, options.now, [
      new GarbageCollector(), new NamespaceController(this.#namespaces), new DisruptionController(this.#pods, this.#budgets),
      ...(onChange === undefined ? [] : [{ changed: onChange }])
    ])
    for (const name of initialNamespaces) this.create(Namespaces, { metadata: { name } })
  }

  /** The version of the last write. */
  get version(): string {
    return String(this.#storage.version)
  }

  /** Serves the kind that a CustomResourceDefinition defines. Throws where it has a CEL rule that is not known here. */
  install(crd: object): void {
    const definition = toJson(crd) as Stored
    const known = this.#storage.find(this.#definitions, { name: definition.metadata.name })
    if (known === undefined) this.create(CustomResourceDefinitions, definition)
    else {
      const { resourceVersion } = known.metadata
      this.update(CustomResourceDefinitions, put(definition, ["metadata", "resourceVersion"], resourceVersion) as Stored)
    }
  }

  get(resource: AnyResource, ref: Ref): Stored {
    const { kind } = this.#storage.of(resource)
    return inVersion(kind, this.#registry.find(kind, ref), resource.version)
  }

  list(resource: AnyResource, options: ListOptions = {}): ObjectList<Stored> {
    const collection = this.#storage.of(resource)
    const page = readPage(collection, matcher(collection.kind, options), options, this.#storage.version)
    if (resource.version === collection.kind.storageVersion) return page
    return { ...page, items: page.items.map((object) => inVersion(collection.kind, object, resource.version)) }
  }

  create(resource: AnyResource, object: KubeObject): Stored {
    const { kind } = this.#storage.of(resource)
    const given = named(kind, toJson(object) as Stored, resource.version)
    this.#checkNamespace(kind, given.metadata)
    if (given.metadata.resourceVersion !== undefined) throw versionOnCreate()
    const name = this.#nameOf(kind, given.metadata)
    if (this.#storage.find(kind, { ...given.metadata, name }) !== undefined) throw alreadyExists(kind, { name })
    const metadata = created(kind, given.metadata, name, ++this.#uids, this.#now())
    const kept = kind.status && kind.statusOnCreate === "dropped" ? put(given, ["status"], undefined) : given
    const next = toJson(kind.complete({ ...kept, metadata } as Stored, resource.version))
    this.#registry.validate(kind, next, undefined, resource.version)
    this.#define(kind, next)
    return this.#answer(kind, this.#storage.write(kind, next), resource.version)
  }

  update(resource: AnyResource, object: KubeObject, subresource?: "status"): Stored {
    const { kind } = this.#storage.of(resource)
    if (subresource === "status" && !kind.status) throw unknownResource()
    const given = named(kind, toJson(object) as Stored, resource.version)
    const old = this.#registry.find(kind, given.metadata)
    if (subresource === undefined) this.#define(kind, given)
    return this.#answer(kind, this.#registry.replace(kind, old, given, subresource, resource.version), resource.version)
  }

  patch(resource: AnyResource, ref: Ref, patch: unknown, options: PatchOptions): Stored {
    const { kind } = this.#storage.of(resource)
    if (options.kind === "strategic" && kind.custom) throw unsupportedPatch()
    const old = this.#registry.find(kind, ref)
    const apply = (target: Stored): Stored => {
      const result = toJson(patches[options.kind](target, toJson(patch)))
      if (!isObject(result) || !isObject(result["metadata"])) throw badRequest("a patch must leave an object")
      if (result["metadata"]["name"] !== ref.name) throw badRequest("the name of the object does not match the name on the URL")
      return result as Stored
    }
    if (options.subresource === "scale") {
      if (kind.scale === undefined) throw unknownResource()
      const next = withScale(kind.scale, old, apply(scaleOf(kind.scale, old)))
      const written = this.#registry.replace(kind, old, next, undefined, kind.storageVersion)
      return scaleOf(kind.scale, this.#answer(kind, written, kind.storageVersion))
    }
    if (options.subresource === "status" && !kind.status) throw unknownResource()
    const next = named(kind, apply(inVersion(kind, old, resource.version)), resource.version)
    if (options.subresource === undefined) this.#define(kind, next)
    return this.#answer(kind, this.#registry.replace(kind, old, next, options.subresource, resource.version), resource.version)
  }

  delete(resource: AnyResource, ref: Ref, options: DeleteOptions = {}): void {
    const { kind } = this.#storage.of(resource)
    const object = this.#registry.find(kind, ref)
    checkPreconditions(kind, object, options)
    this.#registry.erase(kind, object, options)
    this.#registry.settle()
  }

  evict(ref: Ref, options: EvictOptions = {}): void {
    evict(this.#pods, this.#budgets, this.#registry.find(this.#pods, ref), options, this.#registry.actions)
    this.#registry.settle()
  }

  /** Tells the sink of changes until the function that it returns is called. */
  watch(resource: AnyResource, options: WatchOptions, sink: Sink): () => void {
    const collection = this.#storage.of(resource)
    const matches = matcher(collection.kind, options)
    const asked = options.resourceVersion
    if (!/^\d*$/.test(asked)) throw badRequest(`Invalid value: ${JSON.stringify(asked)}: resourceVersion is not a number`)
    const since = asked === "" || asked === "0" ? undefined : Number(asked)
    return collection.watch(since, matches, resource.version, sink)
  }

  /** Sends every watch a bookmark. */
  bookmark(): void {
    for (const collection of this.#storage.collections()) collection.bookmark(this.#storage.version)
  }

  /** Forgets all history: a watch from an earlier version, and a list under way, fail as expired. */
  compact(): void {
    for (const collection of this.#storage.collections()) collection.compact(this.#storage.version)
  }

  /** Closes the watches of a kind, or all, as a server does that restarts. */
  breakWatches(resource?: AnyResource): void {
    const broken = resource === undefined ? [...this.#storage.collections()] : [this.#storage.of(resource)]
    for (const collection of broken) collection.breakWatches()
  }

  /** How many watches of a kind are open. */
  watchers(resource: AnyResource): number {
    return this.#storage.of(resource).watchers
  }

  #answer(kind: Kind, written: Stored, version: string): Stored {
    this.#registry.settle()
    return inVersion(kind, written, version)
  }

  #checkNamespace(kind: Kind, metadata: ObjectMeta): void {
    if (!kind.namespaced) return
    if (metadata.namespace === undefined) throw methodNotAllowed()
    const namespace = this.#storage.find(this.#namespaces, { name: metadata.namespace })
    if (namespace === undefined) throw notFound(this.#namespaces, { name: metadata.namespace })
    if (namespace.metadata.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${metadata.namespace} because it is being terminated`
      throw forbidden(kind, metadata, why)
    }
  }

  #nameOf(kind: Kind, { name, generateName }: Partial<ObjectMeta>): string {
    if (name !== undefined && name !== "") return name
    if (generateName !== undefined && generateName !== "") {
      return generateName.slice(0, longestPrefix) + nameSuffix(++this.#suffixes)
    }
    throw invalid(kind, { name: "" }, [{ field: "metadata.name", message: "Required value: name or generateName is required" }])
  }

  #define(kind: Kind, object: Stored): void {
    if (kind === this.#definitions) this.#storage.define(customKind(object))
  }
}
