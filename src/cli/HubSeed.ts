/**
 * What an embedded hub is to hold, as data: from a file of the reader's, or made here for a demonstration. Applying it
 * again changes nothing that is right already.
 */
import { dirname, resolve } from "node:path"
import { Effect, Schema } from "effect"
import type { Hub } from "../hubsim/Dispatcher.ts"
import { seedBuilder, seedBuilds, seedChannels, seedPackages, seedTag, seedTarget, seedUser } from "../hubsim/Seed.ts"
import { readWhole } from "../inspect/Files.ts"
import { failure } from "./CommandFailed.ts"

const Names = Schema.Array(Schema.String)
const absent = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(schema)

/** The form of a seed file. Paths are relative to the file. */
export const HubSeed = Schema.Struct({
  users: absent(
    Schema.Array(Schema.Struct({ name: Schema.String, password: Schema.String, permissions: absent(Names) }))
  ),
  builders: absent(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        password: Schema.String,
        arches: Names,
        capacity: absent(Schema.Finite),
        channels: absent(Names)
      })
    )
  ),
  tags: absent(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        arches: absent(Schema.NullOr(Schema.String)),
        extra: absent(Schema.Record(Schema.String, Schema.Json)),
        /** The tags that it inherits, which come before it in the file; the most important first. */
        parents: absent(Names),
        /** Package names by group. */
        groups: absent(Schema.Record(Schema.String, Names))
      })
    )
  ),
  targets: absent(
    Schema.Array(Schema.Struct({ name: Schema.String, buildTag: Schema.String, destinationTag: Schema.String }))
  ),
  /** Packages of which builds may be tagged. */
  packages: absent(Schema.Array(Schema.Struct({ tag: Schema.String, names: Names }))),
  /** Directories of packages that become builds. */
  builds: absent(Schema.Array(Schema.Struct({ directory: Schema.String, tag: Schema.String })))
})
export type HubSeed = typeof HubSeed.Type

const seedBytesMax = 16 * 1024 * 1024
// A word that is mistyped would be a thing that is silently not there.
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(HubSeed), { onExcessProperty: "error" })

/** Reads a seed file. Fails with what is wrong with it. */
export const readSeed = Effect.fn("readSeed")(function* (file: string) {
  const bytes = yield* readWhole(file, seedBytesMax).pipe(
    Effect.mapError(({ message }) => failure(`${file}: ${message}`))
  )
  const seed = yield* decode(new TextDecoder().decode(bytes)).pipe(
    Effect.mapError(({ message }) => failure(`${file}: ${message}`))
  )
  const builds = seed.builds?.map(({ directory, tag }) => ({ directory: resolve(dirname(file), directory), tag }))
  return { ...seed, ...(builds === undefined ? {} : { builds }) } satisfies HubSeed
})

/** Brings the hub to what the seed says, in the order in which things depend on each other. */
export const applySeed = Effect.fn("applySeed")(
  function* (hub: Hub, seed: HubSeed) {
    yield* seedChannels(hub)
    for (const user of seed.users ?? []) yield* seedUser(hub, user)
    for (const builder of seed.builders ?? []) yield* seedBuilder(hub, builder)
    for (const tag of seed.tags ?? []) yield* seedTag(hub, tag)
    for (const target of seed.targets ?? []) yield* seedTarget(hub, target)
    for (const { tag, names } of seed.packages ?? []) yield* seedPackages(hub, tag, names)
    for (const build of seed.builds ?? []) yield* seedBuilds(hub, build)
  },
  Effect.mapError((fault) => failure(`the hub refuses its seed: ${fault.message}`))
)
