/**
 * The lock that keeps a second daemon out of a state directory.
 *
 * It is an open exclusive transaction of SQLite on the file `lock`, which is to say a POSIX record lock taken by code
 * that knows their traps. The system drops it with the process, however that ends, so there is no stale lock to
 * judge. An abstract unix socket would do the same, but its name belongs to a network namespace, not to the
 * directory: two daemons in two containers with one state directory would both get it, and any local user could take it
 * first. A file with a process number in it is only told to people: numbers are used again.
 */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Clock, DateTime, Effect } from "effect"
import { Disk } from "./Disk.ts"
import { JournalBusy, StateDirectoryRefused } from "./JournalError.ts"
import { writeWhole } from "./StreamFile.ts"

const holderBytesMax = 256

/** Holds the directory for this process until the scope ends. Fails with `JournalBusy`, which names the holder. */
export const holdDirectory = Effect.fn("StateLock.hold")(function* (directory: string) {
  const disk = yield* Disk
  const holderFile = join(directory, "lock.holder")
  const told = yield* Effect.acquireRelease(
    Effect.sync(() => take(join(directory, "lock"))),
    (lock) => Effect.sync(() => lock.database?.close())
  )
  if (told.refusal === "busy") {
    const holder = yield* disk.read(holderFile, holderBytesMax).pipe(
      Effect.map((bytes) => new TextDecoder().decode(bytes).replace(/[^ -~]/g, "")),
      Effect.orElseSucceed(() => "")
    )
    const who = holder === "" ? "another daemon" : `another daemon (${holder})`
    return yield* new JournalBusy({ message: `${who} holds ${directory}` })
  }
  if (told.refusal !== undefined) {
    return yield* new StateDirectoryRefused({ path: directory, message: `cannot be locked: ${told.refusal}` })
  }
  const since = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  const holder = new TextEncoder().encode(`process ${process.pid}, since ${since}`)
  yield* Effect.ignore(writeWhole(disk, holderFile, "emptied", holder))
})

interface Lock {
  readonly database: DatabaseSync | undefined
  readonly refusal: string | undefined
}

const take = (file: string): Lock => {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec("BEGIN EXCLUSIVE")
    return { database, refusal: undefined }
  } catch (error) {
    database?.close()
    return { database: undefined, refusal: isBusy(error) ? "busy" : String(error) }
  }
}

const sqliteBusy = 5
/** SQLite's number is in the low byte; the rest says which kind of busy. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  "errcode" in error &&
  typeof error.errcode === "number" &&
  (error.errcode & 0xff) === sqliteBusy
