/**
 * Linode's catalogue as it was when this version was made, for work without the API: `data/linode-types.json` and
 * `data/linode-regions.json`, which say of each row where it is from and which of its fields are estimated.
 */
import { Effect, Schema } from "effect"
import { LinodeType, Region } from "./models.ts"

const decode = <S extends Schema.Constraint & { readonly DecodingServices: never }>(
  row: S, load: () => Promise<{ readonly default: unknown }>
) =>
  Effect.promise(load).pipe(
    Effect.flatMap((file) => Schema.decodeUnknownEffect(Schema.Struct({ data: Schema.Array(row) }))(file.default)),
    Effect.map(({ data }) => data),
    // The files are part of the package: a bad one is a bug.
    Effect.orDie
  )

/** Read when it is run, not when this module is loaded. */
export const types: Effect.Effect<ReadonlyArray<LinodeType>> =
  decode(LinodeType, () => import("../../data/linode-types.json", { with: { type: "json" } }))

export const regions: Effect.Effect<ReadonlyArray<Region>> =
  decode(Region, () => import("../../data/linode-regions.json", { with: { type: "json" } }))
