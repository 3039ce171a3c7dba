import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** A directory of this test's own (0700), gone when the test is. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "adjutant-journal-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)
