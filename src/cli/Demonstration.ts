/**
 * A small Koji to try things on: one user, one builder, one target, and a directory of packages to build with.
 *
 * Builds are tagged `demo-candidate`. What is built there, and what came from the directory (`demo-base`), is in the
 * buildroots of the next build, which are made of `demo-build`.
 */
import { randomBytes } from "node:crypto"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { readWhole } from "../inspect/Files.ts"
import { canonicalArch } from "../koji/Arch.ts"
import { failure } from "./CommandFailed.ts"
import type { HubSeed } from "./HubSeed.ts"

export const demo = { user: "demo", builder: "builder", target: "demo" } as const

const groupsBytesMax = 1024 * 1024
const passwordBytes = 18
const Groups = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Array(Schema.String)))

/** Files with the passwords, and what a builder of this hub needs to be told. */
export interface DemoFiles {
  readonly userPasswordFile: string
  readonly builderConfig: string
}

/**
 * The seed for the packages below `directory` (`RPMS/<arch>/*.rpm`, `SRPMS`, and `groups.json` with the package names
 * of the groups `build` and `srpm-build`). `packages` are the names of which builds may be tagged.
 */
export const demoSeed = Effect.fn("demoSeed")(function* (
  directory: string,
  packages: ReadonlyArray<string>,
  passwords: { readonly user: string; readonly builder: string }
) {
  const groupsFile = join(directory, "groups.json")
  const bytes = yield* readWhole(groupsFile, groupsBytesMax).pipe(
    Effect.mapError(({ message }) => failure(`${groupsFile}: ${message}`))
  )
  const groups = yield* Schema.decodeUnknownEffect(Groups)(new TextDecoder().decode(bytes)).pipe(
    Effect.mapError(({ message }) => failure(`${groupsFile}: ${message}`))
  )
  const names = yield* Effect.tryPromise({
    try: () => readdir(join(directory, "RPMS")),
    catch: () => failure(`${directory}: there is no directory RPMS with packages in it`)
  })
  const arches = [...new Set(names.filter((name) => name !== "noarch").map(canonicalArch))].sort()
  if (arches.length === 0)
    return yield* failure(`${directory}/RPMS: only noarch packages, or none: nothing to build on`)
  return {
    users: [{ name: demo.user, password: passwords.user, permissions: ["admin"] }],
    builders: [{ name: demo.builder, password: passwords.builder, arches, capacity: 4 }],
    tags: [
      { name: "demo-base" },
      { name: "demo-candidate" },
      { name: "demo-build", arches: arches.join(" "), parents: ["demo-candidate", "demo-base"], groups }
    ],
    targets: [{ name: demo.target, buildTag: "demo-build", destinationTag: "demo-candidate" }],
    packages: [{ tag: "demo-candidate", names: packages }],
    builds: [{ directory, tag: "demo-base" }]
  } satisfies HubSeed
})

/** The password in a file, which is made with a new one if it is not there; ours alone to read. */
export const passwordIn = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const made = randomBytes(passwordBytes).toString("base64url")
      await writeFile(file, `${made}\n`, { flag: "wx", mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error
      })
      return (await readFile(file, "utf8")).trim()
    },
    catch: (error) => failure(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  })

/** Where passwords and the builder's configuration are: never below the tree, which is served to everyone. */
export const secretsDirectory = (directory: string) =>
  Effect.tryPromise({
    try: () => mkdir(directory, { recursive: true, mode: 0o700 }),
    catch: (error) => failure(`${directory}: ${error instanceof Error ? error.message : String(error)}`)
  })

/** Writes the configuration of a builder for this hub. */
export const writeBuilderConfig = (
  file: string,
  hub: { readonly url: string; readonly filesUrl: string; readonly topdir: string; readonly password: string }
) =>
  Effect.tryPromise({
    try: () =>
      writeFile(
        file,
        [
          "# Written by adjutant hub at each start: copy it before you change it.",
          "[kojid]",
          `server = ${hub.url}`,
          `topurl = ${hub.filesUrl}`,
          `topdir = ${hub.topdir}`,
          `user = ${demo.builder}`,
          `password = ${hub.password}`,
          "sleeptime = 2",
          ""
        ].join("\n"),
        { mode: 0o600 }
      ),
    catch: (error) => failure(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  })
