import { appendFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openGrowing } from "../../src/engine/GrowingFile.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-growing-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** The file's path, and what it says next. */
const begin = Effect.fnUntraced(function* (content: string) {
  const path = join(yield* directory, "ctr.log")
  writeFileSync(path, content)
  const file = yield* openGrowing(path)
  if (file === undefined) throw new Error("it is there")
  return { path, next: Effect.map(file.next, (bytes) => Buffer.from(bytes).toString()) }
})

describe("a growing file", () => {
  it.effect("is read from its start, and on as it grows, each byte once", () =>
    Effect.gen(function* () {
      const { path, next } = yield* begin("one\ntw")
      assert.strictEqual(yield* next, "one\ntw")
      assert.strictEqual(yield* next, "")
      appendFileSync(path, "o\n")
      appendFileSync(path, "three\n")
      assert.strictEqual(yield* next, "o\nthree\n")
      assert.strictEqual(yield* next, "")
    })
  )

  it.effect("that is large comes in parts, which stay what they are", () =>
    Effect.gen(function* () {
      const content = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join("")
      const { next } = yield* begin(content)
      const parts: Array<string> = []
      for (let part = yield* next; part !== ""; part = yield* next) parts.push(part)
      assert.isAbove(parts.length, 3)
      assert.strictEqual(parts.join(""), content)
    })
  )

  it.effect("whose place another one takes is read to its end, and then the other", () =>
    Effect.gen(function* () {
      const { path, next } = yield* begin("one\n")
      assert.strictEqual(yield* next, "one\n")
      appendFileSync(path, "last\n")
      writeFileSync(`${path}.tmp`, "first\n")
      renameSync(`${path}.tmp`, path)
      assert.strictEqual(yield* next, "last\n")
      assert.strictEqual(yield* next, "first\n")
      appendFileSync(path, "second\n")
      assert.strictEqual(yield* next, "second\n")
    })
  )

  it.effect("that is removed can be read to its end", () =>
    Effect.gen(function* () {
      const { path, next } = yield* begin("one\n")
      rmSync(path)
      assert.strictEqual(yield* next, "one\n")
      assert.strictEqual(yield* next, "")
    })
  )

  it.effect("that is shortened is refused, for nobody knows what went", () =>
    Effect.gen(function* () {
      const { path, next } = yield* begin("one\ntwo\n")
      assert.strictEqual(yield* next, "one\ntwo\n")
      truncateSync(path, 4)
      const error = yield* Effect.flip(next)
      assert.strictEqual(error.reason, "refused")
      assert.include(error.message, "below the 8 bytes that were read of it")
    })
  )

  it.effect("is a file, and no link to one", () =>
    Effect.gen(function* () {
      const { path } = yield* begin("one\n")
      symlinkSync(path, `${path}.link`)
      assert.isUndefined(yield* openGrowing(`${path}.link`))
      assert.isUndefined(yield* openGrowing(join(path, "..")))
      assert.isUndefined(yield* openGrowing(`${path}.none`))
    })
  )
})
