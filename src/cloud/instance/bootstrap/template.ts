/**
 * The user's own user data (`LinodeNodeClass.spec.userData`): a text in which `{{ karpenter.<name> }}` stands for what this
 * launch knows. All else, cloud-init's own `{{ ds.* }}` too, is left as it is.
 */

/** What a template may name. */
export const templateNames = [
  "clusterName", "clusterEndpoint", "caBundle", "caCertHash", "token", "nodeName", "labels", "taints", "kubernetesVersion"
] as const

export type TemplateName = (typeof templateNames)[number]

const isTemplateName = (name: string): name is TemplateName => templateNames.some((known) => known === name)

/** From the braces to whatever closes them, so that what is misspelt is found too. */
const placeholder = /\{\{-?\s*karpenter\b([^{}]*)(\}\}|)/g

/** The name in what follows `karpenter`; undefined where it is not written as it must be. */
const nameIn = (rest: string, closed: boolean): string | undefined =>
  closed ? /^\.([A-Za-z][A-Za-z0-9]*)\s*-?$/.exec(rest)?.[1] : undefined

/** Why a text cannot be used as user data, for a person; undefined where it can. */
export const userDataIssue = (text: string): string | undefined => {
  for (const [found, rest, close] of text.matchAll(placeholder)) {
    const name = nameIn(rest!, close !== "")
    if (name === undefined || !isTemplateName(name)) {
      const names = templateNames.join(", ")
      return `found ${JSON.stringify(found.slice(0, 60))}, expected {{ karpenter.<name> }} with one of the names ${names}`
    }
  }
  return undefined
}

/** The text with every placeholder filled. `userDataIssue` has nothing against it. */
export const fillTemplate = (text: string, values: Readonly<Record<TemplateName, string>>): string =>
  text.replaceAll(placeholder, (found: string, rest: string, close: string) => {
    const name = nameIn(rest, close !== "")
    return name !== undefined && isTemplateName(name) ? values[name] : found
  })
