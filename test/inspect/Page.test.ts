import { hash } from "node:crypto"
import { Script } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Equal, HashMap, Schema } from "effect"
import { order } from "../../src/core/AttemptCommand.ts"
import { happened, type Outcome } from "../../src/core/AttemptEvent.ts"
import { AttemptNumber } from "../../src/core/Ids.ts"
import type { Ends } from "../../src/inspect/Ends.ts"
import { runKey } from "../../src/inspect/LogLayout.ts"
import type { AttemptOutputs } from "../../src/inspect/Outputs.ts"
import { type Change, historyBuilder, pageEventsMax, pageGrowthMax } from "../../src/inspect/page/History.ts"
import { data, html, lines } from "../../src/inspect/page/Html.ts"
import { page } from "../../src/inspect/page/Page.ts"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import { historyFrom } from "../core/generate.ts"
import * as Examples from "./examples.ts"

const timelineOfStory = (story: Examples.Story) => {
  const timeline = timelineOf(story.events)
  if (timeline === null) throw new Error("no timeline")
  return timeline
}

const pageOf = (story: Examples.Story, outputs: AttemptOutputs = { logs: [], outputs: new Map() }): string => {
  const history = historyBuilder()
  for (const { event, at } of story.events) history.add(event, at)
  const stream = { kind: "attempt", task: Examples.task, attempt: AttemptNumber.make(1) } as const
  return page({
    scan: {
      file: "adjutant-events.log",
      stream,
      events: story.events.length,
      problem: null,
      lostLines: 0,
      tornBytes: 0
    },
    timeline: timelineOfStory(story),
    history: history.history(),
    values: history.values,
    outputs
  })
}

const ends = (head: string): Ends => ({ head, leftOut: 0, tail: "", bytes: head.length, sha256: "" })

/** What a browser takes for markup: the names of elements, in their order. */
const elements = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/<([/!]?[a-zA-Z][^\s>/]*)/g)].map(([, name]) => name ?? "")

