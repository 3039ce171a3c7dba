import { assert, describe, it } from "@effect/vitest"
import { Equal, Result, Schema } from "effect"
import { decide } from "../../src/core/AttemptDecider.ts"
import { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { containersLeft, replay } from "../../src/core/AttemptState.ts"
import { violations } from "../../src/core/Invariants.ts"
import { commandFrom, historyFrom, numbersFrom } from "./generate.ts"

const runs = 10_000
const length = 60

describe("an attempt's history, whatever is ordered", () => {
  it(`keeps every invariant, at every prefix, in ${runs} histories`, () => {
    const seen = new Map<string, number>()
    let ended = 0
    for (let seed = 0; seed < runs; seed++) {
      const { events } = historyFrom(seed, length)
      const found = violations(events)
      assert.deepStrictEqual(found, [], `seed ${seed}: ${JSON.stringify(found)}`)
      for (const event of events) seen.set(event._tag, (seen.get(event._tag) ?? 0) + 1)
      if (events.at(-1)?._tag === "Concluded") ended++
    }
    // A generator that never gets anywhere proves nothing.
    for (const tag of Object.keys(AttemptEvent.cases)) assert.isAbove(seen.get(tag) ?? 0, 100, `${tag} hardly happens`)
    assert.isAbove(ended, 500)
  })

  it("folds to the state that was held, from every prefix", () => {
    for (let seed = 0; seed < 500; seed++) {
      const { events, states } = historyFrom(seed, length)
      for (let n = 0; n <= events.length; n++) {
        assert.isTrue(Equal.equals(replay(events.slice(0, n)), states[n]), `seed ${seed}, prefix ${n}`)
      }
    }
  })

  it("never ends with a container left", () => {
    for (let seed = 0; seed < runs; seed++) {
      const { events, states } = historyFrom(seed, length)
      if (events.at(-1)?._tag !== "Concluded") continue
      const last = states.at(-1)
      assert.deepStrictEqual(last === undefined ? [] : containersLeft(last), [], `seed ${seed}`)
    }
  })

  it("takes an order a second time as no news or as a mistake, never as a second effect", () => {
    for (let seed = 0; seed < runs; seed++) {
      const { events, states } = historyFrom(seed, length)
      const draw = numbersFrom(seed + 1)
      const state = states[draw(events.length + 1)]
      const command = commandFrom(draw)
      if (state === undefined || repeatable.has(command._tag)) continue
      const first = decide(state, command)
      if (Result.isFailure(first)) continue
      const second = decide(replay([...events.slice(0, states.indexOf(state)), ...first.success]), command)
      if (Result.isSuccess(second)) assert.deepStrictEqual(second.success, [], `seed ${seed}: ${command._tag}`)
    }
  })

  it("survives its own schema", () => {
    const encode = Schema.encodeSync(AttemptEvent)
    const decode = Schema.decodeUnknownSync(AttemptEvent)
    for (let seed = 0; seed < 500; seed++) {
      for (const event of historyFrom(seed, length).events) {
        assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(encode(event)))), event)
      }
    }
  })
})

/** These are news each time. */
const repeatable = new Set(["Resume", "Note", "WriteLog", "ConfirmUpload"])

describe("the invariants", () => {
  it("are broken by taking any one event out of the middle of a whole history, or by repeating the end", () => {
    let judged = 0
    for (let seed = 0; seed < 2_000 && judged < 200; seed++) {
      const { events } = historyFrom(seed, length)
      const end = events.at(-1)
      if (end?._tag !== "Concluded") continue
      judged++
      assert.isNotEmpty(violations([...events, end]), `seed ${seed}: a second end passed`)
      assert.isNotEmpty(violations(events.slice(1)), `seed ${seed}: no acceptance passed`)
      const decision = events.findIndex((event) => event._tag === "ResultDecided")
      assert.isNotEmpty(violations(events.toSpliced(decision, 1)), `seed ${seed}: no decision passed`)
      const removal = events.findIndex((event) => event._tag === "ContainerRemoved")
      if (removal >= 0) {
        assert.isNotEmpty(violations(events.toSpliced(removal, 1)), `seed ${seed}: a container left passed`)
      }
    }
    assert.isAbove(judged, 50)
  })
})
