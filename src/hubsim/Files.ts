/**
 * Moving files about in the hub's tree. What a build or a repo takes over is renamed, and a link is left where it was
 * uploaded, so that a task's output can still be listed and fetched there (koji `move_and_symlink`).
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync
} from "node:fs"
import { dirname, relative } from "node:path"
import { Effect, Result } from "effect"
import { genericError, type KojiFault, otherError } from "../koji/Fault.ts"
import { headerBytesNeeded, parseRpmHeader, type RpmHeader } from "../koji/RpmHeader.ts"

export const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false

/** A regular file, and no link to one. */
export const isPlainFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** Moves a file; a destination that is there already is a GenericError (1000). */
export const move = (from: string, to: string): Effect.Effect<void, KojiFault> =>
  Effect.suspend(() => {
    if (isLink(to)) return Effect.fail(genericError(`Destination is a symlink: ${to}`))
    if (existsSync(to)) return Effect.fail(genericError(`Destination exists: ${to}`))
    return Effect.sync(() => {
      mkdirSync(dirname(to), { recursive: true })
      relocate(from, to)
    })
  })

/** Moves a file and leaves a relative link to where it went. */
export const moveAndLink = (from: string, to: string): Effect.Effect<void, KojiFault> =>
  Effect.andThen(
    move(from, to),
    Effect.sync(() => symlinkSync(relative(dirname(from), to), from))
  )

const relocate = (from: string, to: string) => {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error
    copyFileSync(from, to)
    rmSync(from)
  }
}

/** The same file at a second place: a hard link where that is possible, else a copy. */
export const linkOrCopy = (from: string, to: string) => {
  mkdirSync(dirname(to), { recursive: true })
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}

/** Points a link at another target. */
export const relink = (target: string, link: string) => {
  if (isLink(link)) unlinkSync(link)
  symlinkSync(target, link)
}

/** Reads a package's header and no more of it. Fails with the fault of an exception that nobody expected. */
export const readHeader = (path: string): Effect.Effect<RpmHeader, KojiFault> =>
  Effect.suspend(() => {
    const descriptor = openSync(path, "r")
    try {
      let bytes = new Uint8Array(0)
      for (;;) {
        const needed = headerBytesNeeded(bytes)
        if (Result.isFailure(needed)) return Effect.fail(otherError(`${path}: ${needed.failure.message}`))
        if (bytes.length >= needed.success) break
        const more = new Uint8Array(needed.success)
        const length = readSync(descriptor, more, 0, more.length, 0)
        if (length <= bytes.length) return Effect.fail(otherError(`${path}: the header is cut short`))
        bytes = more.subarray(0, length)
      }
      return Effect.fromResult(
        Result.mapError(parseRpmHeader(bytes), ({ message }) => otherError(`${path}: ${message}`))
      )
    } finally {
      closeSync(descriptor)
    }
  })
