/** The documents speak of the program as it is: names of metrics and events are the code's, links lead somewhere. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { conditionReasons, eventReasons } from "../src/kube/events.ts"

const root = resolve(import.meta.dirname, "..")
const read = (file: string): string => readFileSync(join(root, file), "utf8")
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, text: read(join("src", file)) }))
const reference = read("docs/REFERENCE.md")

/** The text of a chapter, up to the next of its rank. */
const chapter = (title: string): string => {
  const [, after = ""] = reference.split(`\n## ${title}\n`)
  return after.split("\n## ")[0]!
}

const sorted = (items: Iterable<string>): ReadonlyArray<string> => [...new Set(items)].toSorted()

/** `name type label,label` of each registration; undefined where the name cannot be read from the source. */
const registrations = sources.filter(({ file }) => file !== join("runtime", "metrics.ts")).flatMap(({ file, text }) => {
  const constants = new Map([...text.matchAll(/const (\w+) = "([^"]*)"/g)].map(([, name, value]) => [name!, value!]))
  return [...text.matchAll(/\.(counter|gauge|histogram|summary)\(\s*(?:(["`])([^"`]+)\2)?/g)].map(([, type, , name]) => ({
    file,
    type: type!,
    name: name?.replaceAll(/\$\{(\w+)\}/g, (_, constant: string) => constants.get(constant) ?? "?")
  }))
})

/** The registry's own, which every controller shares. */
const own = [...read("src/runtime/metrics.ts").matchAll(/= (counter|histogram)\("(controller_runtime_\w+)"/g)]
  .map(([, type, name]) => `${name} ${type}`)

describe("docs/REFERENCE.md", () => {
  it("is compared with a source that tells every metric's name", () => {
    assert.deepStrictEqual(registrations.filter(({ name }) => name === undefined || !/^karpenter_[a-z_]+$/.test(name)), [])
    assert.strictEqual(own.length, 2)
  })

  it("lists every metric that is registered, with its type, and no other", () => {
    const documented = [...chapter("Metrics").matchAll(/^\| `([a-z_]+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`)
    assert.deepStrictEqual(sorted(documented), sorted([...registrations.map(({ name, type }) => `${name} ${type}`), ...own]))
  })

  it("names every event reason: in the table those that are published, below it the others", () => {
    const events = chapter("Events")
    const [table = "", never = ""] = events.split("Reasons of Karpenter that this version never publishes")
    const published = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, reason]) => reason!)
    const controllers = sources.filter(({ file }) => file.startsWith("controllers"))
    const isPublished = (reason: string): boolean => controllers.some(({ text }) => text.includes(`reason: "${reason}"`))
    const transitions = controllers.flatMap(({ text }) =>
      [...text.matchAll(/reportTransitions\(\w+, \w+, \[([^\]]*)\]/g)].flatMap(([, list]) => list!.match(/\w+/g) ?? []))
    const unpublished = eventReasons.filter((reason) => !isPublished(reason))
    assert.isNotEmpty(transitions)
    assert.deepStrictEqual(sorted(published), sorted([...eventReasons.filter(isPublished), ...transitions]))
    assert.deepStrictEqual(sorted([...never.matchAll(/`(\w+)`/g)].map(([, reason]) => reason!)), sorted(unpublished))
    const known: ReadonlyArray<string> = [...eventReasons, ...conditionReasons]
    assert.deepStrictEqual(published.filter((reason) => !known.includes(reason)), [])
  })
})

describe("the documents", () => {
  const documents = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md")).map((file) => join("docs", file))]

  /** As GitHub names a heading's anchor. */
  const anchors = (text: string): ReadonlyArray<string> => [...text.matchAll(/^#+ (.+)$/gm)]
    .map(([, heading]) => heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-"))

  const leadsSomewhere = (from: string, link: string): boolean => {
    const [path = "", anchor] = link.split("#")
    const target = path === "" ? resolve(root, from) : resolve(root, dirname(from), path)
    return existsSync(target) && (anchor === undefined || anchors(readFileSync(target, "utf8")).includes(anchor))
  }

  it.each(documents)("%s has links that lead somewhere", (file) => {
    const links = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
    assert.deepStrictEqual(links.filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(file, link)), [])
  })
})
