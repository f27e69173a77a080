/**
 * Interns JSON values by walking them, so that no key string is ever built: equal values end at the same node. The child seen
 * last is kept beside the map, as neighbours in a list of pods are often alike.
 */
export class Trie {
  /** What the owner of the trie keeps at this node. */
  id = -1
  private kids: Map<string, Trie> | undefined = undefined
  private lastKey = ""
  private last: Trie | undefined = undefined

  step(key: string): Trie {
    if (this.last !== undefined && this.lastKey === key) return this.last
    this.kids ??= new Map()
    let node = this.kids.get(key)
    if (node === undefined) {
      node = new Trie()
      this.kids.set(key, node)
    }
    this.lastKey = key
    this.last = node
    return node
  }

  walk(value: unknown): Trie {
    if (typeof value === "string") return this.step(value)
    if (typeof value !== "object" || value === null) return this.step(`\u0001${String(value)}`)
    // The class annotation breaks the circle that inference would run in.
    let node: Trie
    if (Array.isArray(value)) {
      node = this.step("\u0001[")
      for (let i = 0; i < value.length; i++) node = node.walk(value[i])
    } else {
      node = this.step("\u0001{")
      const fields = value as { readonly [key: string]: unknown }
      for (const key in fields) if (fields[key] !== undefined) node = node.step(key).walk(fields[key])
    }
    return node.step("\u0001.")
  }
}
