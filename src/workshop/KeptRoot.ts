/** The kept root of a failed build: which one somebody means, and where they would be in it. */
import { join } from "node:path"
import { Effect, Option, Schema, Stream } from "effect"
import { type FailedRoot, failedRootOutput, failedRootsBelow, failedRootsIn, nameOf } from "../buildroot/FailedRoot.ts"
import type { TaskId } from "../core/Ids.ts"
import { readChunks, regularFile } from "../inspect/Files.ts"
import { harmlessLines } from "../inspect/Harmless.ts"

export class NoKeptRoot extends Schema.TaggedError<NoKeptRoot>()("NoKeptRoot", { message: Schema.String }) {}

const rootsBelow = (stateDirectory: string) => failedRootsIn(failedRootsBelow(stateDirectory))

/** Every root that is kept below a state directory, the oldest first. */
export const keptRoots = (stateDirectory: string) => Effect.map(rootsBelow(stateDirectory), ({ roots }) => roots)

/** The root of a task's last attempt that failed, or of the one given. Fails, in words, when none is kept. */
export const keptRoot = Effect.fn("keptRoot")(function* (stateDirectory: string, task: TaskId, attempt: number | null) {
  const { roots: all, unread } = yield* rootsBelow(stateDirectory)
  const ofTask = all.filter((root) => root.task === task).sort((a, b) => b.attempt - a.attempt)
  const found = attempt === null ? ofTask[0] : ofTask.find((root) => root.attempt === attempt)
  if (found !== undefined) return found
  const hidden = unread.find((root) => root.task === task && (attempt === null || root.attempt === attempt))
  if (hidden !== undefined) {
    return yield* new NoKeptRoot({ message: `the kept root ${hidden.path} cannot be read: ${hidden.why}` })
  }
  const none = `no root of task ${task}${attempt === null ? "" : `, attempt ${attempt},`} is kept below ${stateDirectory}`
  const others =
    ofTask.length > 0
      ? `of that task those of attempts ${ofTask.map((root) => root.attempt).join(", ")} are`
      : all.length > 0
        ? `those of ${all.map(nameOf).join(", ")} (task-attempt) are`
        : "nor is any other"
  return yield* new NoKeptRoot({ message: `${none}; ${others}. Only failed builds leave one, for some hours` })
})

/** Some of the last output of the container that failed. */
const tailBytes = 16 * 1024

/** The last lines that the failed container put out; none when its output is not kept. */
export const lastOutput = Effect.fn("lastOutput")(function* (stateDirectory: string, root: FailedRoot, lines: number) {
  const file = join(failedRootsBelow(stateDirectory), nameOf(root), failedRootOutput)
  const end = yield* Effect.option(
    Effect.flatMap(regularFile(file), ({ size }) =>
      Stream.runCollect(readChunks(file, size, Math.max(0, size - tailBytes)))
    )
  )
  if (Option.isNone(end)) return []
  return harmlessLines(new TextDecoder().decode(Buffer.concat(end.value)))
    .filter((line) => line !== "")
    .slice(-lines)
})

/** Where a path of the root is on this host; undefined for what is in the root itself. */
export const onHost = (root: FailedRoot, path: string): string | undefined =>
  root.spec.mounts.find(({ target }) => target === path)?.source
