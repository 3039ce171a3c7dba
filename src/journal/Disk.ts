/**
 * The file system, as far as a journal depends on one: the port between the store's promises and what a disk does.
 *
 * It is our own and small because the store lives from distinctions that a general file API blurs: what has reached
 * the system and what has reached the disk, what is in a file and whether the directory knows the file. The adapter
 * over node:fs is `NodeDisk`; `MemoryDisk` can lose whatever was not synced; tests put a disk in between whose nth
 * operation fails.
 */
import { Context, type Effect, Schema, type Scope } from "effect"

export const DiskOperation = Schema.Literals([
  "open",
  "append",
  "datasync",
  "truncate",
  "read",
  "stat",
  "list",
  "make-directory",
  "sync-directory",
  "rename",
  "remove",
  "touch"
])
export type DiskOperation = typeof DiskOperation.Type

/** An operation that failed. `code` is the system's name for the reason: `ENOENT`, `EEXIST`, `ENOSPC`, `EFBIG`. */
export class DiskError extends Schema.TaggedError<DiskError>()("DiskError", {
  operation: DiskOperation,
  path: Schema.String,
  code: Schema.String,
  message: Schema.String
}) {}

/** A file open for appending. */
export interface DiskFile {
  /** Adds all of `bytes` at the end; after a failure any part of them may be there. */
  append(bytes: Uint8Array): Effect.Effect<void, DiskError>
  /** Returns when the contents (not the name) survive the machine. After a failure they may never. */
  readonly datasync: Effect.Effect<void, DiskError>
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Effect.Effect<void, DiskError>
}

/** What stands under a name; links are not followed. */
export interface DiskEntry {
  readonly kind: "file" | "directory" | "symlink" | "other"
  readonly bytes: number
  /** Whether the user of this process owns it. */
  readonly ours: boolean
  /** The permission bits, as 0o700. */
  readonly mode: number
  /** When it was last written to, in milliseconds since the epoch. */
  readonly modifiedAt: number
}

export class Disk extends Context.Service<
  Disk,
  {
    /**
     * Opens a file for appending, for our user alone (0600), not through a link; closed with the scope. `new` fails
     * with `EEXIST` when it is there, `existing` with `ENOENT` when it is not, `emptied` takes either and begins anew.
     */
    openAppend(path: string, how: "new" | "existing" | "emptied"): Effect.Effect<DiskFile, DiskError, Scope.Scope>
    /** The whole of a file that is not larger than `bytesMax` (else `EFBIG`). */
    read(path: string, bytesMax: number): Effect.Effect<Uint8Array, DiskError>
    /** The last bytes of a file, at most so many. */
    readEnd(path: string, bytesMax: number): Effect.Effect<Uint8Array, DiskError>
    /** Undefined when there is nothing of this name. */
    stat(path: string): Effect.Effect<DiskEntry | undefined, DiskError>
    /** The names in a directory, in no order. */
    list(path: string): Effect.Effect<ReadonlyArray<string>, DiskError>
    /** Makes a directory for our user alone (0700); nothing happens when the name is taken. */
    makeDirectory(path: string): Effect.Effect<void, DiskError>
    /** Returns when the names in this directory survive the machine. */
    syncDirectory(path: string): Effect.Effect<void, DiskError>
    /** Gives a file another name, in place of whatever had it. */
    rename(from: string, to: string): Effect.Effect<void, DiskError>
    /** Takes a file or an empty directory away; nothing happens when there is none, or a directory is not empty. */
    remove(path: string): Effect.Effect<void, DiskError>
    /** Has a file look as if it had been written to now. */
    touch(path: string): Effect.Effect<void, DiskError>
  }
>()("adjutant/journal/Disk") {}
