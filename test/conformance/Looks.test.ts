/** That what a daemon does in its own session is told apart where it differs. */
import { assert, describe, it } from "@effect/vitest"
import { daemonScript } from "./Looks.ts"
import { recorded, sessionOf } from "./Recorded.ts"
import type { Asked } from "./Shape.ts"

/** Those that are recorded from their beginning to their end. */
const whole = [
  ["M", "main4"],
  ["N", "main5"],
  ["N", "main6"],
  ["O", "main8"]
] as const

const told = (session: ReadonlyArray<Asked>) => {
  const { words: _, ...rest } = daemonScript(session)
  return JSON.stringify(rest)
}
/** Of these it counts only that they are made at all. */
const isUpkeep = ({ method, keywords }: Asked): boolean =>
  ["listBuildroots", "logoutChild"].includes(method) || (method === "getTaskInfo" && keywords["request"] !== true)

describe("two sessions of daemons", () => {
  for (const [phase, name] of whole) {
    const session = sessionOf(phase, name)

    it(`differ by any call that one of them leaves out (${phase} ${name})`, () => {
      assert.isAbove(session.length, 15)
      for (const [at, call] of session.entries()) {
        if (!isUpkeep(call))
          assert.notStrictEqual(told(session.toSpliced(at, 1)), told(session), `${at} ${call.method}`)
      }
    })

    it(`differ by any call that one of them makes otherwise (${phase} ${name})`, () => {
      for (const [at, call] of session.entries()) {
        if (isUpkeep(call)) continue
        const otherwise = { ...call, keywords: { ...call.keywords, event: 1 } }
        assert.notStrictEqual(told(session.toSpliced(at, 1, otherwise)), told(session), `${at} ${call.method}`)
      }
    })
  }

  it("differ by what a task asks that runs in the session itself", () => {
    const session = sessionOf("J", "main3")
    const opened = session.findIndex(({ method }) => method === "host.openTask")
    const report = session.findIndex(({ method }) => method === "host.closeTask")
    assert.deepStrictEqual(
      session.slice(opened + 1, report).map(({ method }) => method),
      ["host.setTaskWeight", "getTaskInfo", "host.getID"]
    )
    for (const at of [opened + 1, opened + 2, opened + 3, report])
      assert.notDeepEqual(daemonScript(session.toSpliced(at, 1)).takings, daemonScript(session).takings)
  })

  it("are kept apart from those of tasks, and a task that is run again has one for each time", () => {
    const names = new Set(recorded("J").map(({ session }) => session))
    assert.deepStrictEqual([...names], ["main2", "task46", "login", "main3", "task46/2"])
  })
})
