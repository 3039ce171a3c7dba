/**
 * Where things lie in Koji's file tree (daemon.md 6), which is the same below `topdir` and below `topurl`.
 *
 * Names come from the hub, whose own pattern for tags and targets permits `/` and `..` (daemon.md 10, row 9). Whoever
 * makes a local path of a name, or a URL of a relative path, passes it through `safeComponent` or `safeRelativePath`
 * first; the formulas themselves do not check.
 */
import { Result } from "effect"
import { genericError, type KojiFault } from "./Fault.ts"
import { formatNvra } from "./Nvr.ts"
import { pythonRepr } from "./PythonRepr.ts"

interface BuildPlace {
  readonly name: string
  readonly version: string
  readonly release: string
  /** Null or `DEFAULT` is the tree itself. */
  readonly volume_name?: string | null
}

interface RpmPlace {
  readonly name: string
  readonly version: string
  readonly release: string
  /** `src` for a source package. */
  readonly arch: string
}

/** Koji's `pathinfo` for a tree, given by directory or URL without a slash at its end. */
export const pathInfo = (top: string) => {
  const volume = (name?: string | null) => (name == null || name === "DEFAULT" ? top : `${top}/vol/${name}`)
  const build = (place: BuildPlace) =>
    `${volume(place.volume_name)}/packages/${place.name}/${place.version}/${place.release}`
  const work = (volumeName?: string | null) => `${volume(volumeName)}/work`
  return {
    top,
    volume,
    build,
    /** Files of a type other than rpm: `maven`, `win`, `image`, or one of the site's own. */
    typed: (place: BuildPlace, type: string) => `${build(place)}/${typeDirectories[type] ?? `files/${type}`}`,
    buildLogs: (place: BuildPlace) => `${build(place)}/data/logs`,
    /** Per-arch directories below it have canonical names. */
    repo: (repoId: number, tag: string) => `${top}/repos/${tag}/${repoId}`,
    distRepo: (repoId: number, tag: string, volumeName?: string | null) =>
      `${volume(volumeName)}/repos-dist/${tag}/${repoId}`,
    work,
    /** Where the hub keeps what a task has uploaded. */
    task: (taskId: number, volumeName?: string | null) => `${work(volumeName)}/${taskPath(taskId)}`,
    scratch: () => `${top}/scratch`
  }
}
export type PathInfo = ReturnType<typeof pathInfo>

const typeDirectories: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  maven: "maven",
  win: "win",
  image: "images"
})

/** A task's directory below `work`, on the hub and on the builder alike; the modulo is not padded. */
export const taskPath = (taskId: number): string => `tasks/${taskId % 10_000}/${taskId}`

/** A package below its build's directory. */
export const rpmPath = (place: RpmPlace): string => `${place.arch}/${formatNvra(place)}.rpm`

/** A signed copy of a package, below its build's directory. */
export const signedRpmPath = (place: RpmPlace, key: string): string => `data/signed/${key}/${rpmPath(place)}`

/** A package's signature header, below its build's directory. */
export const signatureHeaderPath = (place: RpmPlace, key: string): string =>
  `data/sigcache/${key}/${rpmPath(place)}.sig`

/** A buildroot's name: seen by users in `mock_config.log`. */
export const buildrootName = (tag: string, buildrootId: number, repoId: number): string =>
  `${tag}-${buildrootId}-${repoId}`

/** What file systems take at most. */
export const componentBytesMax = 255
/** What the kernel takes at most. */
export const pathBytesMax = 4095

const unsafeCharacter = /[/\p{Cc}\p{Cs}]/u
const encoder = new TextEncoder()

/**
 * A name that is one component of a path and cannot be taken for anything else: no separator, no dot directory, no
 * control character, no leading hyphen that a command would read as an option. Fails with GenericError.
 */
export const safeComponent = (name: string): Result.Result<string, KojiFault> => {
  const problem =
    name === ""
      ? "is empty"
      : name === "." || name === ".."
        ? "is a directory's own or its parent's"
        : name.startsWith("-")
          ? "begins with a hyphen"
          : unsafeCharacter.test(name)
            ? "has a slash or a control character"
            : encoder.encode(name).length > componentBytesMax
              ? `is longer than ${componentBytesMax} bytes`
              : null
  return problem === null
    ? Result.succeed(name)
    : Result.fail(genericError(`unsafe file name ${pythonRepr(name.slice(0, componentBytesMax))}: it ${problem}`))
}

/** A path below a directory: safe components, one slash between two (daemon.md 10, row 8). Fails with GenericError. */
export const safeRelativePath = (path: string): Result.Result<string, KojiFault> =>
  encoder.encode(path).length > pathBytesMax
    ? Result.fail(genericError(`unsafe path: it is longer than ${pathBytesMax} bytes`))
    : Result.map(Result.all(path.split("/").map(safeComponent)), (components) => components.join("/"))
