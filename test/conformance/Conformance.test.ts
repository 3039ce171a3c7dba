/**
 * Our daemon held to the transcripts, session by session: what kojid asked of the hub there, we ask here, in an order in
 * which kojid does, with arguments of the same shape; but for what `OnPurpose.ts` lists with its reasons.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Phase, phases } from "../contract/Transcripts.ts"
import { daemonScript } from "./Looks.ts"
import { notHere, onPurpose } from "./OnPurpose.ts"
import { recorded, sessionOf, sessionsOf } from "./Recorded.ts"
import { type Difference, differences, partings, scriptOf } from "./Script.ts"
import { type Ours, type Scenario, scenarios } from "./Stories.ts"

const isOfDaemon = (session: string) => /^(login|main)/.test(session)
const played: ReadonlyArray<Phase> = [...phases.filter((phase) => phase !== "session-faults"), "E"]

/** What kojid ever does in a session of its own. */
const kojid = played.flatMap((phase) =>
  sessionsOf(phase)
    .filter((session) => session.startsWith("main"))
    .map((session) => daemonScript(sessionOf(phase, session)))
)
const known = {
  looks: new Set(kojid.flatMap(({ looks }) => looks)),
  takings: new Set(kojid.flatMap(({ takings }) => takings)),
  words: new Set(kojid.flatMap(({ words }) => words))
}

const met = new Set<unknown>()

const isMeant = (meant: string, what: string): boolean =>
  meant.endsWith("…") ? what.startsWith(meant.slice(0, -1)) : what === meant

/** What is left of the differences when those on purpose are taken out. */
const unexplained = (where: string, found: ReadonlyArray<Difference>): ReadonlyArray<string> =>
  found.flatMap(({ who, what }) => {
    const reason = onPurpose.find((one) => one.who === who && one.where.includes(where) && isMeant(one.what, what))
    if (reason === undefined) return [`${where}, ${who}: ${what}`]
    met.add(reason)
    return []
  })

const strange = (ours: ReadonlyArray<string>, theirs: ReadonlySet<string>): ReadonlyArray<Difference> =>
  ours.filter((one) => !theirs.has(one)).map((what) => ({ who: "we", what }))

const inTasks = ({ phase, tasks }: Scenario, ours: Ours) =>
  Object.entries(tasks).flatMap(([method, session]) =>
    unexplained(method, differences(scriptOf(sessionOf(phase, session)), scriptOf(ours.task(method))))
  )

const inDaemon = ({ phase, daemon, looksInOrder }: Scenario, ours: Ours) => {
  const lives = ours.daemon.map(daemonScript)
  const theirs = daemon.map((session) => daemonScript(sessionOf(phase, session)))
  const found = lives.flatMap((life, at) => {
    const other = theirs[at]
    const began = other?.opening.length ?? 0
    const ended = other?.leaving.length ?? 0
    return [
      ...(began === 0 ? [] : partings(other?.opening ?? [], life.opening)),
      ...(ended === 0 ? [] : partings(other?.leaving ?? [], life.leaving)),
      ...(looksInOrder === true ? partings(other?.looks ?? [], life.looks) : strange(life.looks, known.looks)),
      ...strange(life.takings, known.takings),
      ...strange(life.words, known.words)
    ]
  })
  return unexplained("daemon", found)
}

describe("our daemon asks what kojid asked", () => {
  for (const scenario of scenarios) {
    it(`in ${scenario.what} (${scenario.phase})`, async () => {
      const ours = await scenario.tell()
      assert.deepStrictEqual([...inTasks(scenario, ours), ...inDaemon(scenario, ours)], [])
    })
  }

  it("of every recorded session, but for those that are listed with a reason", () => {
    const held = new Set(
      scenarios.flatMap(({ phase, tasks, daemon }) =>
        [...Object.values(tasks), ...daemon].map((one) => `${phase} ${one}`)
      )
    )
    for (const phase of played) {
      for (const session of sessionsOf(phase)) {
        const name = `${phase} ${session}`
        if (isOfDaemon(session) || held.has(name)) continue
        assert.property(notHere, name)
      }
      assert.isAbove(recorded(phase).length, 20)
    }
    for (const name of Object.keys(notHere)) assert.isFalse(held.has(name), name)
  })

  it("and where it does not, the reason that is given is still one", () => {
    assert.deepStrictEqual(
      onPurpose.filter((reason) => reason.sometimes !== true && !met.has(reason)),
      []
    )
  })
})
