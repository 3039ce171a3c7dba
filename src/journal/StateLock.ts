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
import { Clock, DateTime, Effect, Schedule } from "effect"
import { Disk } from "./Disk.ts"
import { JournalBusy, StateDirectoryRefused } from "./JournalError.ts"
import { writeWhole } from "./StreamFile.ts"

const holderBytesMax = 256

/** Commands that only ask who holds a directory, or sweep behind a daemon that is gone, hold it for a moment. */
const takeTries = 10
const takeInterval = "300 millis"

/** Holds the directory for this process until the scope ends. Fails with `JournalBusy`, which names the holder. */
export const holdDirectory = Effect.fn("StateLock.hold")(function* (directory: string) {
  const disk = yield* Disk
  const holderFile = join(directory, "lock.holder")
  yield* kept(directory).pipe(
    Effect.retry({
      while: ({ _tag }) => _tag === "JournalBusy",
      times: takeTries,
      schedule: Schedule.spaced(takeInterval)
    }),
    Effect.catchTag("JournalBusy", () =>
      Effect.flatMap(toldHolder(directory), (holder) => {
        const who = holder === "" ? "another daemon" : `another daemon (${holder})`
        return Effect.fail(new JournalBusy({ message: `${who} holds ${directory}` }))
      })
    )
  )
  const since = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  const holder = new TextEncoder().encode(`process ${process.pid}, since ${since}`)
  yield* Effect.ignore(writeWhole(disk, holderFile, "emptied", holder))
})

/** The process that holds the directory now, by its number; undefined when nobody does. */
export const holderOf = Effect.fn("StateLock.holderOf")(function* (directory: string) {
  const free = yield* Effect.scoped(kept(directory)).pipe(
    Effect.as(true),
    Effect.catchTag("JournalBusy", () => Effect.succeed(false))
  )
  if (free) return undefined
  const [, pid] = /^process ([0-9]{1,10}),/.exec(yield* toldHolder(directory)) ?? []
  return { pid: pid === undefined ? undefined : Number(pid) }
})

/** What the last holder has said of itself. */
const toldHolder = Effect.fnUntraced(function* (directory: string) {
  const disk = yield* Disk
  return yield* disk.read(join(directory, "lock.holder"), holderBytesMax).pipe(
    Effect.map((bytes) => new TextDecoder().decode(bytes).replace(/[^ -~]/g, "")),
    Effect.orElseSucceed(() => "")
  )
})

/** What is held. A database that nothing refers to, as in a process that only waits, is closed with the garbage. */
const locks = new Set<DatabaseSync>()

const kept = (directory: string) =>
  Effect.acquireRelease(
    Effect.tap(taken(directory), (lock) => Effect.sync(() => locks.add(lock))),
    (lock) =>
      Effect.sync(() => {
        locks.delete(lock)
        lock.close()
      })
  )

const taken = (directory: string) =>
  Effect.suspend((): Effect.Effect<DatabaseSync, JournalBusy | StateDirectoryRefused> => {
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(join(directory, "lock"), { timeout: 0 })
      database.exec("BEGIN EXCLUSIVE")
      return Effect.succeed(database)
    } catch (error) {
      database?.close()
      return Effect.fail(
        isBusy(error)
          ? new JournalBusy({ message: `${directory} is held` })
          : new StateDirectoryRefused({ path: directory, message: `cannot be locked: ${String(error)}` })
      )
    }
  })

const sqliteBusy = 5
/** SQLite's number is in the low byte; the rest says which kind of busy. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  "errcode" in error &&
  typeof error.errcode === "number" &&
  (error.errcode & 0xff) === sqliteBusy
