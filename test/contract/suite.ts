/**
 * What this project expects of an API server, whichever implements `Kube`: the one in memory and a real one, with our
 * CRDs installed, are held to the same. The namespaces `default` and `kube-public` must be there.
 */
import { layer } from "@effect/vitest"
import type { Layer } from "effect"
import type { Kube } from "../../src/kube/kube.ts"
import { customResources } from "./customResources.ts"
import { deletions } from "./deletions.ts"
import { objects } from "./objects.ts"
import { patches } from "./patches.ts"
import { watches } from "./watches.ts"

export interface ContractOptions {
  /** How long the server takes at most to send a bookmark, in milliseconds: a real one about a minute. */
  readonly bookmarkWithin?: number
}

/** Runs the contract on one server, in real time. A test touches nothing of another. */
export const kubeContract = <E>(name: string, makeLayer: () => Layer.Layer<Kube, E>, options: ContractOptions = {}): void =>
  layer(makeLayer(), { excludeTestServices: true, timeout: "30 seconds" })(`the contract of ${name}`, (it) => {
    objects(it)
    patches(it)
    watches(it, options.bookmarkWithin ?? 75_000)
    deletions(it)
    customResources(it)
  })
