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
  readonly columns: number
  readonly rows: number
}

// eslint-disable-next-line no-control-regex -- ESC starts the sequences that take no room on the screen.
const escapes = /\u001b\[[0-9;]*m/g

/** Cuts a line to the terminal's width without cutting a colour in half. */
const fit = (line: string, columns: number): string => {
  if (line.replace(escapes, "").length <= columns) return line
  let shown = 0
  let out = ""
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b[")) out += part
    else {
      out += part.slice(0, Math.max(0, columns - shown - 1))
      shown += part.length
    }
  }
  return `${out}\u001b[0m`
}

/** Redraws the terminal in place and gives it back as it was. */
export const terminal = (title: string, output: Output): Effect.Effect<Screen, never, Scope.Scope> => Effect.gen(function*() {
  yield* Effect.acquireRelease(
    Effect.sync(() => output.write("\u001b[?25l\u001b[2J")),
    () => Effect.sync(() => output.write("\u001b[?25h"))
  )
  const happenings: Array<Happening> = []
  let last: ReadonlyArray<string> = []
  const paint = (lines: ReadonlyArray<string>) =>
    output.write(`\u001b[H${lines.map((line) => `${fit(line, output.columns)}\u001b[K`).join("\n")}\u001b[J`)
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
