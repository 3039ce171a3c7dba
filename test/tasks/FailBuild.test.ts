/**
 * What becomes of the build when its task does not end well. The door here answers each step from a script, so that a
 * task can end in any way at any step; the hub is not asked anything.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, type Schema } from "effect"
import { Door } from "../../src/buildroot/World.ts"
import { TaskId } from "../../src/core/Ids.ts"
import type { StepAt } from "../../src/journal/Door.ts"
import { buildError, GiveBack, genericError, RefuseTask, type TaskFailure } from "../../src/koji/Fault.ts"
import { build } from "../../src/tasks/Build.ts"

type Answer = Effect.Effect<unknown, TaskFailure>

const repo = { id: 5, tag_id: 2, tag_name: "demo-build", create_event: 9, state: 1 }
const facts = {
  name: "hello",
  version: "1",
  release: "1",
  epoch: null,
  file: "hello-1-1.src.rpm",
  specs: ["hello.spec"]
}
const arches = { buildArchs: [], exclusiveArch: [], excludeArch: [] }
const result = {
  rpms: ["tasks/2/2/hello-1-1.x86_64.rpm"],
  srpms: ["tasks/2/2/hello-1-1.src.rpm"],
  logs: [],
  brootid: 3
}

/** Every step of a build that goes well. */
const well: Readonly<Record<string, unknown>> = {
  target: { name: "demo", build_tag: 2, build_tag_name: "demo-build", dest_tag: 1, dest_tag_name: "demo-candidate" },
  owner: 1,
  "policy/build_from_srpm": null,
  "policy/build_rpm": null,
  "fail-any": true,
  "repo/request": { repo, tagName: "demo-build", minEvent: null },
  event: 9,
  config: { id: 2, name: "demo-build", arches: "x86_64", noarchArches: null, rebuildSrpm: false, literalArches: [] },
  source: { ...facts, ...arches },
  package: { blocked: false, extraArches: null },
  initBuild: 44,
  "subtask/x86_64": 2,
  "wait/buildArch": [[2, result]],
  completeBuild: null,
  "subtask/tag": 3,
  "wait/tag": [[3, null]],
  failBuild: null
}

/** Runs `build` with these answers in place of the good ones: the steps it took, what it noted, how it ended. */
const built = Effect.fnUntraced(function* (answers: Readonly<Record<string, Answer>>, opts: Schema.Json = {}) {
  const steps: Array<string> = []
  const notes: Array<string> = []
  const answer = (at: StepAt) =>
    Effect.suspend(() => {
      steps.push(at.path)
      const answer = answers[at.path]
      if (answer === undefined && !(at.path in well)) return Effect.die(new Error(`${at.path} is not in the script`))
      // The caller's own schema is what makes a value of it; here it is one already.
      return (answer ?? Effect.succeed(well[at.path])) as Effect.Effect<never, TaskFailure>
    })
  const door = Door.of({
    step: answer,
    here: answer,
    note: (text) => Effect.sync(() => void notes.push(text))
  })
  const parameters = { src: "cli-build/1.x/hello-1-1.src.rpm", target: "demo", opts }
  const task = { id: TaskId.make(7), method: "build", arch: "noarch", parameters }
  const exit = yield* Effect.exit(build(task).pipe(Effect.provideService(Door, door)))
  return { steps, notes, exit }
})

const failureOf = (exit: Exit.Exit<unknown, TaskFailure>) =>
  Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : undefined

describe("a build", () => {
  it.effect("that goes well is completed and tagged", () =>
    Effect.gen(function* () {
      const { steps, exit } = yield* built({})
      assert.isTrue(Exit.isSuccess(exit), String(exit))
      assert.includeMembers(steps, ["completeBuild", "subtask/tag"])
      assert.notInclude(steps, "failBuild")
    })
  )

  for (const step of ["subtask/x86_64", "wait/buildArch", "completeBuild"]) {
    it.effect(`is set to failed when ${step} fails, and its task fails with that fault`, () =>
      Effect.gen(function* () {
        const fault = buildError("error building package (arch x86_64), mock exited with status 1")
        const { steps, exit } = yield* built({ [step]: Effect.fail(fault) })
        assert.strictEqual(steps.at(-1), "failBuild")
        assert.deepStrictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), fault)
      })
    )

    it.effect(`is set to failed when ${step} has a defect`, () =>
      Effect.gen(function* () {
        const { steps, exit } = yield* built({ [step]: Effect.die(new Error("a bug")) })
        assert.strictEqual(steps.at(-1), "failBuild")
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      })
    )

    it.effect(`stays as it is when its task goes back to the hub from ${step}`, () =>
      Effect.gen(function* () {
        const ends: ReadonlyArray<Answer> = [
          Effect.fail(new GiveBack({ message: "the hub is away" })),
          Effect.fail(new RefuseTask({ soft: true, message: "not here" })),
          Effect.interrupt
        ]
        for (const end of ends) {
          const { steps, exit } = yield* built({ [step]: end })
          assert.isTrue(Exit.isFailure(exit))
          assert.strictEqual(steps.at(-1), step)
        }
      })
    )
  }

  it.effect("that the hub has failed by itself leaves the task's own fault to be read", () =>
    Effect.gen(function* () {
      const fault = genericError("Unable to complete build: release mismatch")
      const refused = Effect.fail(genericError("cannot update build 44, state: FAILED"))
      const { notes, exit } = yield* built({ completeBuild: Effect.fail(fault), failBuild: refused })
      assert.deepStrictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), fault)
      assert.deepStrictEqual(notes, ["build 44 is not set to failed: cannot update build 44, state: FAILED"])
    })
  )

  it.effect("that the hub cannot be told of is for the next attempt: its task is given back", () =>
    Effect.gen(function* () {
      const away = new GiveBack({ message: "host.failBuild: no answer" })
      const { exit } = yield* built({ "wait/buildArch": Effect.fail(buildError("no")), failBuild: Effect.fail(away) })
      assert.deepStrictEqual(failureOf(exit), Cause.findErrorOption(Cause.fail(away)))
    })
  )

  it.effect("that is complete stays so when it cannot be tagged", () =>
    Effect.gen(function* () {
      const { steps } = yield* built({ "wait/tag": Effect.fail(genericError("not in list")) })
      assert.notInclude(steps, "failBuild")
    })
  )

  it.effect("for scratch is none that could fail", () =>
    Effect.gen(function* () {
      const { steps } = yield* built({ "wait/buildArch": Effect.die(new Error("a bug")) }, { scratch: true })
      assert.strictEqual(steps.at(-1), "wait/buildArch")
    })
  )
})
