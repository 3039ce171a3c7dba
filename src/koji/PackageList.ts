/**
 * What is installed in a buildroot, as rpm is asked for it and as the hub is told (tasks.md 2.9, 14.3).
 *
 * The hub resolves every entry to an rpm it knows, by name and by the MD5 that it calls payloadhash; an entry that is
 * wrong fails the task or, worse, records the wrong rpm. So a line that is not exactly right is an error that names it.
 */
import { Result, Schema } from "effect"

/** One installed package, with the hub's member names. `size` in bytes, `buildtime` in seconds since the epoch. */
export const PackageEntry = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  /** Null is no epoch, which is not epoch 0. */
  epoch: Schema.NullOr(Schema.Int),
  arch: Schema.String,
  payloadhash: Schema.String,
  size: Schema.Int,
  buildtime: Schema.Int
})
export type PackageEntry = typeof PackageEntry.Type

/** A line that is not what `packageQueryFormat` makes. */
export class PackageListError extends Schema.TaggedError<PackageListError>()("PackageListError", {
  /** Counted from 1. */
  line: Schema.Int,
  message: Schema.String
}) {}

/** For `rpm -qa --qf`: one line a package, fields apart by TAB. rpm itself turns the escapes into characters. */
export const packageQueryFormat =
  ["NAME", "VERSION", "RELEASE", "EPOCH", "ARCH", "SIGMD5", "LONGSIZE", "BUILDTIME"]
    .map((tag) => `%{${tag}}`)
    .join("\\t") + "\\n"

/** Not packages: an old fake of Koji's, and the keys that rpm keeps in its database. */
const skipped = /^(buildsys-build|gpg-pubkey)\t/
/** No buildroot comes near; a list beyond it is not a list of packages. */
export const packagesMax = 100_000

const decimal = /^[0-9]{1,15}$/
const md5 = /^[0-9a-f]{32}$/

/** Reads what rpm printed. The order is rpm's own; the hub does not care. */
export const parsePackageList = (text: string): Result.Result<ReadonlyArray<PackageEntry>, PackageListError> =>
  Result.gen(function* () {
    const lines = text.split("\n")
    if (lines.length > packagesMax) {
      return yield* Result.fail(
        new PackageListError({ line: packagesMax, message: `more than ${packagesMax} installed packages` })
      )
    }
    const entries: Array<PackageEntry> = []
    for (const [at, line] of lines.entries()) {
      if (line === "" && at === lines.length - 1) continue
      if (skipped.test(line)) continue
      entries.push(yield* parseLine(line, at + 1))
    }
    return entries
  })

const parseLine = (text: string, line: number): Result.Result<PackageEntry, PackageListError> => {
  const fail = (problem: string) =>
    Result.fail(new PackageListError({ line, message: `line ${line} of the package list: ${problem}` }))
  const [name, version, release, epoch, arch, payloadhash, size, buildtime, ...more] = text.split("\t")
  if (
    name === undefined ||
    version === undefined ||
    release === undefined ||
    epoch === undefined ||
    arch === undefined ||
    payloadhash === undefined ||
    size === undefined ||
    buildtime === undefined ||
    more.length > 0
  ) {
    return fail(`8 fields are expected: ${JSON.stringify(text.slice(0, 200))}`)
  }
  if (name === "" || version === "" || release === "") return fail("name, version or release is empty")
  const package_ = `${name}-${version}-${release}.${arch}`
  if (!decimal.test(size)) return fail(`the size of ${package_} is not a number: ${size.slice(0, 40)}`)
  if (!decimal.test(buildtime)) return fail(`the build time of ${package_} is not a number: ${buildtime.slice(0, 40)}`)
  if (epoch !== "(none)" && !decimal.test(epoch)) {
    return fail(`the epoch of ${package_} is not a number: ${epoch.slice(0, 40)}`)
  }
  if (!md5.test(payloadhash)) {
    return fail(`${package_} has no MD5 signature, by which the hub tells packages apart: ${payloadhash.slice(0, 40)}`)
  }
  return Result.succeed({
    name,
    version,
    release,
    epoch: epoch === "(none)" ? null : Number.parseInt(epoch, 10),
    arch,
    payloadhash,
    size: Number.parseInt(size, 10),
    buildtime: Number.parseInt(buildtime, 10)
  })
}
