/** Names of builds and packages: name, version and release, with an arch or without. */
import { Result } from "effect"
import { genericError, type KojiFault } from "./Fault.ts"

export interface Nvr {
  readonly name: string
  readonly version: string
  readonly release: string
  /** As written before the name, `1:bash-5.2-1`; null when it is not. */
  readonly epoch: string | null
}

export interface Nvra extends Nvr {
  readonly arch: string
  /** What follows an `@`: Koji's mark for where an external rpm comes from. */
  readonly location: string | null
}

const invalid = (text: string) => Result.fail(genericError(`invalid format: ${text}`))

/** Splits at the last two hyphens, as `koji.parse_NVR`. Fails with GenericError where there are not two. */
export const parseNvr = (text: string): Result.Result<Nvr, KojiFault> => {
  const beforeRelease = text.lastIndexOf("-")
  if (beforeRelease === -1 || beforeRelease === text.length - 1) return invalid(text)
  const head = text.slice(0, beforeRelease)
  const beforeVersion = head.lastIndexOf("-")
  if (beforeVersion === -1 || beforeVersion === beforeRelease - 1) return invalid(text)
  const name = head.slice(0, beforeVersion)
  const colon = name.indexOf(":")
  return Result.succeed({
    name: name.slice(colon + 1),
    version: head.slice(beforeVersion + 1),
    release: text.slice(beforeRelease + 1),
    epoch: colon === -1 ? null : name.slice(0, colon)
  })
}

/** As `koji.parse_NVRA`: the arch is what follows the last dot, `.rpm` and an `@location` may follow it. */
export const parseNvra = (text: string): Result.Result<Nvra, KojiFault> => {
  const at = text.indexOf("@")
  const location = at === -1 || at === text.length - 1 ? null : text.slice(at + 1)
  const file = at === -1 ? text : text.slice(0, at)
  const nvra = file.endsWith(".rpm") ? file.slice(0, -4) : file
  const dot = nvra.lastIndexOf(".")
  if (dot === -1 || dot === nvra.length - 1) return invalid(nvra)
  return Result.map(parseNvr(nvra.slice(0, dot)), (nvr) => ({ ...nvr, arch: nvra.slice(dot + 1), location }))
}

/** `name-version-release`, without the epoch, as everywhere in Koji. */
export const formatNvr = (nvr: Pick<Nvr, "name" | "version" | "release">): string =>
  `${nvr.name}-${nvr.version}-${nvr.release}`

/** `name-version-release.arch`. */
export const formatNvra = (nvra: Pick<Nvra, "name" | "version" | "release" | "arch">): string =>
  `${formatNvr(nvra)}.${nvra.arch}`
