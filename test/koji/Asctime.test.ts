import { assert, describe, it } from "@effect/vitest"
import { asctime } from "../../src/koji/Asctime.ts"
import { judgeAll } from "./python.ts"

describe("asctime", () => {
  it("is what Python writes for the same moment on the same machine", () => {
    const moments = Array.from({ length: 200 }, (_, at) => 1_700_000_000 + at * 7_654_321.25)
    const judged = judgeAll<string>("import time\njudge = lambda case: time.asctime(time.localtime(case))", moments)
    assert.deepStrictEqual(moments.map(asctime), judged)
  })
})
