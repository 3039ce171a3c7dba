/**
 * The hub that every history begins with: made once for a process, copied for each history.
 *
 * It has the tags, the builds and one repository of `Packages.ts`; an administrator and a second builder are logged in
 * already, for the stories to speak through.
 */
import { copyFileSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs"
import { Effect } from "effect"
import type { Hub as HubSim } from "../../src/hubsim/Dispatcher.ts"
import { databaseFile, openHub } from "../../src/hubsim/HubSim.ts"
import {
  adminName,
  seedBuilder,
  seedBuilds,
  seedChannels,
  seedPackages,
  seedTag,
  seedTarget,
  seedUser
} from "../../src/hubsim/Seed.ts"
import { answered, type Keys } from "./Answering.ts"
import { modelDirectory } from "./Machine.ts"
import { distributionFiles, groups } from "./Packages.ts"
import { Process, Time } from "./Time.ts"

export const tag = { build: "model-build", destination: "model", target: "model" } as const

/** Options of every hub of the model. */
export const hubOptions = { runIntervalSeconds: 0, notifications: false } as const

export interface Template {
  readonly directory: string
  readonly admin: Keys
  /** A builder of which the story decides what it does. */
  readonly puppet: Keys
  readonly repo: number
}

const login = (hub: HubSim, user: string) =>
  Effect.map(answered(hub, null, "login", [user, user]), (value) => {
    const { "session-id": id, "session-key": key } = Object(value)
    return { id: Number(id), key: String(key) } satisfies Keys
  })

const seed = (hub: HubSim, packages: string) =>
  Effect.gen(function* () {
    yield* seedUser(hub, { name: adminName, password: adminName, permissions: ["admin"] })
    for (const name of ["builder1", "builder2", "puppet"]) {
      yield* seedBuilder(hub, { name, password: name, arches: ["x86_64"], capacity: 20 })
    }
    yield* seedChannels(hub)
    yield* seedTag(hub, { name: tag.destination })
    yield* seedTag(hub, { name: tag.build, arches: "x86_64", parents: [tag.destination], groups })
    yield* seedTarget(hub, { name: tag.target, buildTag: tag.build, destinationTag: tag.destination })
    yield* seedBuilds(hub, { directory: packages, tag: tag.destination })
    yield* seedPackages(hub, tag.destination, ["hello"])
    const admin = yield* login(hub, adminName)
    const puppet = yield* login(hub, "puppet")
    yield* answered(hub, puppet, "exclusiveSession", [true])
    const [repo] = Array.from(Object(yield* answered(hub, puppet, "host.repoInit", [tag.build])), Number)
    const repodata = `${hub.paths.repo(repo ?? 0, tag.build)}/x86_64/repodata`
    mkdirSync(repodata)
    writeFileSync(`${repodata}/repomd.xml`, "<repomd><revision>0</revision></repomd>\n")
    yield* answered(hub, puppet, "host.repoDone", [repo ?? 0, {}])
    return { admin, puppet, repo: repo ?? 0 }
  })

/** When every history begins. */
export const beginning = Date.UTC(2026, 0, 5, 8)

let made: Promise<Template> | undefined

/** The template of this process. */
export const template = (): Promise<Template> => {
  const before = new Time({ now: beginning - 3_600_000 })
  made ??= before.run(
    before.contextOf(new Process("template"), 0),
    Effect.gen(function* () {
      const { path } = modelDirectory()
      const packages = `${path}/packages`
      mkdirSync(packages)
      for (const [name, bytes] of distributionFiles()) writeFileSync(`${packages}/${name}`, bytes)
      const directory = `${path}/hub`
      const seeded = yield* Effect.scoped(
        Effect.flatMap(openHub({ topdir: directory, options: hubOptions }), (hub) => seed(hub, packages))
      )
      return { directory, ...seeded }
    })
  )
  return made
}

/**
 * Copies a tree but for the database. The packages of the distribution are only pointed to: nothing is ever written into
 * a package that is there.
 */
export const copyTree = (from: string, to: string, depth = 0) => {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`]
    if (entry.name.startsWith(databaseFile)) continue
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else if (!entry.isDirectory()) copyFileSync(source, target)
    else if (depth === 1 && from.endsWith("/packages")) symlinkSync(source, target)
    else copyTree(source, target, depth + 1)
  }
}
