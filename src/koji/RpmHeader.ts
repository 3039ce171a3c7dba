/**
 * What an RPM file says about itself, read from its first bytes.
 *
 * A file is a 96-byte lead, the signature, padding to a multiple of eight, the header, the payload. Only what Koji
 * needs is read, and only the shape is checked: whether signatures hold is the hub's and rpm's business. The reader
 * never throws, whatever the bytes are; `RpmHeaderError` says what is wrong and where.
 */
import { Result } from "effect"
import {
  cutShort,
  damaged,
  entriesEnd,
  introBytes,
  notAnRpm,
  parseEntries,
  type RpmEntries,
  type RpmHeaderError,
  readBytes,
  readNumbers,
  readStrings
} from "./RpmEntries.ts"
import { dependencyTags, rpmTag, signatureMd5Tag } from "./RpmTag.ts"

type Checked<A> = Result.Result<A, RpmHeaderError>

/** `flags` is rpm's bit mask; comparison and scriptlet bits included. */
export interface RpmDependency {
  readonly name: string
  readonly flags: number
  readonly version: string
}

export interface RpmHeader {
  readonly name: string
  readonly version: string
  readonly release: string
  /** Null when the package has none, which is not the same as 0. */
  readonly epoch: number | null
  /** As the header has it: a source package names the arch it was made on. `fileArch` is what Koji calls it. */
  readonly arch: string
  readonly isSource: boolean
  /** File name of the source package; null in a source package. */
  readonly sourceRpm: string | null
  readonly buildArchs: ReadonlyArray<string>
  readonly exclusiveArch: ReadonlyArray<string>
  readonly excludeArch: ReadonlyArray<string>
  readonly packager: string | null
  readonly vendor: string | null
  readonly distribution: string | null
  readonly summary: string | null
  readonly description: string | null
  readonly group: string | null
  readonly license: string | null
  readonly url: string | null
  /** Seconds since the epoch. */
  readonly buildTime: number | null
  /** Installed size in bytes, also beyond 4 GiB. */
  readonly size: number | null
  /** 32 lower-case hex digits: Koji's `payloadhash`. Null when rpm was told not to make one. */
  readonly sigMd5: string | null
  readonly requires: ReadonlyArray<RpmDependency>
  readonly provides: ReadonlyArray<RpmDependency>
  readonly conflicts: ReadonlyArray<RpmDependency>
  readonly obsoletes: ReadonlyArray<RpmDependency>
  readonly scriptlets: {
    readonly preIn: string | null
    readonly postIn: string | null
    readonly preUn: string | null
    readonly postUn: string | null
  }
  /** All there is, for `filesOf`. */
  readonly entries: RpmEntries
}

const leadBytes = 96
const leadMagic = [0xed, 0xab, 0xee, 0xdb]

/** Where the header begins, by a prefix that holds the lead and the signature's first bytes. */
const headerStart = (prefix: Uint8Array): Checked<number> =>
  Result.map(entriesEnd(prefix, leadBytes), (end) => Math.ceil(end / 8) * 8)

/**
 * How many bytes from the start of the file are needed to go on: a reader fetches that many and asks again, until it
 * has them; then `parseRpmHeader` has all it needs. Three fetches at most, never more than the header.
 */
export const headerBytesNeeded = (prefix: Uint8Array): Checked<number> =>
  Result.gen(function* () {
    if (leadMagic.some((byte, at) => at < prefix.length && prefix[at] !== byte)) return yield* notAnRpm
    if (prefix.length < leadBytes + introBytes) return leadBytes + introBytes
    const start = yield* headerStart(prefix)
    return prefix.length < start + introBytes ? start + introBytes : yield* entriesEnd(prefix, start)
  })

