/** What an attempt sends to the hub: logs while they grow, results when they are there; each on record when whole. */
import { Context, Effect, HashMap, Layer, Ref } from "effect"
import { order } from "../core/AttemptCommand.ts"
import type { TaskId } from "../core/Ids.ts"
import { HubSession } from "../hub/HubSession.ts"
import { followLogs, type LogGap } from "../hub/LogFollower.ts"
import { uploadFile } from "../hub/Upload.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { otherError, type TaskFailure } from "../koji/Fault.ts"
import { taskPath } from "../koji/Paths.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { hubFailure } from "./HubSteps.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { logTimes } from "./LogTimes.ts"

/** kojid's rhythm: what is written is on the hub about a second later. */
const passSeconds = 1

export class TaskUploads extends Context.Service<
  TaskUploads,
  {
    /** Uploads a local file whole, under this name in the task's directory. */
    file(path: string, name: string): Effect.Effect<void, TaskFailure>
    /** Returns when everything written to the logs so far has arrived; the names of those that have. */
    readonly flushLogs: Effect.Effect<ReadonlyArray<string>, TaskFailure>
    /** Writes down what of the logs has not arrived, by offset and length: for when nobody will try again. */
    readonly noteGaps: Effect.Effect<void>
  }
>()("adjutant/buildroot/TaskUploads") {
  /** Follows the attempt's logs for as long as the scope lives. */
  static readonly layer = (task: TaskId) =>
    Layer.effect(
      TaskUploads,
      Effect.gen(function* () {
        const session = yield* HubSession
        const journal = yield* AttemptJournal
        const { directory: logs, writes } = yield* KojiLogs
        const { logTimestamps } = yield* BuilderSettings
        const times = logTimestamps ? yield* logTimes(logs, journal.history) : undefined
        const directory = taskPath(task)
        const state = yield* journal.state
        const arrived = state._tag === "Unknown" ? [] : HashMap.toEntries(state.uploads)
        const follower = yield* followLogs(
          logs,
          directory,
          new Map(arrived.map(([name, { offset }]) => [name, offset]))
        )
        const withSession = Effect.provideService(HubSession, session)
        const record = (command: Parameters<typeof journal.submit>[0]) => journal.submit(command).pipe(Effect.ignore)

        /** How much had been written when everything was seen to have arrived. */
        const arrivedUpTo = yield* Ref.make(-1)
        const pass = Effect.gen(function* () {
          const written = yield* writes
          if (written === (yield* Ref.get(arrivedUpTo))) return
          const moved = yield* follower.pass
          for (const { name, offset } of moved) yield* record(order.AdvanceLog.make({ name, offset }))
          if (times !== undefined) yield* times.moved(moved)
          if (moved.length === 0 && (yield* follower.gaps).length === 0) yield* Ref.set(arrivedUpTo, written)
        }).pipe(
          withSession,
          // A hub that is away delays logs, and loses none: the next pass goes on where this one stopped.
          Effect.catch((error) => Effect.logWarning(`logs of task ${task}: ${error.message}`))
        )
        yield* pass.pipe(Effect.andThen(Effect.sleep(`${passSeconds} seconds`)), Effect.forever, Effect.forkScoped)

        const flush = follower.flush(({ name, bytes, sha256 }) =>
          record(order.ConfirmUpload.make({ name, bytes, sha256 }))
        )
        // What is new is sent by a pass first, so that its times are among what is flushed.
        const flushLogs = (times === undefined ? flush : Effect.andThen(pass, flush)).pipe(
          withSession,
          Effect.mapError(hubFailure),
          Effect.map((uploads) => uploads.map(({ name }) => name).sort()),
          Effect.withSpan("TaskUploads.flushLogs")
        )
        const noteGaps = Effect.flatMap(follower.gaps, (gaps) =>
          Effect.forEach(gaps, (gap) => record(order.Note.make({ text: gapText(gap) })), { discard: true })
        )

        const file = Effect.fn("TaskUploads.file")(function* (path: string, name: string) {
          const { bytes, sha256 } = yield* uploadFile(path, directory, name).pipe(
            withSession,
            Effect.mapError((error) =>
              error._tag === "UploadRefused" ? otherError(`${name}: ${error.message}`) : hubFailure(error)
            )
          )
          yield* journal.submit(order.ConfirmUpload.make({ name, bytes, sha256 })).pipe(Effect.orDie)
        })
        return TaskUploads.of({ file, flushLogs, noteGaps })
      })
    )
}

const gapText = ({ name, offset, bytes, reason }: LogGap): string =>
  `${name}: ${bytes} bytes from byte ${offset} on have not reached the hub: ${reason}`
