/** The real disk, over node:fs with plain descriptors. */
import fs from "node:fs"
import { Clock, Effect, Layer } from "effect"
import { Disk, type DiskEntry, DiskError, type DiskFile, type DiskOperation } from "./Disk.ts"

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = fs.constants
const modeOf = {
  new: O_WRONLY | O_APPEND | O_NOFOLLOW | O_CREAT | O_EXCL,
  existing: O_WRONLY | O_APPEND | O_NOFOLLOW,
  emptied: O_WRONLY | O_APPEND | O_NOFOLLOW | O_CREAT | O_TRUNC
} as const

type Done<A> = (error: NodeJS.ErrnoException | null, value: A) => void

const call = <A>(operation: DiskOperation, path: string, start: (done: Done<A>) => void) =>
  Effect.callback<A, DiskError>((resume) =>
    start((error, value) =>
      resume(error === null ? Effect.succeed(value) : Effect.fail(failure(operation, path, error)))
    )
  )

const failure = (operation: DiskOperation, path: string, error: unknown) => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "EIO"
  return new DiskError({ operation, path, code, message: error instanceof Error ? error.message : String(error) })
}

const open = (path: string, flags: number) =>
  Effect.acquireRelease(
    call<number>("open", path, (done) => fs.open(path, flags, 0o600, done)),
    // What a close could report, a sync has reported before.
    (descriptor) =>
      call<void>("open", path, (done) => fs.close(descriptor, (error) => done(error ?? null))).pipe(Effect.ignore)
  )

/**
 * Lines go to the system's memory here and now, which takes microseconds: to hand them to a thread and back costs more
 * than half of what a sync costs on a good disk. What is large goes to the thread.
 */
const append = (path: string, descriptor: number, bytes: Uint8Array) =>
  bytes.length > atOnceBytesMax
    ? call<void>("append", path, (done) => writeRest(descriptor, bytes, 0, done))
    : Effect.suspend(() => {
        try {
          for (let written = 0; written < bytes.length; ) written += fs.writeSync(descriptor, bytes, written)
          return Effect.void
        } catch (error) {
          return Effect.fail(failure("append", path, error))
        }
      })

const atOnceBytesMax = 64 * 1024

/** The system may take less than it is given. */
const writeRest = (descriptor: number, bytes: Uint8Array, offset: number, done: Done<void>): void =>
  fs.write(descriptor, bytes, offset, bytes.length - offset, null, (error, written) => {
    if (error !== null || offset + written === bytes.length) return done(error)
    return writeRest(descriptor, bytes, offset + written, done)
  })

/** Here and now, for the same reason: a start asks this of every journal there is. */
const readEnd = (path: string, bytesMax: number) =>
  Effect.suspend(() => {
    let descriptor: number | undefined
    try {
      descriptor = fs.openSync(path, O_RDONLY | O_NOFOLLOW)
      const { size } = fs.fstatSync(descriptor)
      const bytes = Buffer.allocUnsafe(Math.min(size, bytesMax))
      return Effect.succeed(bytes.subarray(0, fs.readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)))
    } catch (error) {
      return Effect.fail(failure("read", path, error))
    } finally {
      if (descriptor !== undefined) fs.closeSync(descriptor)
    }
  })

/** So does it ask for the names in every task's directory. */
const list = (path: string) =>
  Effect.try({
    try: (): ReadonlyArray<string> => fs.readdirSync(path),
    catch: (error) => failure("list", path, error)
  })

const entry = (stats: fs.Stats): DiskEntry => ({
  kind: stats.isSymbolicLink() ? "symlink" : stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other",
  bytes: stats.size,
  ours: stats.uid === process.geteuid?.(),
  mode: stats.mode & 0o7777,
  modifiedAt: stats.mtimeMs
})

const stat = (path: string) =>
  call<fs.Stats>("stat", path, (done) => fs.lstat(path, done)).pipe(
    Effect.map((stats): DiskEntry | undefined => entry(stats)),
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error)))
  )

const stays = ["ENOENT", "ENOTEMPTY", "EEXIST"]

const disk = Disk.of({
  openAppend: (path, how) =>
    Effect.map(
      open(path, modeOf[how]),
      (descriptor): DiskFile => ({
        append: (bytes) => append(path, descriptor, bytes),
        datasync: call<void>("datasync", path, (done) => fs.fdatasync(descriptor, done)),
        truncate: (size) => call<void>("truncate", path, (done) => fs.ftruncate(descriptor, size, done))
      })
    ),
  read: Effect.fnUntraced(function* (path, bytesMax) {
    const found = yield* stat(path)
    if (found !== undefined && found.bytes > bytesMax) {
      const message = `${path} has ${found.bytes} bytes, the limit is ${bytesMax}`
      return yield* new DiskError({ operation: "read", path, code: "EFBIG", message })
    }
    return yield* call<Uint8Array>("read", path, (done) => fs.readFile(path, { flag: O_RDONLY | O_NOFOLLOW }, done))
  }),
  readEnd,
  stat,
  list,
  makeDirectory: (path) =>
    call<void>("make-directory", path, (done) => fs.mkdir(path, { mode: 0o700 }, done)).pipe(
      Effect.catch((error) => (error.code === "EEXIST" ? Effect.void : Effect.fail(error)))
    ),
  syncDirectory: (path) =>
    Effect.scoped(
      Effect.flatMap(open(path, O_RDONLY | O_DIRECTORY), (descriptor) =>
        call<void>("sync-directory", path, (done) => fs.fsync(descriptor, done))
      )
    ),
  rename: (from, to) => call<void>("rename", to, (done) => fs.rename(from, to, done)),
  remove: (path) =>
    Effect.flatMap(stat(path), (found) =>
      call<void>("remove", path, (done) => (found?.kind === "directory" ? fs.rmdir(path, done) : fs.unlink(path, done)))
    ).pipe(Effect.catch((error) => (stays.includes(error.code) ? Effect.void : Effect.fail(error)))),
  touch: (path) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      call<void>("touch", path, (done) => fs.utimes(path, now / 1000, now / 1000, done))
    )
})

export const layer = Layer.succeed(Disk, disk)
