/** All of `plan --consolidate`; loaded when it is asked for. */
export { makeConsolidation } from "./consolidate.ts"
export { consolidationJson } from "./consolidationJson.ts"
export { consolidationText } from "./consolidationText.ts"
