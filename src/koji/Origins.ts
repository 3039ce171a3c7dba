/**
 * Which installed packages came from which external repository (tasks.md 2.10).
 *
 * A repository merged of several has an `origin` list: a line a package, saying which source it was taken from. Every
 * installed package must be on it, from a known external repository or from the tag's own part of the merge; the hub
 * looks up packages of the first kind by `location`, all others among its own.
 */
import { Result } from "effect"
import { buildError, type KojiFault } from "./Fault.ts"
import { formatNvra, parseNvra } from "./Nvr.ts"
import { splitWords } from "./PythonSpace.ts"

/** Source URLs by `name-version-release.arch`. */
export type Origins = ReadonlyMap<string, string>

/** The part of `getExternalRepoList`'s rows that matters here; the rest is passed on as it is. */
export interface ExternalRepo {
  readonly external_repo_id: number
  /** With `$arch` for the arch. */
  readonly url: string
}

interface Named {
  readonly name: string
  readonly version: string
  readonly release: string
  readonly arch: string
}

/** What the hub wants to know of a package from outside. */
export type Located<P, R> = P & { readonly external_repo?: R; readonly location?: number }

/** Reads the unpacked list: `[epoch:]name-version-release.arch url`. Fails with GenericError on what is no NVRA. */
export const parseOrigins = (text: string): Result.Result<Origins, KojiFault> =>
  Result.gen(function* () {
    const origins = new Map<string, string>()
    for (const line of text.split("\n")) {
      const [nvra, url] = splitWords(line)
      if (nvra === undefined || url === undefined) continue
      origins.set(formatNvra(yield* parseNvra(nvra)), url)
    }
    return origins
  })

/** Marks what came from outside. Fails with BuildError for a package whose origin is missing or unknown. */
export const markExternal = <P extends Named, R extends ExternalRepo>(
  packages: ReadonlyArray<P>,
  origins: Origins,
  repo: { readonly id: number; readonly arch: string; readonly external: ReadonlyArray<R> }
): Result.Result<ReadonlyArray<Located<P, R>>, KojiFault> => {
  const byUrl = new Map(repo.external.map((row) => [row.url.replaceAll("$arch", repo.arch), row]))
  // The merge began with the tag's own packages in a directory of this name.
  const ownTail = `/repo_${repo.id}_premerge/`
  const located: Array<Located<P, R>> = []
  for (const entry of packages) {
    const url = origins.get(formatNvra(entry))
    if (url === undefined) return Result.fail(buildError(`No origin for ${formatNvra(entry)}`))
    const row = byUrl.get(url)
    if (row !== undefined) located.push({ ...entry, external_repo: row, location: row.external_repo_id })
    else if (url.startsWith("file://") && url.endsWith(ownTail)) located.push(entry)
    else return Result.fail(buildError(`Unknown origin for ${formatNvra(entry)}: ${url}`))
  }
  return Result.succeed(located)
}

const originData = /^<data\b[^>]*\btype=(["'])origin\1/
const locationElement = /<location\b[^>]*\bhref=(["'])(.*?)\1/

/** Where `repomd.xml` says the origin list is, relative to the repository; undefined when it lists none. */
export const originLocation = (repomd: string): string | undefined => {
  for (const part of repomd.split("</data>")) {
    const element = part.slice(part.lastIndexOf("<data"))
    if (originData.test(element)) return locationElement.exec(element)?.[2]
  }
  return undefined
}
