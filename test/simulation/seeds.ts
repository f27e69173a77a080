import type { Mode } from "./world.ts"

/**
 * Seeds of lives that went wrong once, and what it was. They are played again for ever. An edit of the world changes what a seed
 * means, so a seed that finds nothing any more is no proof of anything; it is kept all the same, since it costs little.
 */
export const failedOnce: Readonly<Record<Mode, Readonly<Record<number, string>>>> = {
  lke: {
    1: "consolidation that went in circles, since the scheduler put pods elsewhere than planned",
    57: "a machine given back under pods that came while its end had not begun",
    69: "a node that was leaving when a new leader came, and never drained",
    191: "(none: users who had deleted their node class with a budget in the way waited for ever)",
    475: "a machine given back under pods that a budget kept, since its claim had not come to be registered",
    481: "an eviction queue that forgot what it was told before it began",
    1164: "a whole pool deleted for a sentence that was carried out late, with a living node in it",
    711: "a deletion that was carried out when the node was to stay again",
    300271: "a second claim for pods, past their NodePool's limit, since the creation of the first got no answer",
    301831: "(none: a claim whose Node a user had deleted was counted as one that stays)",
    300750: "a pod deleted by a deadline of a node that was gone",
    500004: "a deletion that was carried out late, when the disruption that sent it had been called off",
    401470: "a machine taken from under pods, since its claim was deleted before its status named the node",
    401754: "a sentenced pool deleted while the node of a deleted claim drained",
    430600: "(none: a claim whose Node was gone was counted as one that is disrupted)",
    731651: "(none: a node that came late into a pool that was to go was to be kept for its grace)",
    10389740: "a pool that grew by an old list while it was being deleted"
  },
  instance: {
    1399: "a claim that named its first machine, and went before its second one, whose tags somebody had taken off"
  }
}
