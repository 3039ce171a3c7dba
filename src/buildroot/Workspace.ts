/**
 * An attempt's own directory on the builder: made empty before the handler starts, removed once the attempt has ended.
 * A process that goes on with an attempt finds it as it was left.
 *
 * `/builddir` and `/chroot_tmpdir` of every container of the attempt are directories in here, so they outlive steps,
 * their contents are read from the host without copying out of a container, and nothing is left on the engine
 * (adr/0007). The build user owns them; everything read back is read without following links.
 */

import { chown, mkdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import { AttemptJournal, type PastEvent } from "../journal/AttemptJournal.ts"
import { GiveBack } from "../koji/Fault.ts"

/** The unprivileged user that runs rpmbuild, and its group: mock's `mockbuild` and `mock` (tasks.md 2B). */
export const buildUser = { name: "mockbuild", uid: 1000, group: "mock", gid: 135 } as const

export class Workspace extends Context.Service<
  Workspace,
  {
    readonly root: string
    /** `<task>-<attempt>`: by which the image store knows who pins what. */
    readonly attempt: string
    /** `/builddir`, owned by the build user. */
    readonly builddir: string
    /** `/chroot_tmpdir`, owned by root. */
    readonly chrootTmpdir: string
    /** The raw output of each container step. */
    readonly captures: string
    /** Koji's logs, as they are uploaded. */
    readonly logs: string
    /** Files fetched from the hub. */
    readonly input: string
    /** Where a step that runs as the build user leaves word of how far it came. */
    readonly status: string
    /** Where a directory for one step's use is. */
    place(name: string): string
    /** Makes it, empty. */
    fresh(name: string): Effect.Effect<string>
  }
>()("adjutant/buildroot/Workspace") {
  /**
   * The directory of this attempt below `directory`; whoever concludes the attempt removes it. Fails with `GiveBack` when an
   * attempt that has begun finds it gone: what its steps left in it cannot be had again.
   */
  static readonly layer = (directory: string, task: TaskId, attempt: AttemptNumber) =>
    Layer.effect(
      Workspace,
      Effect.gen(function* () {
        const journal = yield* AttemptJournal
        const root = workspaceRoot(directory, task, attempt)
        const worked = hasWorked(journal.history)
        if (worked && !(yield* Effect.promise(() => exists(root)))) {
          return yield* new GiveBack({ message: `the attempt's working directory ${root} is gone` })
        }
        if (!worked) yield* Effect.promise(() => makeEmpty(root))
        const place = (name: string) => join(root, "steps", name)
        return Workspace.of({
          root,
          attempt: `${task}-${attempt}`,
          builddir: join(root, "builddir"),
          chrootTmpdir: join(root, "chroot_tmpdir"),
          captures: join(root, "captures"),
          logs: join(root, "logs"),
          input: join(root, "input"),
          status: join(root, "status"),
          place,
          fresh: Effect.fn("Workspace.fresh")((name) => Effect.promise(() => emptied(place(name))))
        })
      })
    )
}

const makeEmpty = async (root: string): Promise<void> => {
  await rm(root, { recursive: true, force: true })
  for (const name of ["builddir", "chroot_tmpdir", "captures", "logs", "input", "status", "steps"]) {
    await mkdir(join(root, name), { recursive: true, mode: 0o755 })
  }
  for (const name of ["builddir", "status"]) await giveToBuildUser(join(root, name))
}

/** Where the directory of an attempt is. */
export const workspaceRoot = (directory: string, task: TaskId, attempt: AttemptNumber): string =>
  join(directory, "work", `${task}-${attempt}`)

/** Never fails: what is left is removed at the daemon's next start. */
export const removeWorkspace = (root: string): Effect.Effect<void> =>
  Effect.promise(() => rm(root, { recursive: true, force: true })).pipe(Effect.ignoreCause)

/** Whether the task's program has come to a step of its own: what comes before is the opening of the task. */
const hasWorked = (history: ReadonlyArray<PastEvent>): boolean =>
  history.some(({ event }) => event._tag === "StepIntended" && !/^open(Task$|\/)/.test(event.step))

/** Whether this is what Node says when the disk is full, or our share of it. */
export const isNoSpace = (cause: unknown): cause is Error =>
  cause instanceof Error && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT")

/** Whether this is what Node says of a path at which there is nothing. */
export const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** Whether there is anything at this path. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false
  )

const emptied = async (path: string): Promise<string> => {
  await rm(path, { recursive: true, force: true })
  await mkdir(path, { recursive: true, mode: 0o755 })
  return path
}

/** Hands a file or directory to the build user. Only root can; anyone else already is the only user there is. */
export const giveToBuildUser = async (path: string): Promise<void> => {
  if (process.getuid?.() === 0) await chown(path, buildUser.uid, buildUser.gid)
}
