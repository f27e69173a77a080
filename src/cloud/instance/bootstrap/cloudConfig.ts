/** cloud-init's documents (`#cloud-config`), written by a YAML library. What only the machine knows is left to cloud-init. */
import type { dump } from "js-yaml"

/** Where a document names the Linode's own id, which is not known when it is written. */
export const instanceIdMark = "@linode-id@"

export interface WrittenFile {
  readonly path: string
  readonly content: string
  /** Octal: `0600`. */
  readonly permissions: string
}

export interface CloudConfig {
  readonly hostname: string
  readonly files: ReadonlyArray<WrittenFile>
  /** Each a command with its arguments, run as root one after another. */
  readonly commands: ReadonlyArray<ReadonlyArray<string>>
}

/** Opening braces that jinja would take for its own become text. */
const plain = (text: string): string => text.replaceAll(/\{(?=[{%#])/g, "{{ '{' }}")

/** A document that cloud-init renders with jinja and carries out at the first boot. */
export const cloudConfig = (yaml: typeof dump, { hostname, files, commands }: CloudConfig): string => {
  const document = {
    hostname,
    fqdn: hostname,
    prefer_fqdn_over_hostname: true,
    preserve_hostname: false,
    write_files: files.map((file) => ({ ...file, owner: "root:root" })),
    runcmd: commands
  }
  const text = plain(yaml(document, { lineWidth: -1, noRefs: true }))
  return `## template: jinja\n#cloud-config\n${text.replaceAll(instanceIdMark, "{{ ds.meta_data.id }}")}`
}
