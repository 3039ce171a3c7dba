/**
 * What two packages of one name differ in, by their headers alone: rpm lists every file of a package there with its
 * digest, so that equal headers are equal packages.
 *
 * A package that is built twice is never the same in every byte: rpm writes the time into it, and files that the build
 * made have that time too. So times are set aside, and with them what follows from them (inode numbers, the mark of the
 * build, digests over all of it). What is left is what a package does where it is installed.
 */
import { Result } from "effect"
import { pythonJson } from "./PythonJson.ts"
import { type RpmHeaderError, readTexts } from "./RpmEntries.ts"
import { filesOf, type RpmFile } from "./RpmFiles.ts"
import type { RpmDependency, RpmHeader } from "./RpmHeader.ts"
import { dependencyTags, rpmTag } from "./RpmTag.ts"

/** What of a package counts: what each tag says, and each of its files. */
export interface RpmContents {
  /** By name, or by number where Koji has no name for it. */
  readonly tags: ReadonlyMap<string, ReadonlyArray<string>>
  readonly files: ReadonlyMap<string, RpmFile>
}

const { buildTime, fileModificationTimes, fileInodes } = rpmTag
/** Every header's own mark; the build's mark; which source package; digests of the payload, packed and not; its size. */
const marks = [63, 1094, 1146, 5092, 5097, 1046]
const ofTheTime: ReadonlySet<number> = new Set([buildTime, fileModificationTimes, fileInodes, ...marks])

/** Told file by file. Old and odd ones besides: states, devices, languages. */
const ofFiles: ReadonlySet<number> = new Set([
  ...[rpmTag.fileSizes, rpmTag.fileModes, rpmTag.fileDevices, rpmTag.fileDigests, rpmTag.fileLinkTargets],
  ...[rpmTag.fileFlags, rpmTag.fileUsers, rpmTag.fileGroups, rpmTag.fileVerifyFlags, rpmTag.longFileSizes],
  ...[rpmTag.baseNames, rpmTag.directoryNames, rpmTag.directoryIndexes, 1029, 1095, 1097]
])

/** Those that Koji does not read, by rpm's names. */
const others: ReadonlyArray<[number, string]> = [
  [1007, "buildHost"],
  [1064, "rpmVersion"],
  [1080, "changelogTimes"],
  [1081, "changelogNames"],
  [1082, "changelogTexts"],
  [1122, "optimizationFlags"],
  [1132, "platform"],
  [1140, "fileColors"],
  [1142, "fileClasses"],
  [1145, "fileDependencies"]
]
const named = new Map<number, string>([
  ...Object.entries(rpmTag).map(([name, tag]): [number, string] => [tag, name]),
  ...others
])

/** Told one by one, as a spec file has them. */
const dependencies = ["requires", "provides", "conflicts", "obsoletes"] as const
const ofDependencies: ReadonlySet<number> = new Set(dependencies.flatMap((kind) => Object.values(dependencyTags[kind])))
const [less, greater, equal] = [2, 4, 8]

const dependencyText = ({ name, flags, version }: RpmDependency): string => {
  const sense = `${flags & less ? "<" : ""}${flags & greater ? ">" : ""}${flags & equal ? "=" : ""}`
  return sense === "" ? name : `${name} ${sense} ${version}`
}

export const contentsOf = (header: RpmHeader): Result.Result<RpmContents, RpmHeaderError> =>
  Result.gen(function* () {
    const files = yield* filesOf(header)
    const tags = new Map<string, ReadonlyArray<string>>()
    for (const tag of [...header.entries.index.keys()].sort((a, b) => a - b)) {
      if (ofTheTime.has(tag) || ofFiles.has(tag) || ofDependencies.has(tag)) continue
      tags.set(named.get(tag) ?? `tag ${tag}`, yield* readTexts(header.entries, tag))
    }
    for (const kind of dependencies) tags.set(kind, header[kind].map(dependencyText).sort())
    return { tags, files: new Map(files.map((file) => [file.path, file])) }
  })

/** A digest of what counts, so that it can be compared with a package that is not at hand. */
export const contentsDigest = (
  header: RpmHeader,
  sha256: (text: string) => string
): Result.Result<string, RpmHeaderError> =>
  Result.map(contentsOf(header), ({ tags, files }) =>
    sha256(
      pythonJson({
        tags: Object.fromEntries(tags),
        files: Object.fromEntries([...files].map(([path, file]) => [path, traits.map(({ of }) => of(file))]))
      })
    )
  )

/** What of a file counts, and what it is called; its size says less than its digest, and is told with it. */
const traits: ReadonlyArray<{ readonly name: string; readonly of: (file: RpmFile) => string }> = [
  { name: "contents", of: ({ digest }) => digest },
  { name: "mode", of: ({ mode }) => mode.toString(8) },
  { name: "user", of: ({ user }) => user },
  { name: "group", of: ({ group }) => group },
  { name: "link to", of: ({ linkTarget }) => linkTarget },
  { name: "flags", of: ({ flags }) => String(flags) },
  { name: "device", of: ({ device }) => String(device) },
  { name: "verified", of: ({ verifyFlags }) => String(verifyFlags) }
]

/** One thing that differs. `path` null: of the package itself. */
export interface ContentsChange {
  readonly path: string | null
  readonly what: string
  /** Null where there is none. */
  readonly before: string | null
  readonly after: string | null
}

/** What differs, the files first, by path. */
export const contentsChanges = (a: RpmContents, b: RpmContents): ReadonlyArray<ContentsChange> => {
  const changes: Array<ContentsChange> = []
  for (const path of [...new Set([...a.files.keys(), ...b.files.keys()])].sort()) {
    const [before, after] = [a.files.get(path), b.files.get(path)]
    if (before === undefined || after === undefined) {
      const there = (file: RpmFile | undefined) => (file === undefined ? null : `${file.size} bytes`)
      changes.push({ path, what: "file", before: there(before), after: there(after) })
      continue
    }
    for (const { name, of } of traits) {
      if (of(before) === of(after)) continue
      const shown = (file: RpmFile) =>
        name === "contents" ? `${file.size} bytes, ${file.digest.slice(0, digestShown)}` : of(file)
      changes.push({ path, what: name, before: shown(before), after: shown(after) })
    }
  }
  for (const what of dependencies) {
    const [before, after] = [a.tags.get(what) ?? [], b.tags.get(what) ?? []]
    for (const lost of without(before, after)) changes.push({ path: null, what, before: lost, after: null })
    for (const more of without(after, before)) changes.push({ path: null, what, before: null, after: more })
  }
  for (const what of new Set([...a.tags.keys(), ...b.tags.keys()])) {
    if (dependencies.some((kind) => kind === what)) continue
    const [before, after] = [a.tags.get(what), b.tags.get(what)].map((items) => items?.join(", ") ?? null)
    if (before !== after) changes.push({ path: null, what, before: before ?? null, after: after ?? null })
  }
  return changes
}

const without = (items: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> => {
  const known = new Set(others)
  return items.filter((item) => !known.has(item))
}

const digestShown = 12
