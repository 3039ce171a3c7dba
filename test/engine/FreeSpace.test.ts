/** Who is ended when a disk is nearly full. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { outOfSpace } from "../../src/engine/FreeSpace.ts"

const mebibyte = 1024 * 1024
/** A file system that never has room, with nothing in it to count. */
const full = "/proc/sys/kernel/random"

/** A directory that holds so many bytes. */
const holding = (bytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), "adjutant-space-"))
      writeFileSync(join(path, "held"), Buffer.alloc(bytes, 1))
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )

it.live("of two steps on a disk that is nearly full, the one that holds more than the reserve is ended", () =>
  Effect.gen(function* () {
    const much = yield* holding(4 * mebibyte)
    const little = yield* holding(mebibyte / 4)
    const ended = yield* Effect.raceFirst(
      Effect.map(outOfSpace([little, full], mebibyte), () => "the one with little"),
      outOfSpace([much, full], mebibyte)
    )
    assert.deepStrictEqual(ended, { limit: "space", value: mebibyte })
  }).pipe(Effect.scoped)
)
