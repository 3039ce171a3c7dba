/** The files that a package header lists, side by side from a dozen arrays (rpm's `rpmfi.c`). */
import { Result } from "effect"
import { damaged, type RpmEntries, type RpmHeaderError, readNumbers, readStrings } from "./RpmEntries.ts"
import type { RpmHeader } from "./RpmHeader.ts"
import { rpmTag } from "./RpmTag.ts"

export interface RpmFile {
  /** Absolute, but for the files of a source package. */
  readonly path: string
  readonly size: number
  /** Type and permission bits, 16 bits. */
  readonly mode: number
  /** Seconds since the epoch. */
  readonly modificationTime: number
  /** rpm's bit mask: configuration, documentation, ghost and so on. */
  readonly flags: number
  /** Device number of a device file. */
  readonly device: number
  readonly inode: number
  /** What `rpm -V` compares, a bit mask. */
  readonly verifyFlags: number
  readonly user: string
  readonly group: string
  /** Hex, empty for what has no content. */
  readonly digest: string
  readonly linkTarget: string
}

/** All files of a package, in the header's order. Fails when the arrays do not fit together. */
export const filesOf = (header: RpmHeader): Result.Result<ReadonlyArray<RpmFile>, RpmHeaderError> =>
  Result.gen(function* () {
    const { entries } = header
    const baseNames = (yield* readStrings(entries, rpmTag.baseNames)) ?? []
    const directories = (yield* readStrings(entries, rpmTag.directoryNames)) ?? []
    const count = baseNames.length
    const numbers = (name: keyof typeof rpmTag, bits: 16 | 32) => column(entries, name, count, bits)
    const texts = (name: keyof typeof rpmTag) => textColumn(entries, name, count)
    const directoryIndexes = yield* numbers("directoryIndexes", 32)
    const longSizes = yield* readNumbers(entries, rpmTag.longFileSizes, 64)
    const sizes = longSizes ?? (yield* numbers("fileSizes", 32))
    const modes = yield* numbers("fileModes", 16)
    const times = yield* numbers("fileModificationTimes", 32)
    const flags = yield* numbers("fileFlags", 32)
    const devices = yield* numbers("fileDevices", 16)
    const inodes = yield* numbers("fileInodes", 32)
    const verifyFlags = yield* numbers("fileVerifyFlags", 32)
    const users = yield* texts("fileUsers")
    const groups = yield* texts("fileGroups")
    const digests = yield* texts("fileDigests")
    const linkTargets = yield* texts("fileLinkTargets")
    const files: Array<RpmFile> = []
    for (const [at, baseName] of baseNames.entries()) {
      const directory = directories[directoryIndexes[at] ?? -1]
      if (directory === undefined) return yield* damaged(entries, `file ${baseName} has no directory`)
      files.push({
        path: directory + baseName,
        size: sizes[at] ?? 0,
        mode: modes[at] ?? 0,
        modificationTime: times[at] ?? 0,
        flags: flags[at] ?? 0,
        device: devices[at] ?? 0,
        inode: inodes[at] ?? 0,
        verifyFlags: verifyFlags[at] ?? 0,
        user: users[at] ?? "",
        group: groups[at] ?? "",
        digest: digests[at] ?? "",
        linkTarget: linkTargets[at] ?? ""
      })
    }
    return files
  })

/** A column may be absent, which is all zeroes, but not shorter than the list of files. */
const column = (
  entries: RpmEntries,
  name: keyof typeof rpmTag,
  count: number,
  bits: 16 | 32
): Result.Result<ReadonlyArray<number>, RpmHeaderError> =>
  Result.flatMap(readNumbers(entries, rpmTag[name], bits), (numbers) => complete(entries, name, count, numbers))

const textColumn = (
  entries: RpmEntries,
  name: keyof typeof rpmTag,
  count: number
): Result.Result<ReadonlyArray<string>, RpmHeaderError> =>
  Result.flatMap(readStrings(entries, rpmTag[name]), (texts) => complete(entries, name, count, texts))

const complete = <A>(
  entries: RpmEntries,
  name: keyof typeof rpmTag,
  count: number,
  values: ReadonlyArray<A> | undefined
): Result.Result<ReadonlyArray<A>, RpmHeaderError> =>
  values === undefined || values.length === count
    ? Result.succeed(values ?? [])
    : damaged(entries, `${count} files, but ${values.length} of ${name}`)
