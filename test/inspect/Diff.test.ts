import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type BuildFacts, buildFacts, packagesInLog, valuesOfInterest } from "../../src/inspect/diff/BuildFacts.ts"
import { buildDiff } from "../../src/inspect/diff/Differences.ts"
import { diffText } from "../../src/inspect/diff/DiffText.ts"
import { lineDiff } from "../../src/inspect/diff/LineDiff.ts"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import { ValueMissing } from "../../src/journal/ReplayDoor.ts"
import { buildStory, usual } from "./builds.ts"
import type * as Examples from "./examples.ts"

const factsOf = Effect.fnUntraced(function* (story: Examples.Story) {
  const interest = valuesOfInterest()
  for (const { event } of story.events) interest.add(event)
  const timeline = timelineOf(story.events)
  if (timeline === null) throw new Error("no timeline")
  const value: Parameters<typeof buildFacts>[2] = (recorded) =>
    recorded._tag === "Inline"
      ? Effect.succeed(recorded.value)
      : Effect.fail(new ValueMissing({ digest: recorded.digest, bytes: recorded.bytes, message: "not here" }))
  return yield* buildFacts(timeline, interest.values, value, Effect.succeed(undefined))
})

const diffOf = Effect.fnUntraced(function* (changes: Parameters<typeof buildStory>[0], other = "/srv/two") {
  const [a, b] = [yield* factsOf(buildStory()), yield* factsOf(buildStory(changes, other))]
  return buildDiff(a, b)
})
const changed = (changes: Parameters<typeof buildStory>[0]) =>
  Effect.map(diffOf(changes), (diff) => diff.changes.map(({ section, what, a, b }) => [section, what, a, b]))

describe("two builds", () => {
  it.effect("are the same for all that only tells one run from another", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* changed({ took: 90_000 }), [])
      assert.deepStrictEqual(yield* changed({ repo: 43 }), [], "another number of the same repository")
      assert.deepStrictEqual(yield* changed({ cached: true }), [], "an image that was there already")
    })
  )

  it.effect("differ in packages added, removed and of other versions", () =>
    Effect.gen(function* () {
      const packages = { bash: "5.2-1", gcc: "14.1-1", flex: "2.6-1" }
      assert.deepStrictEqual(yield* changed({ packages, key: "0002", image: "sha256:bb" }), [
        ["packages", "flex.x86_64", null, "2.6-1"],
        ["packages", "gcc.x86_64", "14.0-3", "14.1-1"],
        ["packages", "texinfo.x86_64", "7.1-1", null],
        ["images", "init", `${usual.image}, of inputs 0001`, "sha256:bb, of inputs 0002"]
      ])
    })
  )

  it.effect("differ in an image that was made again of the same", () =>
    Effect.gen(function* () {
      const [change] = yield* changed({ image: "sha256:bb" })
      assert.deepStrictEqual(change?.slice(0, 2), ["images", "init (made of the same)"])
    })
  )

  it.effect("differ in source, repository, macros, environment, limits", () =>
    Effect.gen(function* () {
      const found = yield* changed({
        release: "2",
        repoDigest: "bbbb",
        macros: { "%dist": ".f41" },
        environment: { LANG: "C" },
        memoryBytes: 1024
      })
      assert.deepStrictEqual(
        found.filter(([section]) => section !== "commands"),
        [
          ["source", "release", "1", "2"],
          ["configuration", "repoDigest", "aaaa", "bbbb"],
          ["macros", "%dist", ".f40", ".f41"],
          ["macros", "%vendor", "Example", null],
          ["environment", "LANG", "C.UTF-8", "C"],
          ["environment", "init/populate: LANG", "C.UTF-8", "C"],
          ["environment", "build/1: LANG", "C.UTF-8", "C"],
          ["limits", "init/populate: memoryBytes", String(usual.memoryBytes), "1024"],
          ["limits", "build/1: memoryBytes", String(usual.memoryBytes), "1024"]
        ]
      )
    })
  )

  it.effect("differ in the lines of a script", () =>
    Effect.gen(function* () {
      const { changes } = yield* diffOf({ script: "set -e\nset -x\nrpmbuild -bb hello.spec\n" })
      const script = changes.find(({ what }) => what === "build/1: script")
      assert.deepStrictEqual(script?.lines, [{ side: "b", at: 2, line: "set -x" }])
    })
  )

  it.effect("differ from the first step that ended in another way", () =>
    Effect.gen(function* () {
      const { firstOther, changes } = yield* diffOf({ status: 1 })
      assert.deepStrictEqual(firstOther, { step: "build/1", a: "ok", b: "ok (exit 1)" })
      assert.deepStrictEqual(
        changes.map(({ section, what }) => [section, what]),
        [
          ["result", "result"],
          ["steps", "build/1"]
        ]
      )
    })
  )

  it.effect("took their time, which is told and is no difference", () =>
    Effect.gen(function* () {
      const { times } = yield* diffOf({ took: 90_000 })
      assert.deepInclude(times, { step: "build/1", a: 60_009, b: 90_009 })
    })
  )

  it.effect("differ in whatever is changed, and in nothing when a build is held against itself", () =>
    Effect.gen(function* () {
      const all: ReadonlyArray<Parameters<typeof buildStory>[0]> = [
        { name: "bye" },
        { tag: "f41-build" },
        { status: 1 },
        { packages: {} },
        { macros: {} },
        { script: "x" }
      ]
      for (const changes of all) {
        const facts = yield* factsOf(buildStory(changes))
        assert.deepStrictEqual(buildDiff(facts, facts).changes, [])
        assert.isNotEmpty(yield* changed(changes), JSON.stringify(changes))
      }
    })
  )
})

