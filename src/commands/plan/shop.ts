/** Where the nodes of a plan come from: Linode's price list in a region, or the types of a given catalogue. */
import { Effect, Result } from "effect"
import { instanceTypesOf } from "../../cloud/instanceTypes.ts"
import { measure } from "../../cloud/nodeRoom.ts"
import { plansOf } from "../../cloud/plans.ts"
import type { Node } from "../../kube/objects.ts"
import * as snapshot from "../../linode/snapshot.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { BadInput } from "./badInput.ts"
import { badInput } from "./badInput.ts"
import type { Catalog } from "./catalog.ts"
import type { Inventory } from "./kinds.ts"
import type { PlanOptions } from "./options.ts"
import type { Shop } from "./question.ts"
import { chooseRegion } from "./region.ts"

export interface Opened {
  readonly shop: Shop
  readonly notes: ReadonlyArray<string>
}

/** Without a catalogue: the price list that this version was shipped with. A catalogue that names its zones has no region. */
export const openShop = Effect.fnUntraced(function*(
  catalog: Catalog | undefined,
  { memoryShare, region: given }: Pick<PlanOptions, "memoryShare" | "region">,
  inventory: Inventory
): Effect.fn.Return<Opened, BadInput> {
  if (catalog?._tag === "Given") {
    const { types, wellKnownLabels } = catalog
    const notes = given.flag === undefined ? [] : ["--region has no effect: the catalogue names the zones of its types"]
    return { shop: { types: () => types, wellKnownLabels, isForeign: true }, notes }
  }
  const regions = yield* snapshot.regions
  const chosen = chooseRegion(given, inventory, regions)
  if (Result.isFailure(chosen)) return yield* badInput(chosen.failure)
  const { note, region } = chosen.success
  const plans = plansOf({ id: region, tier: "standard" }, catalog?.types ?? (yield* snapshot.types), regions, [])
  const measured = measure(inventory.nodes as ReadonlyArray<Node>)
  const circumstances = { region, measured, memoryShare, soldOut: new Set<string>() }
  const known = new Map<string, ReadonlyArray<InstanceType>>()
  return {
    shop: {
      types: (kubelet) => {
        const key = JSON.stringify(kubelet ?? null)
        const types = known.get(key) ?? instanceTypesOf(plans, kubelet, circumstances)
        known.set(key, types)
        return types
      },
      wellKnownLabels: [],
      isForeign: false
    },
    notes: note === undefined ? [] : [note]
  }
})
