import { Effect } from "effect"
import { Disk, DiskError, type DiskFile, type DiskOperation } from "../../src/journal/Disk.ts"

/** What becomes of one operation: it runs, it fails, or it runs and is reported to have failed. */
export type Fate =
  | { readonly _tag: "Runs" }
  /** `part` says how much of an append gets through before it fails; 0 to 1. */
  | { readonly _tag: "Fails"; readonly code: string; readonly part: number }
  | { readonly _tag: "RunsAndFails"; readonly code: string }

export const runs: Fate = { _tag: "Runs" }

/** A disk that asks before every operation what shall become of it. */
export const watchedDisk = (
  disk: Disk["Service"],
  fateOf: (operation: DiskOperation, path: string) => Effect.Effect<Fate>
): Disk["Service"] => {
  const watched = <A, R>(
    operation: DiskOperation,
    path: string,
    real: Effect.Effect<A, DiskError, R>,
    inPart: (part: number) => Effect.Effect<unknown, DiskError> = () => Effect.void
  ) =>
    Effect.flatMap(
      Effect.suspend(() => fateOf(operation, path)),
      (fate) => {
        if (fate._tag === "Runs") return real
        const error = new DiskError({ operation, path, code: fate.code, message: "injected" })
        return Effect.andThen(fate._tag === "Fails" ? inPart(fate.part) : real, Effect.fail(error))
      }
    )
  const file = (path: string, real: DiskFile): DiskFile => ({
    append: (bytes) =>
      watched("append", path, real.append(bytes), (part) =>
        real.append(bytes.subarray(0, Math.floor(bytes.length * part)))
      ),
    datasync: watched("datasync", path, real.datasync),
    truncate: (size) => watched("truncate", path, real.truncate(size))
  })
  return Disk.of({
    openAppend: (path, how) =>
      Effect.map(watched("open", path, disk.openAppend(path, how)), (real) => file(path, real)),
    read: (path, bytesMax) => watched("read", path, disk.read(path, bytesMax)),
    readEnd: (path, bytesMax) => watched("read", path, disk.readEnd(path, bytesMax)),
    stat: (path) => watched("stat", path, disk.stat(path)),
    list: (path) => watched("list", path, disk.list(path)),
    makeDirectory: (path) => watched("make-directory", path, disk.makeDirectory(path)),
    syncDirectory: (path) => watched("sync-directory", path, disk.syncDirectory(path)),
    rename: (from, to) => watched("rename", to, disk.rename(from, to)),
    remove: (path) => watched("remove", path, disk.remove(path)),
    touch: (path) => watched("touch", path, disk.touch(path))
  })
}

/** A disk whose operations are counted. */
export const countedDisk = (disk: Disk["Service"]) => {
  const counts = new Map<DiskOperation, number>()
  return {
    count: (operation: DiskOperation) => counts.get(operation) ?? 0,
    disk: watchedDisk(disk, (operation) =>
      Effect.sync(() => {
        counts.set(operation, (counts.get(operation) ?? 0) + 1)
        return runs
      })
    )
  }
}
