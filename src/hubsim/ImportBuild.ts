/**
 * Taking the files of a build into the tree and the database (tasks.md 3.8, kojihub `import_build`).
 *
 * Everything is checked before anything is moved: a build that is refused leaves its files where they were.
 */
import { existsSync, statSync } from "node:fs"
import { posix } from "node:path"
import { Effect } from "effect"
import { genericError, otherError } from "../koji/Fault.ts"
import { rpmPath } from "../koji/Paths.ts"
import { fileArch, headerFileName, type RpmHeader } from "../koji/RpmHeader.ts"
import { buildStateName, buildStates } from "../koji/TaskState.ts"
import { type Build, getBuild } from "./Builds.ts"
import { Call } from "./Call.ts"
import { isPlainFile, moveAndLink, readHeader } from "./Files.ts"
import { withoutTwins } from "./NoarchCheck.ts"
import { safeUploadPath } from "./UploadPaths.ts"

/** A package file that is to become part of a build. */
export interface PackageFile {
  readonly path: string
  readonly header: RpmHeader
  /** Where it was built; null for one that came from elsewhere. */
  readonly buildroot: number | null
}

/** The logs of a build, as paths below `work`, by the directory they go to. */
export type Logs = ReadonlyMap<string, ReadonlyArray<string>>

export interface Uploaded {
  readonly task: number
  readonly build: number
  readonly srpm: string
  readonly rpms: ReadonlyArray<string>
  /** The buildroot of each package by its path. */
  readonly buildroots: ReadonlyMap<string, number>
  readonly logs: Logs
}

/** The paths of uploaded packages, source first, noarch ones once; each must be there. */
export const uploadedPackages = Effect.fnUntraced(function* (srpm: string, rpms: ReadonlyArray<string>) {
  const { paths } = yield* Call
  for (const path of [srpm, ...rpms]) {
    const file = `${paths.work()}/${yield* safeUploadPath(path)}`
    if (!existsSync(file)) return yield* genericError(`No such file: ${file}`)
  }
  return [srpm, ...(yield* withoutTwins(paths.work(), rpms))]
})

/** Completes a build that is BUILDING with what its task has uploaded. */
export const completeBuild = Effect.fnUntraced(function* (uploaded: Uploaded) {
  const { db, now, paths } = yield* Call
  const found = yield* uploadedPackages(uploaded.srpm, uploaded.rpms)
  for (const id of new Set(uploaded.buildroots.values())) {
    if (!db.has("SELECT 1 FROM buildroot WHERE id = ?", id)) return yield* genericError(`no buildroot with ID: ${id}`)
  }
  const files = yield* Effect.forEach(found, (path) => {
    const file = `${paths.work()}/${path}`
    return Effect.map(readHeader(file), (header): PackageFile => {
      return { path: file, header, buildroot: uploaded.buildroots.get(path) ?? null }
    })
  })
  const build = yield* getBuild(uploaded.build)
  yield* assertSourceOf(build, files[0], uploaded.task)
  for (const file of files) yield* assertPartOf(build, file)
  yield* assertLogs(build, uploaded.logs)
  db.run("UPDATE build SET state = ?, completion_time = ? WHERE id = ?", buildStates.COMPLETE, now, build.id)
  for (const file of files) {
    yield* recordPackage(build, file)
    yield* moveAndLink(file.path, packagePath(paths.build(build), file))
  }
  for (const [source, target] of logPlaces(build, uploaded.logs, paths)) yield* moveAndLink(source, target)
  return yield* getBuild(build.id)
})

/** Where a package file goes in its build's directory. */
export const packagePath = (directory: string, { header }: PackageFile): string =>
  `${directory}/${rpmPath({ ...header, arch: fileArch(header) })}`

/** The source package must say what the build says, and the build must be this task's and not over. */
const assertSourceOf = Effect.fnUntraced(function* (build: Build, file: PackageFile | undefined, task: number) {
  if (file === undefined || !file.header.isSource) return yield* genericError(`not a source package: ${file?.path}`)
  const { name, version, release, epoch } = file.header
  const said = { name, version, release: build.draft ? `${release},draft_${build.id}` : release, epoch, task_id: task }
  for (const key of ["name", "version", "release", "epoch", "task_id"] as const) {
    if (said[key] === build[key]) continue
    const [ours, theirs] = [build[key] ?? "None", said[key] ?? "None"]
    return yield* genericError(`Unable to complete build: ${key} mismatch (build: ${ours}, rpm: ${theirs})`)
  }
  if (build.state !== buildStates.BUILDING) {
    return yield* genericError(`Unable to complete build: state is ${buildStateName(build.state)}`)
  }
})

/** A file must be called what its header says, and come from the build's source package. */
export const assertPartOf = Effect.fnUntraced(function* (build: Build, { path, header }: PackageFile) {
  const { paths } = yield* Call
  const name = posix.basename(path)
  const expected = headerFileName(header)
  if (name !== expected) return yield* genericError(`bad filename: ${name} (expected ${expected})`)
  const release = build.draft ? build.release.replace(/,draft_\d+$/, "") : build.release
  const source = `${build.name}-${build.version}-${release}.src.rpm`
  const own = header.isSource ? name : header.sourceRpm
  if (own !== source) return yield* genericError(`srpm mismatch for ${path}: ${own} (expected ${source})`)
  const target = packagePath(paths.build(build), { path, header, buildroot: null })
  if (existsSync(target)) return yield* genericError(`Error importing archive file, ${target} already exists`)
  if (!isPlainFile(path)) return yield* genericError(`Error importing archive file, ${path} is not a regular file`)
})

const assertLogs = Effect.fnUntraced(function* (build: Build, logs: Logs) {
  const { paths } = yield* Call
  const taken = new Set<string>()
  for (const files of logs.values()) yield* Effect.forEach(files, safeUploadPath)
  for (const [source, target] of logPlaces(build, logs, paths)) {
    const problem =
      taken.has(target) || existsSync(target) ? `${target} already exists.` : `${source} is not a regular file.`
    if (taken.has(target) || existsSync(target) || !isPlainFile(source)) {
      return yield* genericError(`Error importing build log. ${problem}`)
    }
    taken.add(target)
  }
})

const logPlaces = (build: Build, logs: Logs, paths: Call["Service"]["paths"]) =>
  [...logs].flatMap(([key, files]) =>
    files.map((file) => {
      const directory = key === "" ? paths.buildLogs(build) : `${paths.buildLogs(build)}/${key}`
      return [`${paths.work()}/${file}`, `${directory}/${posix.basename(file)}`] as const
    })
  )

/** Adds a package to the database; its payload's MD5 is what tells it from another of its name. */
export const recordPackage = Effect.fnUntraced(function* (build: Build, { path, header, buildroot }: PackageFile) {
  const { db } = yield* Call
  if (header.sigMd5 === null) return yield* otherError(`${path} has no digest of its payload`)
  const { name, version, release, epoch } = header
  return db.insert("rpminfo", {
    ...{ build_id: build.id, buildroot_id: buildroot, name, version, release, epoch, arch: fileArch(header) },
    ...{ payloadhash: header.sigMd5, size: statSync(path).size, buildtime: header.buildTime ?? 0, draft: build.draft }
  })
})
