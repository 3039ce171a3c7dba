/**
 * Packages that no task of this hub has built: a directory of them becomes builds, one for each source package, with
 * their files linked or copied into the tree.
 */
import { readdirSync } from "node:fs"
import { Effect, Result } from "effect"
import { genericError } from "../koji/Fault.ts"
import { parseNvra } from "../koji/Nvr.ts"
import { buildStates } from "../koji/TaskState.ts"
import { type Build, findBuild, getBuild } from "./Builds.ts"
import { Call } from "./Call.ts"
import { linkOrCopy, readHeader } from "./Files.ts"
import { assertPartOf, type PackageFile, packagePath, recordPackage } from "./ImportBuild.ts"
import { newBuild } from "./NewBuild.ts"
import { findRpm } from "./Rpms.ts"
import { getUser } from "./Users.ts"

/** The builds that the packages below a directory make up; those that the hub has are left as they are. */
export const importDirectory = Effect.fnUntraced(function* (directory: string, owner: string) {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".rpm"))
  const sources = new Map<string, Array<PackageFile>>()
  for (const name of names.sort()) {
    const path = `${directory}/${name}`
    const header = yield* readHeader(path)
    const source = header.sourceRpm ?? `${header.name}-${header.version}-${header.release}.src.rpm`
    sources.set(source, [...(sources.get(source) ?? []), { path, header, buildroot: null }])
  }
  if (sources.size === 0) return yield* genericError(`no packages below ${directory}`)
  return yield* Effect.forEach([...sources], ([source, files]) => importBuild(source, files, owner))
})

const importBuild = Effect.fnUntraced(function* (source: string, files: ReadonlyArray<PackageFile>, owner: string) {
  const { db, now, paths } = yield* Call
  const nvra = parseNvra(source)
  if (Result.isFailure(nvra)) return yield* nvra.failure
  const { name, version, release } = nvra.success
  const known = yield* findBuild({ name, version, release })
  if (known?.state === buildStates.COMPLETE) return yield* sameBuild(known, files)
  const epoch = files.find(({ header }) => header.isSource)?.header.epoch ?? null
  const task = { task: null, source: null, extra: null, draft: false }
  const id = yield* newBuild({ name, version, release, epoch, owner: (yield* getUser(owner)).id, ...task })
  const build = yield* getBuild(id)
  for (const file of files) {
    yield* assertPartOf(build, file)
    yield* recordPackage(build, file)
    linkOrCopy(file.path, packagePath(paths.build(build), file))
  }
  db.run("UPDATE build SET state = ?, completion_time = ? WHERE id = ?", buildStates.COMPLETE, now, id)
  return yield* getBuild(id)
})

/** A build that is there must hold these very packages: two builds of one name would be taken for each other. */
const sameBuild = Effect.fnUntraced(function* (build: Build, files: ReadonlyArray<PackageFile>) {
  for (const { path, header } of files) {
    const { name, version, release } = header
    const rpm = yield* findRpm({ name, version, release, arch: header.isSource ? "src" : header.arch })
    if (rpm?.build_id === build.id && rpm.payloadhash === header.sigMd5) continue
    return yield* genericError(`the hub has a build ${build.nvr} already, and ${path} is not the package it holds`)
  }
  return build
})