describe("the text of what differs", () => {
  it.effect("reads like this", () =>
    Effect.gen(function* () {
      const changes = {
        release: "2",
        status: 1,
        took: 12_000,
        packages: { bash: "5.2-1", gcc: "14.1-1", flex: "2.6-1" },
        macros: {
          "%dist": ".f40",
          "%vendor": "Some vendor with a name that is far too long for the line it is to stand in"
        },
        key: "0002",
        image: "sha256:bb",
        script: "set -e\nset -x\nrpmbuild -bb hello.spec\n"
      }
      const [a, b] = [yield* factsOf(buildStory()), yield* factsOf(buildStory(changes))]
      const text = diffText({ name: "a.log", facts: a }, { name: "b.log", facts: b }, buildDiff(a, b), {
        width: 80,
        colours: false
      })
      yield* Effect.promise(() => expect(`${text}\n`).toMatchFileSnapshot("golden/diff-80.txt"))
    })
  )

  it.effect("keeps to its width and to what a terminal can be shown, whatever a build has said", () =>
    Effect.gen(function* () {
      const hostile = "\x1b[2J\u202e\n".repeat(40)
      const changes = {
        name: hostile,
        release: hostile,
        macros: { [hostile]: hostile },
        packages: { [hostile]: hostile },
        script: `a\n${hostile}`
      }
      const [a, b] = [yield* factsOf(buildStory()), yield* factsOf(buildStory(changes))]
      for (const width of [60, 80, 140]) {
        const diff = buildDiff(a, b)
        const text = diffText({ name: hostile, facts: a }, { name: hostile, facts: b }, diff, { width, colours: false })
        for (const line of text.split("\n")) {
          assert.match(line, /^[\x20-\x7e]*$/)
          assert.isAtMost(line.length, width)
        }
      }
    })
  )
})

describe("the packages of a build", () => {
  it("are read from Koji's log of them as well", () => {
    const log = "bash-5.2-1.x86_64 1700000000 1234 installed\nperl-libs-4:5.36-7.el9.noarch 1 2 installed\nnonsense\n"
    assert.deepStrictEqual(packagesInLog(log), [
      { name: "bash", epoch: null, version: "5.2", release: "1", arch: "x86_64" },
      { name: "perl-libs", epoch: 4, version: "5.36", release: "7.el9", arch: "noarch" }
    ])
  })

  it.effect("are missing, and said to be, when their list is kept elsewhere", () =>
    Effect.gen(function* () {
      const story = buildStory()
      const facts: BuildFacts = yield* factsOf(story)
      const values = valuesOfInterest()
      for (const { event } of story.events) values.add(event)
      const blob = new Map(values.values).set("init", { _tag: "Blob", digest: "d", bytes: 100_000 })
      const without = yield* buildFacts(
        facts.timeline,
        blob,
        (value) =>
          value._tag === "Inline"
            ? Effect.succeed(value.value)
            : Effect.fail(new ValueMissing({ digest: "d", bytes: 1, message: "its file is not here" })),
        Effect.succeed(packagesInLog("bash-5.2-1.x86_64 1 2 installed\n"))
      )
      assert.deepStrictEqual(without.missing, ["init: its file is not here"])
      assert.strictEqual(without.packages?.length, 1)
      assert.deepStrictEqual(buildDiff(facts, without).missing, ["b: init: its file is not here"])
    })
  )
})

describe("the lines that two texts do not share", () => {
  const texts = Schema.Array(Schema.Literals(["a", "b", "c", ""]))
  it.prop("leave the same when they are taken out of both", { left: texts, right: texts }, ({ left, right }) => {
    const [a, b] = [left.join("\n"), right.join("\n")]
    const changes = lineDiff(a, b) ?? []
    const rest = (text: string, side: "a" | "b") => {
      const own = new Set(changes.filter((change) => change.side === side).map(({ at }) => at))
      return text.split("\n").filter((_, index) => !own.has(index + 1))
    }
    assert.deepStrictEqual(rest(a, "a"), rest(b, "b"))
    for (const { side, at, line } of changes) assert.strictEqual((side === "a" ? a : b).split("\n")[at - 1], line)
    if (a === b) assert.deepStrictEqual(changes, [])
  })
})
