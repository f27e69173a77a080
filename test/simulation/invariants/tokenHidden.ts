/** Nothing that is logged, thrown or written contains the token. */
import type { MakeInvariant } from "../world.ts"

export const tokenHidden: MakeInvariant = () => ({
  name: "the token is never shown",
  step: ({ said, token }) => {
    if (said.length === 0) return undefined
    const encoded = Buffer.from(token).toString("base64")
    const shown = said.find((words) => words.includes(token) || words.includes(encoded))
    return shown === undefined ? undefined : `in ${shown.slice(0, 200)}`
  }
})