/** Reads a header from the first bytes of a file, or from all of it. */
export const parseRpmHeader = (bytes: Uint8Array): Checked<RpmHeader> =>
  Result.gen(function* () {
    const needed = yield* headerBytesNeeded(bytes)
    if (bytes.length < needed) return yield* cutShort(bytes, needed)
    const signature = yield* parseEntries(bytes, leadBytes)
    const entries = yield* parseEntries(bytes, yield* headerStart(bytes))
    const text = (tag: number) => Result.map(readStrings(entries, tag), (strings) => strings?.[0] ?? null)
    const list = (tag: number) => Result.map(readStrings(entries, tag), (strings) => strings ?? [])
    const number = (tag: number) => Result.map(readNumbers(entries, tag, 32), (numbers) => numbers?.[0] ?? null)
    const required = (name: keyof typeof rpmTag) =>
      Result.flatMap(text(rpmTag[name]), (value) =>
        value === null || value === "" ? damaged(entries, `the header has no ${name}`) : Result.succeed(value)
      )
    const sourceRpm = yield* text(rpmTag.sourceRpm)
    const sourcePackage = yield* number(rpmTag.sourcePackage)
    const size = yield* number(rpmTag.size)
    const md5 = yield* readBytes(signature, signatureMd5Tag)
    return {
      name: yield* required("name"),
      version: yield* required("version"),
      release: yield* required("release"),
      epoch: yield* number(rpmTag.epoch),
      arch: yield* required("arch"),
      // Source packages of rpm before 4.0 have no tag that says so, only no SOURCERPM.
      isSource: sourcePackage === null ? sourceRpm === null : sourcePackage !== 0,
      sourceRpm,
      buildArchs: yield* list(rpmTag.buildArchs),
      exclusiveArch: yield* list(rpmTag.exclusiveArch),
      excludeArch: yield* list(rpmTag.excludeArch),
      packager: yield* text(rpmTag.packager),
      vendor: yield* text(rpmTag.vendor),
      distribution: yield* text(rpmTag.distribution),
      summary: yield* text(rpmTag.summary),
      description: yield* text(rpmTag.description),
      group: yield* text(rpmTag.group),
      license: yield* text(rpmTag.license),
      url: yield* text(rpmTag.url),
      buildTime: yield* number(rpmTag.buildTime),
      size: size ?? (yield* readNumbers(entries, rpmTag.longSize, 64))?.[0] ?? null,
      sigMd5: md5 === undefined ? null : Array.from(md5, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      requires: yield* dependencies(entries, "requires"),
      provides: yield* dependencies(entries, "provides"),
      conflicts: yield* dependencies(entries, "conflicts"),
      obsoletes: yield* dependencies(entries, "obsoletes"),
      scriptlets: {
        preIn: yield* text(rpmTag.preIn),
        postIn: yield* text(rpmTag.postIn),
        preUn: yield* text(rpmTag.preUn),
        postUn: yield* text(rpmTag.postUn)
      },
      entries
    }
  })

const dependencies = (entries: RpmEntries, kind: keyof typeof dependencyTags): Checked<ReadonlyArray<RpmDependency>> =>
  Result.gen(function* () {
    const tags = dependencyTags[kind]
    const names = (yield* readStrings(entries, tags.names)) ?? []
    const flags = (yield* readNumbers(entries, tags.flags, 32)) ?? []
    const versions = (yield* readStrings(entries, tags.versions)) ?? []
    const found: Array<RpmDependency> = []
    for (const [at, name] of names.entries()) {
      const flag = flags[at]
      const version = versions[at]
      if (flag === undefined || version === undefined) {
        return yield* damaged(
          entries,
          `${names.length} ${kind}, but ${flags.length} flags, ${versions.length} versions`
        )
      }
      found.push({ name, flags: flag, version })
    }
    return found
  })

/** The arch in file names and in Koji's records: `src` for a source package. */
export const fileArch = (header: RpmHeader): string => (header.isSource ? "src" : header.arch)

/** `name-version-release`. */
export const headerNvr = (header: RpmHeader): string => `${header.name}-${header.version}-${header.release}`

/** `name-version-release.arch`. */
export const headerNvra = (header: RpmHeader): string => `${headerNvr(header)}.${fileArch(header)}`

/** The name that the hub requires the file to have. */
export const headerFileName = (header: RpmHeader): string => `${headerNvra(header)}.rpm`
