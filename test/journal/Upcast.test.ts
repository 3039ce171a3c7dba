import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { upcast } from "../../src/journal/Upcast.ts"

describe("an event of an older version", () => {
  it("of version 1 has containers whose output was in no log", () => {
    const event = { _tag: "ContainerIntended", container: "c", step: "build/1", spec: {} }
    const now = Schema.decodeUnknownSync(AttemptEvent)(upcast({ v: 1, event }))
    assert.deepInclude(now, { capture: "", logs: [] })
  })

  it("of this version is left as it is", () => {
    const event = {
      _tag: "ContainerIntended",
      container: "c",
      step: "s",
      spec: {},
      capture: "s.out",
      logs: ["build.log"]
    }
    assert.deepStrictEqual(upcast({ v: 2, event }), event)
  })

  it("that is none at all is left to the one who decodes it", () => {
    for (const event of [null, 7, "text", []]) assert.deepStrictEqual(upcast({ v: 1, event }), event)
  })
})
