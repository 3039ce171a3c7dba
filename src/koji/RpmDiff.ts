/**
 * The hash of what matters in a noarch package (tasks.md 3.9, `koji/rpmdiff.py`).
 *
 * A noarch package that several arches have built is imported once, so the copies must be the same in all but what a
 * build may change: size, content digest, times and link counts of files (`S5TN`). The hub compares headers, or
 * these hashes where builders supply them; a hash that differs from kojid's over the same package would make two
 * equal packages look different.
 */
import { Result } from "effect"
import { compareCodePoints, type Json, pythonJson, pythonJsonIndented } from "./PythonJson.ts"
import type { RpmHeaderError } from "./RpmEntries.ts"
import { filesOf, type RpmFile } from "./RpmFiles.ts"
import type { RpmDependency, RpmHeader } from "./RpmHeader.ts"
import { rpmTag } from "./RpmTag.ts"

/** rpm's flag for "equal". */
const senseEqual = 8
/** rpm's answer for a file that is not installed. */
const stateMissing = -1

/** The text that is hashed. */
export const noarchContent = (header: RpmHeader): Result.Result<string, RpmHeaderError> =>
  Result.map(filesOf(header), (files) =>
    pythonJson({
      tags: {
        [rpmTag.name]: header.name,
        [rpmTag.summary]: header.summary,
        [rpmTag.description]: header.description,
        [rpmTag.group]: header.group,
        [rpmTag.license]: header.license,
        [rpmTag.url]: header.url,
        [rpmTag.preIn]: header.scriptlets.preIn,
        [rpmTag.postIn]: header.scriptlets.postIn,
        [rpmTag.preUn]: header.scriptlets.preUn,
        [rpmTag.postUn]: header.scriptlets.postUn
      },
      ignore: "S5TN",
      REQUIRES: triples(header.requires),
      PROVIDES: triples(header.provides.filter((provide) => !isSelfProvide(header, provide))),
      CONFLICTS: triples(header.conflicts),
      OBSOLETES: triples(header.obsoletes),
      files: Object.fromEntries(files.map((file) => [file.path, fileRow(file)]))
    })
  )

/** The package's hash, hex. `sha256` is the caller's: it takes the UTF-8 text and answers in hex. */
export const noarchHash = (
  header: RpmHeader,
  sha256: (text: string) => string
): Result.Result<string, RpmHeaderError> => Result.map(noarchContent(header), sha256)

/** `noarch_rpmdiff.json`: the hashes of a task's noarch packages by file name. */
export const renderNoarchDiff = (taskId: number, hashes: Readonly<Record<string, string>>): string =>
  pythonJsonIndented({ [taskId]: hashes })

/** Without the epoch, so a package that has one keeps its own name among the rest. */
const isSelfProvide = (header: RpmHeader, provide: RpmDependency): boolean =>
  provide.name === header.name &&
  provide.flags === senseEqual &&
  provide.version === `${header.version}-${header.release}`

const triples = (dependencies: ReadonlyArray<RpmDependency>): Json =>
  dependencies
    .toSorted(
      (a, b) => compareCodePoints(a.name, b.name) || a.flags - b.flags || compareCodePoints(a.version, b.version)
    )
    .map(({ name, flags, version }) => [name, flags, version])

/** Size, time, link count and digest are null: they may differ. */
const fileRow = (file: RpmFile): Json => [
  null,
  file.mode,
  null,
  file.flags,
  file.device,
  file.inode,
  null,
  stateMissing,
  // rpm's binding shows this mask, and only this one, as a signed number.
  file.verifyFlags | 0,
  file.user,
  file.group,
  null
]
