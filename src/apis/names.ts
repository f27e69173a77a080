/** Kubernetes' grammars of names: the patterns that the CRDs carry, and the full rules that a pattern cannot say. */

const name = "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
const domain = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"

export const qualifiedNamePattern = new RegExp(`^(${domain}/)?${name}$`, "u")
export const labelValuePattern = new RegExp(`^(${name})?$`, "u")

/** A name of at most 63 characters after an optional DNS subdomain of at most 253 and a slash: a label key, a taint key. */
export const isQualifiedName = (text: string): boolean => {
  const slash = text.indexOf("/")
  return qualifiedNamePattern.test(text) && text.length - slash - 1 <= 63 && slash <= 253
}

export const isLabelValue = (text: string): boolean => text.length <= 63 && labelValuePattern.test(text)
