/**
 * What is kept beside an image, and what of it goes into the logs of the tasks that use it.
 *
 * The directory it comes from was writable where packages' scriptlets ran as root: only plain files with names of ours
 * are taken out of it, and no link is followed (`SourceFile.ts`).
 */
import { appendFile, mkdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { buildrootError } from "../koji/Fault.ts"
import { type PackageEntry, parsePackageList } from "../koji/PackageList.ts"
import { type ImageRecord, ImageStore } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { copyPlain, listPlain, readPlain, readSmall } from "./SourceFile.ts"
import { Workspace } from "./Workspace.ts"

/** Some ten thousand packages. */
const packageListBytesMax = 16 * 1024 * 1024
/** The headers of that many packages. */
const stateBytesMax = 1024 * 1024 * 1024
/** A package manager's log of one transaction; what is beyond is not kept. */
const logBytesMax = 64 * 1024 * 1024

/** Reads the package list that a container left in its out directory. */
export const readPackages = Effect.fnUntraced(function* (out: string) {
  const text = yield* readPlain(join(out, "packages.tsv"), packageListBytesMax).pipe(Effect.orElseSucceed(() => ""))
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

/** What of a step belongs beside its image. */
export interface KeepRequest {
  readonly step: string
  /** The captures that are the image's transcript, in order. */
  readonly captures: ReadonlyArray<string>
  /** The out directory that has `state.tar`. */
  readonly state: string
  /** Out directories with a `log/` of the package manager's. */
  readonly logs: ReadonlyArray<string>
}

/** Gathers it in a directory for the store to take over: `state.tar`, `log/`, `transcript`. */
export const keepFiles = Effect.fnUntraced(function* (request: KeepRequest) {
  const workspace = yield* Workspace
  const kept = yield* workspace.fresh(`${request.step}-kept`)
  yield* Effect.promise(async () => {
    await mkdir(join(kept, "log"))
    for (const capture of request.captures) {
      await appendFile(join(kept, "transcript"), await readFile(capture))
    }
  })
  yield* copyPlain(join(request.state, "state.tar"), join(kept, "state.tar"), stateBytesMax).pipe(
    Effect.mapError((error) => buildrootError(`the root left no state to build on: ${error.message}`))
  )
  for (const out of request.logs) {
    for (const name of yield* listPlain(join(out, "log"))) {
      if (!logName.test(name)) continue
      yield* copyPlain(join(out, "log", name), join(kept, "log", name), logBytesMax).pipe(
        Effect.catch((error) => Effect.logWarning(`${name} is not kept: ${error.message}`))
      )
    }
  }
  return kept
})

/** `dnf.log`, `dnf.librepo.log`, …: the names they have in a root. */
const logName = /^[a-z0-9.]+\.log$/

/** An image that was made for another task: what was said at its making belongs into this task's logs too. */
export const tellTranscript = Effect.fnUntraced(function* (record: ImageRecord) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const path = join(store.files(record.key), "transcript")
  const transcript = yield* Effect.promise(() => readFile(path).catch(() => new Uint8Array()))
  yield* logs.root(`using the image ${record.image}, made before from the same packages; this was its making:`)
  yield* logs.append(["root.log", "mock_output.log"], transcript)
})

/** The package manager's own logs in this directory, added to the task's of the same names. */
export const copyPackageManagerLogs = Effect.fnUntraced(function* (directory: string) {
  const logs = yield* KojiLogs
  for (const name of yield* listPlain(directory)) {
    if (logName.test(name)) yield* logs.append([name], yield* readSmall(join(directory, name), logBytesMax))
  }
})
