/**
 * Architectures, and the decisions that hang on them.
 *
 * Koji has two views of an arch: the literal one that a tag or a spec file names (`i686`), and the canonical one that
 * repositories and buildroots use (`i386`). Which of the two a rule compares is part of the rule, and easy to get
 * wrong: `ExclusiveArch` is compared literally, a tag's arches canonically, a host's arches literally in the host
 * check and canonically elsewhere. Nothing here rolls dice: where kojid picks at random, the choices are returned.
 */
import { Result } from "effect"
import { buildError, genericError, type KojiFault } from "./Fault.ts"
import { fnmatch, fnmatchAny } from "./FnMatch.ts"
import { pythonRepr } from "./PythonRepr.ts"
import { splitWords } from "./PythonSpace.ts"

/** First match wins (daemon.md 9.1). `arm64` becomes `arm`; `aarch64`, `amd64`, `x86_64_v2` stay what they are. */
const canonicalRules: ReadonlyArray<readonly [pattern: string, canonical: string]> = [
  ["i?86", "i386"],
  ["athlon", "i386"],
  ["ia32e", "x86_64"],
  ["ppc64le", "ppc64le"],
  ["ppc64*", "ppc64"],
  ["sparc64*", "sparc64"],
  ["sparc*", "sparc"],
  ["alpha*", "alpha"],
  ["arm*h*", "armhfp"],
  ["arm*", "arm"]
]

/** The arch as repositories and buildroots name it (daemon.md 9.1). */
export const canonicalArch = (arch: string): string =>
  canonicalRules.find(([pattern]) => fnmatch(arch, pattern))?.[1] ?? arch

const archName = /^[A-Za-z0-9_-]*$/

/** A list of arches, apart by white space or commas (daemon.md 9.1). Fails with GenericError on any other character. */
export const parseArches = (text: string): Result.Result<ReadonlyArray<string>, KojiFault> => {
  const arches = splitWords(text.replaceAll(",", " "))
  return arches.every((arch) => archName.test(arch))
    ? Result.succeed(arches)
    : Result.fail(genericError("Architecture can be only [a-zA-Z0-9_-]"))
}

/** The part of a build config that these rules read; `arches` are words apart by blanks. */
export interface TagArches {
  readonly id: number
  readonly name: string
  readonly arches: string | null
}

/** The part of a source package's header that these rules read. */
export interface SourceArches {
  readonly buildArchs: ReadonlyArray<string>
  readonly exclusiveArch: ReadonlyArray<string>
  readonly excludeArch: ReadonlyArray<string>
}

/** A source package that says nothing about arches. */
export const anyArches: SourceArches = {
  buildArchs: [],
  exclusiveArch: [],
  excludeArch: []
}

/**
 * The arches that `build` makes a buildArch task for, each once, in order of first mention (tasks.md 3.3).
 * `extraArches` are the package's own in this tag; `override` is a scratch build's `arch_override`, which the caller
 * has checked to be allowed. Fails with BuildError when nothing is left to build.
 */
export const chooseBuildArches = (
  tag: TagArches,
  source: SourceArches,
  extraArches: string | null,
  override: string | null
): Result.Result<ReadonlyArray<string>, KojiFault> => {
  if (tag.arches === null || tag.arches === "") {
    return Result.fail(buildError(`No arches for tag ${tag.name} [${tag.id}]`))
  }
  const { buildArchs, exclusiveArch, excludeArch } = source
  const allowed = new Set(splitWords(tag.arches).map(canonicalArch))
  let arches = [...splitWords(tag.arches), ...splitWords(extraArches ?? "")]
  if (buildArchs.length > 0) arches = [...buildArchs]
  if (exclusiveArch.length > 0) arches = arches.filter((arch) => exclusiveArch.includes(arch))
  if (excludeArch.length > 0) arches = arches.filter((arch) => !excludeArch.includes(arch))
  const wantsNoarch = buildArchs.includes("noarch") || exclusiveArch.includes("noarch")
  if (wantsNoarch && !excludeArch.includes("noarch")) arches.push("noarch")
  if (override !== null && override !== "") arches = [...splitWords(override)]
  const chosen = new Set(arches.filter((arch) => arch === "noarch" || allowed.has(canonicalArch(arch))))
  return chosen.size > 0 ? Result.succeed([...chosen]) : Result.fail(buildError("No matching arches were found"))
}

/**
 * Which arch a subtask for `arch` asks the scheduler for: one arch, or any one of the choices (tasks.md 3.3,
 * `choose_taskarch`). `literalTaskArches` are globs of arches that are not canonicalised; `noarchArches` is the tag
 * extra of that name. A noarch task may go anywhere unless the package or the tag rules out one of the tag's arches.
 * Fails with BuildError when all are ruled out. A repeated tag arch is a repeated choice, as it is for kojid.
 */
