/** What tests of the provisioner share. */
import { Effect } from "effect"
import { label } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { provisioner } from "../../../src/controllers/provisioning/provisioner.ts"
import type { NewNode } from "../../../src/scheduling/plan.ts"
import { all, huge, large, medium, NodeClaims, settle, small } from "../../cluster/world.ts"

/** The provisioner, for as long as the test lasts. */
export const start = Effect.forkScoped(provisioner).pipe(Effect.andThen(settle))

export const claims = Effect.map(all(NodeClaims), (found) => found.toSorted((a, b) => a.metadata.name < b.metadata.name ? -1 : 1))

/** Names of the types that a claim allows, cheapest first. */
export const typesOf = (claim: NodeClaim): ReadonlyArray<string> => {
  const values = claim.spec.requirements.find((one) => one.key === label.instanceType)?.values ?? []
  return [small, medium, large, huge].map((type) => type.name).filter((name) => values.includes(name))
}

/** A node of a plan, of types that hold it. */
export const planned = (name: string, instanceTypeOptions: ReadonlyArray<string> = ["medium"]): NewNode => ({
  name, nodePool: "default", instanceType: "medium", zone: "us-ord", capacityType: "on-demand", hourlyPrice: 1,
  instanceTypeOptions, requirements: [], labels: {}, taints: [], requests: {}, pods: [], minValuesRelaxed: false
})
