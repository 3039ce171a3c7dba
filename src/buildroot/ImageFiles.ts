/** What is kept beside an image, and what of it goes into the logs of the tasks that use it. */
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { buildrootError } from "../koji/Fault.ts"
import { type PackageEntry, parsePackageList } from "../koji/PackageList.ts"
import { type ImageRecord, ImageStore } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"

/** Reads a package list that a container wrote. */
export const readPackages = Effect.fnUntraced(function* (path: string) {
  const text = yield* Effect.promise(() => readFile(path, "utf8").catch(() => ""))
  const parsed = parsePackageList(text)
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

/** Readies a step's output directory for the store: transcript, dnf's logs, rpm database; nothing else. */
export const keepFiles = Effect.fnUntraced(function* (out: string, transcript: string) {
  yield* Effect.promise(async () => {
    await mkdir(join(out, "log"), { recursive: true })
    await rm(join(out, "cache"), { recursive: true, force: true })
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
export const copyPackageManagerLogs = Effect.fnUntraced(function* (record: ImageRecord) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const directory = join(store.files(record.key), "log")
  const names = yield* Effect.promise(() => readdir(directory).catch(() => []))
  for (const name of names.filter((file) => /^[a-z0-9.]+\.log$/.test(file)).sort()) {
    yield* logs.append([name], yield* Effect.promise(() => readFile(join(directory, name))))
  }
})
