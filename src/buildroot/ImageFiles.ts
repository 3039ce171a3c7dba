/** What is kept beside an image, and what of it goes into the logs of the tasks that use it. */
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { buildrootError } from "../koji/Fault.ts"
import { type PackageEntry, parsePackageList } from "../koji/PackageList.ts"
import { type ImageRecord, ImageStore } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { readSmall } from "./SourceFile.ts"

/** A list of packages, or a log of the package manager's, is cut beyond this. */
const listBytesMax = 64 * 1024 * 1024
const logBytesMax = 64 * 1024 * 1024

/** Reads a package list that a container wrote. */
export const readPackages = Effect.fnUntraced(function* (path: string) {
  const parsed = parsePackageList(yield* readSmall(path, listBytesMax))
  if (Result.isSuccess(parsed)) return parsed.success
  return yield* buildrootError(
    `Can't get list of installed rpms: line ${parsed.failure.line}: ${parsed.failure.message}`
  )
})

/** Whether two lists name the same packages. */
export const samePackages = (a: ReadonlyArray<PackageEntry>, b: ReadonlyArray<PackageEntry>): boolean => {
  const names = (list: ReadonlyArray<PackageEntry>) =>
    list
      .map((entry) => `${entry.name}-${entry.version}-${entry.release}.${entry.arch}`)
      .sort()
      .join("\n")
  return names(a) === names(b)
}

/**
 * Readies a step's output directory for the store: transcript, dnf's logs, rpm database; nothing else. Packages' own
 * scripts ran as root where they could write to it, so whatever is not what it should be goes first: a link in the place
 * of a file that is about to be written would have the host write elsewhere.
 */
export const keepFiles = Effect.fnUntraced(function* (out: string, transcript: string) {
  yield* Effect.promise(async () => {
    for (const entry of await readdir(out, { withFileTypes: true })) {
      const kept = entry.isDirectory() && ["log", "rpmdb"].includes(entry.name)
      if (!kept) await rm(join(out, entry.name), { recursive: true, force: true })
    }
    await mkdir(join(out, "log"), { recursive: true })
    await cp(transcript, join(out, "transcript"))
  })
  return out
})

/** An image that was made for another task: what was said at its making belongs into this task's logs too. */
export const tellTranscript = Effect.fnUntraced(function* (record: ImageRecord) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const path = join(store.files(record.key), "transcript")
  const transcript = yield* Effect.promise(() => readFile(path).catch(() => new Uint8Array()))
  yield* logs.root(`using the image ${record.image}, made before from the same packages; this was its making:`)
  yield* logs.append(["root.log", "mock_output.log"], transcript)
})

/** The package manager's own logs, under the names they have in a root (`dnf.log`, `dnf.librepo.log`, …). */
export const copyPackageManagerLogs = Effect.fnUntraced(function* (directory: string) {
  const logs = yield* KojiLogs
  const names = yield* Effect.promise(() => readdir(directory).catch(() => []))
  for (const name of names.filter((file) => /^[a-z0-9.]+\.log$/.test(file)).sort()) {
    yield* logs.append([name], yield* readSmall(join(directory, name), logBytesMax))
  }
})
