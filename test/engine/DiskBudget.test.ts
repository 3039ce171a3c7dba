import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { usage } from "../../src/engine/DiskBudget.ts"
import { mentionsKill } from "../../src/engine/KernelLog.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-disk-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
const kibibyte = 1024

describe("disk usage", () => {
  it.live("counts blocks and inodes, links once, and nothing behind a symbolic link", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const empty = (yield* usage([path])) ?? 0
      writeFileSync(join(path, "file"), Buffer.alloc(100 * kibibyte, 1))
      linkSync(join(path, "file"), join(path, "again"))
      mkdirSync(join(path, "below"))
      symlinkSync("/usr", join(path, "below", "usr"))
      const full = (yield* usage([path])) ?? 0
      assert.isAtLeast(full - empty, (100 + 3 * 4) * kibibyte)
      assert.isAtMost(full - empty, (100 + 10 * 4) * kibibyte)
    }).pipe(Effect.scoped)
  )

  it.live("of nothing is nothing, and of what is not there too", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* usage([]), 0)
      assert.strictEqual(yield* usage(["/no/such/path"]), 0)
    })
  )
})

describe("the kernel's log", () => {
  const id = "ac9d27600e9f491d16184de01bda72e227cf0a32c0d4571b24609ea35dee40a0"
  const line = `[ 3510.888704] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=libpod-${id},mems_allowed=0,oom_memcg=/libpod_parent/libpod-${id},task_memcg=/libpod_parent/libpod-${id},task=python3,pid=9021,uid=0`
  it("names the container in which something was killed for want of memory", () => {
    assert.isTrue(mentionsKill(`first\n${line}\nlast`, id))
    assert.isFalse(mentionsKill(line, id.replace("a", "b")))
    assert.isFalse(mentionsKill(`veth of ${id} left`, id))
  })
})