describe("a template", () => {
  it.prop("makes text of whatever is put into it", { text: Schema.String }, ({ text }) => {
    const made = html`<p title="${text}">${text}${[text, html`<b>${text}</b>`]}</p>`.toString()
    assert.deepStrictEqual(elements(made), ["p", "b", "/b", "/p"])
    assert.strictEqual(made.split('"').length, 3)
  })

  it.prop("makes data that a script reads and no browser takes for markup", { value: Schema.Json }, ({ value }) => {
    const made = data("d", value).toString()
    const inside = made.slice(made.indexOf(">") + 1, made.lastIndexOf("<"))
    assert.notMatch(inside, /[<>&'\u2028\u2029]/)
    assert.deepStrictEqual(JSON.parse(inside), JSON.parse(JSON.stringify(value)))
  })

  it("keeps the lines of a text, and spells out what is not plainly visible", () => {
    assert.strictEqual(lines("a <b>\n\x1b[31mred\x1b[0m\n\u202e").toString(), "a &lt;b&gt;\nred\n\\u202e")
  })
})

const attack = `</script></pre></dd><script>alert(1)</script><img src=x onerror="alert(1)">'"&--><!--\u2028\u202e\x1b[2J`

/** A build that writes to the reader's browser wherever it can. */
const hostile = (text: string): Examples.Story => {
  const fault: Outcome = { _tag: "Fault", code: 1005, message: text }
  return new Examples.Story()
    .step(`source${text}`, 10, { name: text })
    .begin(`build/${text}`)
    .start(`build/${text}`, ["rpmbuild", text, `first\n${text}\n`], text)
    .exit(`build/${text}`, 4_000, { _tag: "Uncertain", detail: text })
    .fail(`build/${text}`, { _tag: "KojiFault", code: 1005, message: text })
    .tell(5, order.Note.make({ text }))
    .tell(5, order.RequestStop.make({ reason: "canceled", detail: text }))
    .upload(`${text}.rpm`, 10)
    .conclude(fault, text)
}

const hostilePage = (text: string): string => {
  const story = hostile(text)
  const containers = timelineOfStory(story).steps.flatMap((step) => step.containers)
  return pageOf(story, {
    logs: [{ name: text, place: text, ends: ends(text), note: text }],
    outputs: new Map(containers.map(({ name, run }) => [runKey(name, run), { place: text, ends: ends(text) }]))
  })
}

describe("a page", () => {
  it("has the same elements whatever a build has said", () => {
    const harmlessElements = elements(hostilePage("x"))
    assert.isAbove(harmlessElements.length, 100)
    assert.deepStrictEqual(elements(hostilePage(attack)), harmlessElements)
  })

  it("shows nothing that is not plainly visible", () => {
    for (const story of [Examples.hostile(), hostile(attack)])
      assert.notMatch(pageOf(story), /[^\n\P{C}]|[\u2028\u2029]/u)
  })

  it("forbids everything but its own style and its own script, and refers to nothing", () => {
    const text = pageOf(Examples.failed())
    const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text) ?? []
    const inside = (element: string) => new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(text)?.[1] ?? ""
    const digest = (element: string) => `'sha256-${hash("sha256", inside(element), "base64")}'`.replaceAll("'", "&#39;")
    assert.strictEqual(
      policy,
      `default-src &#39;none&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;; style-src ${digest("style")}; script-src ${digest("script")}`
    )
    assert.notMatch(text, /\b(?:src|href|action|url)\s*[=(]/)
    assert.notMatch(text, /\son\w+=|\sstyle=/)
  })

  it("has a script that is one", () => {
    const [, script = ""] = /<script>([\s\S]*?)<\/script>/.exec(pageOf(Examples.good())) ?? []
    assert.doesNotThrow(() => new Script(script))
    assert.notMatch(script, /innerHTML|outerHTML|insertAdjacent|document\.write|createElement|eval|Function/)
  })

  it("says without a script what was asked for, where it failed, and what was put out", () => {
    const story = Examples.failed()
    const [container] = timelineOfStory(story).steps.at(-1)?.containers ?? []
    assert.isDefined(container)
    if (container === undefined) return
    const text = pageOf(story, {
      logs: [],
      outputs: new Map([
        [
          runKey(container.name, 1),
          { place: "build.log, bytes 34 to 90", ends: ends("cc -c hello.c\nerror: <stdio.h>\n") }
        ]
      ])
    })
    for (const part of [
      "failed after 2m29s",
      "BuildError: error building package",
      "build/rpmbuild (its command failed)",
      "its output, from build.log, bytes 34 to 90",
      "<dt>last output</dt><dd><pre>cc -c hello.c\nerror: &lt;stdio.h&gt;</pre>",
      "this engine does not enforce memory limits",
      Examples.imageId("8f2a")
    ]) {
      assert.include(text, part)
    }
  })
})

/** What the page's script shows after so many events. */
const at = (changes: ReadonlyArray<Change>, event: number) => changes.findLast(([from]) => from <= event)?.[1]

describe("the history of a page", () => {
  it("shows after every event what the core held then", () => {
    const words = { Open: "open", Succeeded: "ok", Failed: "failed" }
    for (let seed = 0; seed < 200; seed++) {
      const { events, states } = historyFrom(seed, 60)
      const builder = historyBuilder()
      for (const [index, event] of events.entries()) builder.add(event, index)
      const history = builder.history()
      for (const [after, state] of states.entries()) {
        if (state._tag === "Unknown") continue
        const shown = (tracks: typeof history.steps) =>
          Object.fromEntries(
            tracks.flatMap(({ name, changes }) =>
              at(changes, after) === undefined ? [] : [[name, at(changes, after)]]
            )
          )
        const steps = HashMap.toEntries(state.steps).map(([name, record]) => [name, words[record._tag]])
        const containers = HashMap.toEntries(state.containers).map(([name, record]) => [name, record.phase])
        assert.isTrue(Equal.equals(shown(history.steps), Object.fromEntries(steps)), `seed ${seed}, event ${after}`)
        assert.isTrue(
          Equal.equals(shown(history.containers), Object.fromEntries(containers)),
          `seed ${seed}, event ${after}`
        )
        assert.strictEqual(Object.keys(shown(history.files)).length, HashMap.size(state.uploads))
      }
    }
  })

  it("leaves out how logs grow when that is too much to show, and then everything", () => {
    const builder = historyBuilder()
    const [accepted] = Examples.unfinished().events
    if (accepted === undefined) throw new Error("no acceptance")
    builder.add(accepted.event, accepted.at)
    const grow = (offset: number) => builder.add(happened.LogAdvanced.make({ name: "build.log", offset }), offset)
    for (let offset = 1; offset <= pageGrowthMax + 500; offset++) grow(offset)
    assert.strictEqual(builder.history().events.length, pageGrowthMax)
    assert.strictEqual(builder.history().left, 501)
    for (let note = 0; note < pageEventsMax; note++) builder.add(happened.Noted.make({ text: "n" }), 1e6 + note)
    assert.strictEqual(builder.history().events.length, pageEventsMax)
  })

  it("forgets no container that is run again", () => {
    const story = Examples.recovered()
    const builder = historyBuilder()
    for (const { event, at } of story.events) builder.add(event, at)
    const [, track] = builder.history().containers
    assert.deepStrictEqual(
      track?.changes.map(([, what]) => what),
      ["intended", "created", "started", "removed", "intended", "created", "started", "exited", "removed"]
    )
  })
})
