/**
 * What cloud-init makes of user data: the files it writes and the commands it runs, its own placeholders filled. Only what a
 * machine needs to join a cluster: `#cloud-config` with `hostname`, `write_files` and `runcmd`, and plain scripts. Written
 * apart from what writes user data.
 */
import { CORE_SCHEMA, load } from "js-yaml"
import { Result } from "effect"
import { isRecord } from "../linode/poolRules.ts"

/** What the metadata service tells a Linode of itself. */
export interface Metadata {
  readonly id: number
  readonly label: string
  readonly region: string
  readonly type: string
}

export interface FirstBoot {
  readonly hostname: string
  readonly files: ReadonlyMap<string, string>
  /** Every command, and every script that one of them names, as text. */
  readonly runs: string
}

const templateHeader = "## template: jinja\n"

/** jinja as far as it is needed: names of the metadata, literals and comments. */
const render = (text: string, { id, label, region, type }: Metadata): Result.Result<string, string> => {
  const values: Readonly<Record<string, string>> = {
    "ds.meta_data.id": `${id}`, "ds.meta_data.label": label, "ds.meta_data.region": region, "ds.meta_data.type": type,
    "v1.instance_id": `${id}`, "v1.local_hostname": label, "v1.region": region
  }
  if (/\{%/.test(text)) return Result.fail("a template with statements, which are not understood here")
  const filled = text.replaceAll(/\{#[\s\S]*?#\}/g, "").replaceAll(/\{\{-?([\s\S]*?)-?\}\}/g, (_, inside: string) => {
    const name = inside.trim()
    const literal = /^'([^']*)'$|^"([^"]*)"$/.exec(name)
    if (literal !== null) return literal[1] ?? literal[2] ?? ""
    // cloud-init's own word for what it does not know.
    return values[name] ?? `CI_MISSING_JINJA_VAR/${name.split(".").at(-1) ?? ""}`
  })
  return Result.succeed(filled)
}

const commandText = (command: unknown): string => Array.isArray(command) ? command.map(String).join(" ") : String(command)

const contentOf = (file: Readonly<Record<string, unknown>>): Result.Result<string, string> => {
  const { content = "", encoding = "text/plain" } = file
  if (encoding === "text/plain") return Result.succeed(String(content))
  if (encoding === "b64" || encoding === "base64") return Result.succeed(Buffer.from(String(content), "base64").toString("utf8"))
  return Result.fail(`a file in the encoding ${String(encoding)}`)
}

const cloudConfig = (text: string, { label }: Metadata): Result.Result<FirstBoot, string> => Result.gen(function*() {
  const document = yield* Result.try({ try: () => load(text, { schema: CORE_SCHEMA }), catch: (error) => `no YAML: ${String(error)}` })
  if (!isRecord(document)) return yield* Result.fail("a cloud-config that is no mapping")
  const { hostname, runcmd = [], write_files: written = [] } = document
  if (!Array.isArray(written) || !written.every(isRecord)) return yield* Result.fail("write_files is no list of files")
  if (!Array.isArray(runcmd)) return yield* Result.fail("runcmd is no list")
  const files = new Map<string, string>()
  for (const file of written) files.set(String(file["path"]), yield* contentOf(file))
  const commands = runcmd.map(commandText).join("\n")
  const scripts = [...files].flatMap(([path, content]) => content.startsWith("#!") && commands.includes(path) ? [content] : [])
  return { hostname: typeof hostname === "string" ? hostname : label, files, runs: [commands, ...scripts].join("\n") }
})

/** Fails with why cloud-init would not have carried it out. */
export const firstBoot = (userData: string, metadata: Metadata): Result.Result<FirstBoot, string> => Result.gen(function*() {
  const isTemplate = userData.startsWith(templateHeader)
  const text = isTemplate ? yield* render(userData.slice(templateHeader.length), metadata) : userData
  if (text.startsWith("#!")) return { hostname: metadata.label, files: new Map(), runs: text }
  return text.startsWith("#cloud-config") ? yield* cloudConfig(text, metadata) : yield* Result.fail("user data of no kind that cloud-init knows")
})
