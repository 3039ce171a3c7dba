/** What a build that is run again would give to the hub: it goes into a directory here, and into the books. */
import { copyFile, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { KojiLogs } from "../buildroot/KojiLogs.ts"
import { digestOfFile } from "../buildroot/SourceFile.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { order } from "../core/AttemptCommand.ts"
import { openLocal } from "../hub/LocalFile.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { otherError } from "../koji/Fault.ts"

/** `results` is the directory, which is there; `made` hears of each result. */
export const layer = (results: string, made: (file: { readonly name: string; readonly sha256: string }) => void) =>
  Layer.effect(
    TaskUploads,
    Effect.gen(function* () {
      const journal = yield* AttemptJournal
      const { directory: logs, names } = yield* KojiLogs

      const taken = Effect.fnUntraced(function* (path: string, name: string) {
        const refused = (error: { readonly message: string }) => otherError(`${name}: ${error.message}`)
        // What a build has left under the name is looked at before it is read: no link is followed. Nothing of the
        // build runs any more that could put another thing there.
        const { bytes } = yield* Effect.scoped(openLocal(path)).pipe(Effect.mapError(refused))
        const target = join(results, name)
        yield* Effect.promise(() => copyFile(path, target))
        const sha256 = yield* digestOfFile(target)
        yield* journal.submit(order.ConfirmUpload.make({ name, bytes, sha256 })).pipe(Effect.orDie)
        return { name, sha256 }
      })

      return TaskUploads.of({
        file: Effect.fn("CollectedUploads.file")(function* (path: string, name: string) {
          made(yield* taken(path, name))
        }),
        flushLogs: Effect.gen(function* () {
          yield* Effect.promise(() => mkdir(results, { recursive: true }))
          const written = [...(yield* names)].sort()
          for (const name of written) yield* taken(join(logs, name), name)
          return written
        }),
        noteGaps: Effect.void
      })
    })
  )