export const taskArchChoices = (
  arch: string,
  source: SourceArches,
  tag: { readonly arches: string | null; readonly noarchArches: string | null },
  literalTaskArches: ReadonlyArray<string>
): Result.Result<string | ReadonlyArray<string>, KojiFault> => {
  if (fnmatchAny(arch, literalTaskArches)) return Result.succeed(arch)
  if (arch !== "noarch") return Result.succeed(canonicalArch(arch))
  const noarchArches = tag.noarchArches ?? ""
  if (source.exclusiveArch.length === 0 && source.excludeArch.length === 0 && noarchArches === "") {
    return Result.succeed("noarch")
  }
  const tagArches = splitWords(tag.arches ?? "").map(canonicalArch)
  const exclusive = source.exclusiveArch.map(canonicalArch)
  const exclude = source.excludeArch.map(canonicalArch)
  const start =
    noarchArches === ""
      ? tagArches
      : splitWords(noarchArches)
          .map(canonicalArch)
          .filter((choice) => tagArches.includes(choice))
  const choices = start.filter(
    (choice) => (exclusive.length === 0 || exclusive.includes(choice)) && !exclude.includes(choice)
  )
  if (choices.length === 0) {
    // kojid's text, missing blank included.
    return Result.fail(
      buildError(
        `No valid arches were found. tag ${pythonRepr(tagArches)}, extra ${pythonRepr(tag.noarchArches)},` +
          `exclusive ${pythonRepr(exclusive)}, exclude ${pythonRepr(exclude)}`
      )
    )
  }
  return Result.succeed(tagArches.every((choice) => choices.includes(choice)) ? "noarch" : choices)
}

/**
 * The concrete arches on which this host can run a task: `arch` itself unless it is noarch, else what host and tag
 * have in common, sorted; only `preferred` if that is among them (tasks.md 1.11, `find_arch`). BuildError otherwise.
 */
export const findArchChoices = (
  arch: string,
  host: { readonly name: string; readonly arches: string | null },
  tag: { readonly name: string; readonly arches: string | null },
  preferred: string | null
): Result.Result<readonly [string, ...ReadonlyArray<string>], KojiFault> => {
  if (arch !== "noarch") return Result.succeed([arch])
  if (host.arches === null || host.arches === "") {
    return Result.fail(buildError(`No arch list for this host: ${host.name}`))
  }
  if (tag.arches === null || tag.arches === "") {
    return Result.fail(buildError(`No arch list for tag: ${tag.name}`))
  }
  const hostArches = sortedCanonical(host.arches)
  const tagArches = sortedCanonical(tag.arches)
  const common = hostArches.filter((choice) => tagArches.includes(choice))
  if (preferred !== null && common.includes(preferred)) return Result.succeed([preferred])
  const [first, ...others] = common
  return first === undefined
    ? Result.fail(
        buildError(
          `host ${host.name} (${hostArches.join(", ")}) does not support any arches of tag ${tag.name} (${tagArches.join(", ")})`
        )
      )
    : Result.succeed([first, ...others])
}

const sortedCanonical = (arches: string): ReadonlyArray<string> =>
  [...new Set(splitWords(arches).map(canonicalArch))].sort()

/**
 * Whether this host may take a task that builds in this tag: a canonical arch of the tag is literally one of the
 * host's. A tag without arches passes, so that the task itself fails with a message (tasks.md 1.11).
 */
export const hostCheckPasses = (hostArches: string | null, tagArches: string | null): boolean => {
  const tag = splitWords(tagArches ?? "")
  if (tag.length === 0) return true
  const host = splitWords(hostArches ?? "")
  return tag.some((arch) => host.includes(canonicalArch(arch)))
}

/** The arch that rpm builds for in a buildroot of this arch; autoconf does not know `armhfp` (tasks.md 2.1). */
export const targetArch = (arch: string): string => (arch === "armhfp" ? "armv7hl" : arch)

/** Arches that mock runs under the 32-bit personality, so that `uname -m` says what rpm expects (tasks.md 2A). */
const arches32Bit = new Set([
  ...["i386", "i586", "i686", "armv7l", "armv7hl", "armv7hnl", "armv7hcnl", "armv8l", "armhfp"],
  ...["ppc", "ppc32", "s390", "mips", "mipsel", "mipsn32", "mipsn32el", "mipsr6", "mipsr6el", "sh4", "sparc", "sparcv9"]
])

/** Whether commands for this target run under `linux32`. */
export const is32Bit = (arch: string): boolean => arches32Bit.has(arch)
