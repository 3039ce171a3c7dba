/**
 * The real disk, over node:fs with plain descriptors: an append costs one write and nothing else on the way to its
 * sync.
 */
import fs from "node:fs"
import { Effect, Layer } from "effect"
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

const failure = (operation: DiskOperation, path: string, error: NodeJS.ErrnoException) =>
  new DiskError({ operation, path, code: error.code ?? "EIO", message: error.message })

const open = (path: string, flags: number) =>
  Effect.acquireRelease(
    call<number>("open", path, (done) => fs.open(path, flags, 0o600, done)),
    // What a close could report, a sync has reported before.
    (descriptor) =>
      call<void>("open", path, (done) => fs.close(descriptor, (error) => done(error ?? null))).pipe(Effect.ignore)
  )

/** One write in nearly every case; the system may take less than it was given, then the rest follows. */
const append = (path: string, descriptor: number, bytes: Uint8Array) =>
  call<void>("append", path, (done) => {
    const from = (offset: number) =>
      fs.write(descriptor, bytes, offset, bytes.length - offset, null, (error, written) => {
        if (error !== null) return done(error)
        if (offset + written < bytes.length) return from(offset + written)
        return done(null)
      })
    from(0)
  })

const entry = (stats: fs.Stats): DiskEntry => ({
  kind: stats.isSymbolicLink() ? "symlink" : stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other",
  bytes: stats.size,
  ours: stats.uid === process.geteuid?.(),
  mode: stats.mode & 0o7777
})

const stat = (path: string) =>
  call<fs.Stats>("stat", path, (done) => fs.lstat(path, done)).pipe(
    Effect.map((stats): DiskEntry | undefined => entry(stats)),
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error)))
  )

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
  stat,
  list: (path) => call<ReadonlyArray<string>>("list", path, (done) => fs.readdir(path, done)),
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
  rename: (from, to) => call<void>("rename", to, (done) => fs.rename(from, to, done))
})

export const layer = Layer.succeed(Disk, disk)
