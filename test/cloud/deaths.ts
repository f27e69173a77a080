/** A program that ends at its n-th request: with the request carried out and its answer lost, never sent, or told to stop meanwhile. */
import { assert } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import { Caches } from "../../src/kube/caches.ts"
import { Kube } from "../../src/kube/kube.ts"
import { Linode } from "../../src/linode/linode.ts"
import type * as world from "./lkeWorld.ts"
import { play } from "./lkeWorld.ts"

export interface Death {
  /** At which request. */
  readonly at: number
  readonly how: "request carried out" | "request never sent" | "told to stop"
  requests: number
}

/** How long a request takes, so that the program is told to stop before it is carried out. */
const underWay = "100 millis"

/**
 * Every request of a service goes through here. The one that kills never returns, and none is sent after it; one at which
 * the program is told to stop goes on, as do those that follow.
 */
const mortal = <S extends object>(service: S, death: Death): S => {
  const through = (request: Effect.Effect<unknown, unknown>) => Effect.suspend(() => {
    death.requests++
    if (death.how === "told to stop") return Effect.andThen(Effect.sleep(underWay), request)
    if (death.requests < death.at) return request
    return death.requests === death.at && death.how === "request carried out" ? Effect.andThen(Effect.exit(request), Effect.never) : Effect.never
  })
  return Object.fromEntries(Object.entries(service).map(([name, member]: [string, unknown]) => {
    if (name === "watch") return [name, member]
    if (Effect.isEffect(member)) return [name, through(member as Effect.Effect<unknown, unknown>)]
    return [name, (...args: ReadonlyArray<unknown>) => through((member as (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>)(...args))]
  })) as S
}

const mortalServices = (death: Death) => Layer.effectContext(Effect.gen(function*() {
  const kube = yield* Kube
  const linode = yield* Linode
  return Context.make(Kube, mortal(kube, death)).pipe(Context.add(Linode, mortal(linode, death)))
}))

/** Runs the work in a program that may die, and drops everything that the program had when it is over or dead. Whether it was over. */
export const livesOf = <E0>(program: Layer.Layer<CloudProvider | Caches, E0, Kube | Linode>) => <A, E>(
  death: Death, work: (cloud: world.Provider) => Effect.Effect<A, E, Kube>
) => Effect.gen(function*() {
  const whole = Effect.scoped(Effect.gen(function*() {
    const context = yield* Layer.build(program.pipe(Layer.provideMerge(mortalServices(death))))
    yield* Context.get(context, Caches).synced
    return yield* work(Context.get(context, CloudProvider))
  }))
  const fiber = yield* Effect.forkChild(whole)
  yield* play(Effect.gen(function*() {
    while (fiber.pollUnsafe() === undefined && death.requests < death.at) yield* Effect.sleep("20 millis")
  }), "20 minutes")
  const finished = fiber.pollUnsafe() !== undefined
  yield* play(Fiber.interrupt(fiber))
  return finished
})

/** For a failed assertion. */
export const storyOf = ({ at, how }: Death): string => `ended at request ${at}: ${how}`

export const immortal = (): Death => ({ at: Infinity, how: "request never sent", requests: 0 })

const sudden = ["request carried out", "request never sent"] as const

/** A life for every request that it may end at, until one ends at none. */
export const everyDeath = <E, R>(
  oneLife: (death: Death) => Effect.Effect<boolean, E, R>, ways: ReadonlyArray<Death["how"]> = sudden
) => Effect.gen(function*() {
  for (const how of ways) {
    let lives = 0
    for (let at = 1; ; at++) {
      lives++
      if (yield* oneLife({ at, how, requests: 0 })) break
    }
    assert.isAbove(lives, 10)
  }
})
