/** Where the demo's picture goes: a terminal that is redrawn in place, or plain lines for pipes and files. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { Happening, Scene } from "./scene.ts"
import { clock, colours, dollars, draw, happeningLine, plain } from "./picture.ts"

export interface Screen {
  /** Shows this moment. Called many times a second. */
  readonly show: (scene: Scene, news: ReadonlyArray<Happening>) => Effect.Effect<void>
  /** Lines that stay after the demo has ended. */
  readonly close: (lines: ReadonlyArray<string>) => Effect.Effect<void>
}

export interface Output {
  readonly write: (text: string) => void
  readonly rows: number
}

// What is written to a terminal to say: cursor hidden or shown, lines cut at its edge or wrapped, cleared, cursor home.
const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
const cutLines = "\u001b[?7l"
const wrapLines = "\u001b[?7h"
const clearScreen = "\u001b[2J"
const home = "\u001b[H"
const clearLine = "\u001b[K"
const clearBelow = "\u001b[J"

/** Redraws the terminal in place and gives it back as it was. */
export const terminal = (title: string, output: Output): Effect.Effect<Screen, never, Scope.Scope> => Effect.gen(function*() {
  yield* Effect.acquireRelease(
    Effect.sync(() => output.write(hideCursor + cutLines + clearScreen)),
    () => Effect.sync(() => output.write(wrapLines + showCursor))
  )
  const happenings: Array<Happening> = []
  let last: ReadonlyArray<string> = []
  const paint = (lines: ReadonlyArray<string>) =>
    output.write(home + lines.map((line) => line + clearLine).join("\n") + clearBelow)
  return {
    show: (scene, news) => Effect.sync(() => {
      happenings.push(...news)
      last = draw({ title, scene, happenings, rows: output.rows, paint: colours })
      paint(last)
    }),
    close: (lines) => Effect.sync(() => {
      paint(last)
      output.write(`\n\n${lines.join("\n")}\n`)
    })
  }
})

/** One line per happening, and one whenever the numbers of pods or nodes change. */
export const lines = (title: string, output: Output): Screen => {
  let started = false
  let summary = ""
  return {
    show: (scene, news) => Effect.sync(() => {
      if (!started) output.write(`${title}\n`)
      started = true
      for (const each of news) output.write(`${happeningLine(each, plain)}\n`)
      const count = (state: string) => scene.nodes.filter((node) => node.state === state).length
      const now = [
        `${scene.running} running, ${scene.pending} pending`,
        `nodes: ${["ordered", "joining", "ready", "draining", "leaving"].flatMap((state) => count(state) === 0 ? [] : [`${count(state)} ${state}`]).join(", ") || "none"}`,
        dollars(scene.hourlyPrice)
      ].join(" · ")
      if (now !== summary) output.write(`  ${clock(scene.elapsedMillis)}  ${now}\n`)
      summary = now
    }),
    close: (closing) => Effect.sync(() => output.write(`${closing.join("\n")}\n`))
  }
}

/** Says nothing: for `--output json`. */
export const silent: Screen = { show: () => Effect.void, close: () => Effect.void }
