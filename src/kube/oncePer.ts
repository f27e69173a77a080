/** What is worked out from an object that never changes, as none does that comes from a store or a reply. */

/** `work` for each object once: while the same object is asked about, the answer is the first one. Kept as long as the object. */
export const oncePer = <A extends object, B>(work: (object: A) => B): (object: A) => B => {
  const known = new WeakMap<A, { readonly value: B }>()
  return (object) => {
    let found = known.get(object)
    if (found === undefined) {
      found = { value: work(object) }
      known.set(object, found)
    }
    return found.value
  }
}
