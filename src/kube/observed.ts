/** A Kube whose writes the caches know of before the writer goes on: controllers read their own writes. */
import { Effect, Layer } from "effect"
import type { Context } from "effect"
import { Caches } from "./caches.ts"
import { Kube } from "./kube.ts"

/** `kube` with every object that it returns for a write shown to `caches`. A delete is seen by the watch. */
export const observing = (
  kube: Context.Service.Shape<typeof Kube>,
  caches: Context.Service.Shape<typeof Caches>
): Context.Service.Shape<typeof Kube> => ({
  ...kube,
  create: (resource, object) => Effect.tap(kube.create(resource, object), (written) => caches.observe(resource, written)),
  update: (resource, object) => Effect.tap(kube.update(resource, object), (written) => caches.observe(resource, written)),
  updateStatus: (resource, object) =>
    Effect.tap(kube.updateStatus(resource, object), (written) => caches.observe(resource, written)),
  patch: (resource, ref, patch, options) => Effect.tap(
    kube.patch(resource, ref, patch, options),
    // A patch of `scale` returns a Scale, which is no object of this kind.
    (written) => options.subresource === "scale" ? Effect.void : caches.observe(resource, written)
  )
})

/** Takes a Kube and the Caches that it feeds, and gives the Kube that controllers use. */
export const layer: Layer.Layer<Kube, never, Kube | Caches> = Layer.effect(Kube, Effect.gen(function*() {
  return observing(yield* Kube, yield* Caches)
}))
