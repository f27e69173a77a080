/** The one metrics registry of the process, under Karpenter's names. */
import { Clock, Context, Effect, Exit, Layer } from "effect"
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, Summary } from "prom-client"

/** Bucket bounds in seconds that Karpenter uses for durations. */
export const durationBuckets: ReadonlyArray<number> = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3,
  3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60, 120, 150, 300, 450, 600
]

export type Labels = Readonly<Record<string, string>>

export interface CounterHandle { readonly inc: (labels?: Labels, by?: number) => void }
export interface GaugeHandle { readonly set: (labels: Labels, value: number) => void; readonly remove: (labels: Labels) => void; readonly reset: () => void }
export interface HistogramHandle { readonly observe: (labels: Labels, seconds: number) => void }

export class Metrics extends Context.Service<Metrics, {
  /** The same name gives the same metric; `karpenter_` is not added. */
  readonly counter: (name: string, help: string, labels: ReadonlyArray<string>) => CounterHandle
  readonly gauge: (name: string, help: string, labels: ReadonlyArray<string>) => GaugeHandle
  readonly histogram: (name: string, help: string, labels: ReadonlyArray<string>, buckets?: ReadonlyArray<number>) => HistogramHandle
  /** A summary with Karpenter's quantiles: 0, 0.5, 0.9, 0.99 and 1. */
  readonly summary: (name: string, help: string, labels: ReadonlyArray<string>) => HistogramHandle
  /** Counts and times one reconciliation under controller-runtime's metric names. */
  readonly timeReconcile: (controller: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** The registry in Prometheus' text format. */
  readonly exposition: Effect.Effect<string>
  readonly contentType: string
}>()("karpenter-linode/runtime/Metrics") {}

const make = (processMetrics: boolean) => Effect.sync(() => {
  const registry = new Registry()
  if (processMetrics) collectDefaultMetrics({ register: registry })
  const known = new Map<string, unknown>()
  const once = <A>(name: string, create: () => A): A => {
    const found = known.get(name) as A | undefined
    if (found !== undefined) return found
    const created = create()
    known.set(name, created)
    return created
  }
  const counter = (name: string, help: string, labels: ReadonlyArray<string>): CounterHandle => once(name, () => {
    const metric = new Counter({ name, help, labelNames: [...labels], registers: [registry] })
    return { inc: (values, by) => metric.inc({ ...values }, by ?? 1) }
  })
  const gauge = (name: string, help: string, labels: ReadonlyArray<string>): GaugeHandle => once(name, () => {
    const metric = new Gauge({ name, help, labelNames: [...labels], registers: [registry] })
    return {
      set: (values, value) => metric.set({ ...values }, value),
      remove: (values) => metric.remove({ ...values }),
      reset: () => metric.reset()
    }
  })
  const histogram = (
    name: string, help: string, labels: ReadonlyArray<string>, buckets: ReadonlyArray<number> = durationBuckets
  ): HistogramHandle => once(name, () => {
    const metric = new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] })
    return { observe: (values, seconds) => metric.observe({ ...values }, seconds) }
  })
  const summary = (name: string, help: string, labels: ReadonlyArray<string>): HistogramHandle => once(name, () => {
    const metric = new Summary({ name, help, labelNames: [...labels], percentiles: [0, 0.5, 0.9, 0.99, 1], registers: [registry] })
    return { observe: (values, seconds) => metric.observe({ ...values }, seconds) }
  })
  const reconciles = counter("controller_runtime_reconcile_total", "Reconciliations by controller and result.", ["controller", "result"])
  const seconds = histogram("controller_runtime_reconcile_time_seconds", "Duration of a reconciliation.", ["controller"])
  return Metrics.of({
    counter,
    gauge,
    histogram,
    summary,
    timeReconcile: (controller) => (effect) => Effect.gen(function*() {
      const start = yield* Clock.currentTimeMillis
      return yield* effect.pipe(Effect.onExit((exit) => Effect.map(Clock.currentTimeMillis, (end) => {
        reconciles.inc({ controller, result: Exit.isSuccess(exit) ? "success" : "error" })
        seconds.observe({ controller }, (end - start) / 1000)
      })))
    }),
    exposition: Effect.promise(() => registry.metrics()),
    contentType: registry.contentType
  })
})

/** With Node's process and garbage collector metrics, for the controller. */
export const layer: Layer.Layer<Metrics> = Layer.effect(Metrics, make(true))
/** Without them, for tests and the demo. */
export const layerQuiet: Layer.Layer<Metrics> = Layer.effect(Metrics, make(false))
