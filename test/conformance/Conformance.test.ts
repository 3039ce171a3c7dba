/**
 * Our daemon held to the transcripts, session by session: what kojid asked of the hub there, we ask here, in an order in
 * which kojid does, with arguments of the same shape; but for what `OnPurpose.ts` lists with its reasons.
 */
import { assert, describe, it } from "@effect/vitest"
import { everyPhase, type Phase } from "../contract/Transcripts.ts"
import type { Ours } from "./Lives.ts"
import { daemonScript } from "./Looks.ts"
import { notHere, onPurpose } from "./OnPurpose.ts"
import { recorded, sessionOf, sessionsOf } from "./Recorded.ts"
import type { Scenario } from "./Scenario.ts"
import { type Difference, differences, partings, scriptOf } from "./Script.ts"
import { scenarios } from "./Stories.ts"

const played: ReadonlyArray<Phase> = everyPhase.filter((phase) => phase !== "session-faults")

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

/** A recorded session by its phase and its name. */
const named = (name: string) => {
  const phase = played.find((one) => name.startsWith(`${one} `))
  return phase === undefined ? [] : sessionOf(phase, name.slice(phase.length + 1))
}

const met = new Set<unknown>()

const isMeant = (meant: string, what: string): boolean =>
  meant.endsWith("…") ? what.startsWith(meant.slice(0, -1)) : what === meant

/** What is left of the differences when those on purpose are taken out. */
const unexplained = (phase: Phase, where: string, found: ReadonlyArray<Difference>): ReadonlyArray<string> =>
  found.flatMap(({ who, what }) => {
    const reason = onPurpose.find(
      (one) => one.who === who && one.where.includes(where) && isMeant(one.what, what) && (one.phase ?? phase) === phase
    )
    if (reason === undefined) return [`${where}, ${who}: ${what}`]
    met.add(reason)
    return []
  })

const strange = (ours: ReadonlyArray<string>, theirs: ReadonlySet<string>): ReadonlyArray<Difference> =>
  ours.filter((one) => !theirs.has(one)).map((what) => ({ who: "we", what }))

const inTasks = ({ phase, tasks }: Scenario, ours: Ours) =>
  Object.entries(tasks).flatMap(([method, sessions]) => {
    const theirs = [sessions].flat().flatMap((session) => sessionOf(phase, session))
    return unexplained(phase, method, differences(scriptOf(theirs), scriptOf(ours.task(method))))
  })

const inDaemon = ({ phase, daemon, looksInOrder, takesAll }: Scenario, ours: Ours) => {
  const lives = ours.daemon.map(daemonScript)
  const theirs = daemon.map((session) => daemonScript(sessionOf(phase, session)))
  const found = lives.flatMap((life, at) => {
    const other = theirs[at]
    const began = other?.opening.length ?? 0
    // What comes after a session shows that it was at its end.
    const ended = (other?.leaving.length ?? 0) > 0 || theirs[at + 1] !== undefined
    return [
      ...(began === 0 ? [] : partings(other?.opening ?? [], life.opening)),
      ...(ended ? partings(other?.leaving ?? [], life.leaving) : []),
      ...(looksInOrder === true ? partings(other?.looks ?? [], life.looks) : strange(life.looks, known.looks)),
      ...(takesAll === true ? partings(other?.takings ?? [], life.takings) : strange(life.takings, known.takings)),
      ...strange(life.words, known.words)
    ]
  })
  return unexplained(phase, "daemon", found)
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
        [...Object.values(tasks).flat(), ...daemon].map((one) => `${phase} ${one}`)
      )
    )
    for (const phase of played) {
      assert.isAbove(recorded(phase).length, 15)
      for (const session of sessionsOf(phase)) {
        if (session !== "login" && !held.has(`${phase} ${session}`)) assert.property(notHere, `${phase} ${session}`)
      }
    }
    for (const [name, { as }] of Object.entries(notHere)) {
      assert.isFalse(held.has(name), name)
      if (as === undefined) continue
      assert.isTrue(held.has(as), as)
      assert.deepStrictEqual(scriptOf(named(name)), scriptOf(named(as)), `${name} as ${as}`)
    }
  })

  it("and where it does not, the reason that is given is still one", () => {
    assert.deepStrictEqual(
      onPurpose.filter((reason) => reason.sometimes !== true && !met.has(reason)),
      []
    )
  })
})
