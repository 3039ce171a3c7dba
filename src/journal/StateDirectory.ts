/**
 * The directory that everything the daemon knows is under: its journals and large values, and the id by which its
 * containers are known. It belongs to one user and, while a daemon runs, to one process.
 */
import { randomBytes } from "node:crypto"
import { dirname, isAbsolute, join, normalize } from "node:path"
import { Context, Effect, Layer } from "effect"
import { InstanceId } from "../core/Ids.ts"
import { Disk, type DiskError } from "./Disk.ts"
import { StateDirectoryRefused } from "./JournalError.ts"
import { holdDirectory } from "./StateLock.ts"
import { writeWhole } from "./StreamFile.ts"

export class StateDirectory extends Context.Service<
  StateDirectory,
  {
    readonly path: string
    /** The random id of this directory: the owner of containers and images. It never changes. */
    readonly instance: InstanceId
  }
>()("adjutant/journal/StateDirectory") {}

/** Readable in the names of containers, and enough for every builder there is. */
const instanceDigits = 12
const instanceForm = new RegExp(`^[0-9a-f]{${instanceDigits}}$`)
const instanceBytesMax = 64

/**
 * The state directory, made with its parents if it is not there, and held against every other daemon. Fails with
 * `StateDirectoryRefused` when it is a link, not a directory, another user's, or open to group or others; with
 * `JournalBusy` when another daemon has it.
 */
export const layer = (options: { readonly path: string }) => Layer.effect(StateDirectory, hold(options.path))

const hold = Effect.fn("StateDirectory.hold")(function* (given: string) {
  const refused = (message: string) => new StateDirectoryRefused({ path: given, message })
  if (!isAbsolute(given)) return yield* refused("the state directory must be an absolute path")
  // A slash at the end would make the system follow a link.
  const path = normalize(given).replace(/(?<=.)\/+$/, "")
  yield* makeWithParents(path).pipe(Effect.mapError((error) => refused(told(error))))
  yield* refuseUnsafe(path)
  yield* holdDirectory(path)
  const instance = yield* instanceOf(path).pipe(
    Effect.catchTag("DiskError", (error) => Effect.fail(refused(told(error))))
  )
  return { path, instance }
})

const told = (error: DiskError) => `${error.operation} of ${error.path} failed (${error.code}): ${error.message}`

/** Makes what is missing on the way, each name durable. */
const makeWithParents: (path: string) => Effect.Effect<void, DiskError, Disk> = Effect.fnUntraced(function* (path) {
  const disk = yield* Disk
  if ((yield* disk.stat(path)) !== undefined) return
  const parent = dirname(path)
  yield* makeWithParents(parent)
  yield* disk.makeDirectory(path)
  yield* disk.syncDirectory(parent)
})

/** Fails with `StateDirectoryRefused` when a directory is a link, none, another user's, or open to group or others. */
export const refuseUnsafe = Effect.fnUntraced(function* (path: string) {
  const disk = yield* Disk
  const refused = (message: string) => new StateDirectoryRefused({ path, message })
  const entry = yield* disk.stat(path).pipe(Effect.mapError((error) => refused(told(error))))
  if (entry === undefined) return yield* refused("it went away")
  if (entry.kind === "symlink") return yield* refused("it is a symbolic link; name the directory itself")
  if (entry.kind !== "directory") return yield* refused("it is not a directory")
  if (!entry.ours) return yield* refused("it belongs to another user")
  if ((entry.mode & 0o077) !== 0) {
    const mode = entry.mode.toString(8)
    return yield* refused(`it is open to group or others (mode ${mode}); make it 0700 and look who has been there`)
  }
})

/** Reads the id, or makes it: complete or not at all, since containers are found again by it. */
const instanceOf = Effect.fnUntraced(function* (directory: string) {
  const disk = yield* Disk
  const path = join(directory, "instance")
  if ((yield* disk.stat(path)) === undefined) {
    const made = randomBytes(instanceDigits / 2).toString("hex")
    yield* writeWhole(disk, `${path}.new`, "emptied", new TextEncoder().encode(`${made}\n`))
    yield* disk.rename(`${path}.new`, path)
  }
  yield* disk.syncDirectory(directory)
  const id = new TextDecoder().decode(yield* disk.read(path, instanceBytesMax)).trimEnd()
  if (!instanceForm.test(id)) {
    const message = `${path} does not hold an id of ${instanceDigits} hexadecimal digits; containers are owned by it`
    return yield* new StateDirectoryRefused({ path: directory, message })
  }
  return InstanceId.make(id)
})
