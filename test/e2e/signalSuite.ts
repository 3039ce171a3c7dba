/** What a daemon does when it is told to stop, told again, killed, or told to begin anew: always in the middle of a build. */
import { join } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { isOver } from "./builder.ts"
import { deaf } from "./packages.ts"
import { free, letEnd, System, saying } from "./system.ts"
import { patient } from "./until.ts"

/** One builder for all of these: its images are made once. */
const mortal = Effect.flatMap(System, (system) => system.builder({ name: "mortal", apart: true }))

/** A build that hears no signals, in the middle of its rpmbuild on that builder. */
const building = Effect.fnUntraced(function* (name: string) {
  const system = yield* System
  const source = yield* deaf(join(system.directory, "sources"), name)
  const task = yield* system.buildArch(source, "mortal")
  return task
})

const outcomes = (events: ReadonlyArray<AttemptEvent>) =>
  events.flatMap((event) => (event._tag === "ResultDecided" ? [event.outcome._tag] : []))

export const signalSuite = (it: Vitest.MethodsNonLive<System>) => {
  it.effect(
    "SIGTERM frees the task, removes its container and leaves with 0; the next start builds it",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const builder = yield* mortal
        const daemon = yield* builder.start
        const task = yield* building("stopped")
        yield* saying(task, "\ntick 1\n")
        yield* daemon.signal("SIGTERM")
        assert.strictEqual(yield* daemon.exit, 0)
        assert.deepStrictEqual(yield* builder.containers(), [])
        assert.strictEqual((yield* system.info(task)).state, free)
        const events = yield* isOver(builder, task, "freed")
        assert.isTrue(events.some((event) => event._tag === "StopRequested" && event.reason === "shutdown"))

        yield* builder.start
        const { state } = yield* letEnd(builder, task)
        assert.strictEqual(state, "CLOSED")
        assert.strictEqual(yield* builder.attempts(task), 2)
        yield* isOver(builder, task, "closed")
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )

  it.effect(
    "a second SIGTERM does not wait for a hub that does not answer",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const builder = yield* mortal
        const daemon = yield* builder.start
        const task = yield* building("hurried")
        yield* saying(task, "\ntick 1\n")
        yield* system.disturb(({ method }) =>
          method === "host.freeTasks" ? { _tag: "Status", status: 503 } : { _tag: "None" }
        )
        yield* daemon.signal("SIGTERM")
        yield* system.seen(
          task,
          "its end to be decided",
          Effect.map(builder.events(task), (events) => (outcomes(events).length > 0 ? true : undefined))
        )
        yield* daemon.signal("SIGTERM")
        assert.strictEqual(yield* daemon.exit, 1)
        assert.include(daemon.said(), "told twice: removing containers and leaving at once")
        yield* system.disturb(() => ({ _tag: "None" }))
        assert.deepStrictEqual(yield* builder.containers(), [])

        yield* builder.start
        const { state } = yield* letEnd(builder, task)
        assert.strictEqual(state, "CLOSED")
        yield* isOver(builder, task, "closed")
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )

  it.effect(
    "after SIGKILL the next start brings the task to one end, and nothing is left",
    () =>
      Effect.gen(function* () {
        const builder = yield* mortal
        const daemon = yield* builder.start
        const task = yield* building("killed")
        yield* saying(task, "\ntick 1\n")
        yield* daemon.signal("SIGKILL")
        assert.strictEqual(yield* daemon.exit, "signal SIGKILL")
        assert.lengthOf(yield* builder.containers(task), 1)

        yield* builder.start
        const { state } = yield* letEnd(builder, task)
        assert.strictEqual(state, "CLOSED")
        yield* isOver(builder, task, "closed")
        const ends: Array<string> = []
        for (let attempt = 1; attempt <= (yield* builder.attempts(task)); attempt++) {
          ends.push(...outcomes(yield* builder.events(task, attempt)))
        }
        assert.deepStrictEqual(
          ends.filter((end) => end === "Success"),
          ["Success"]
        )
        assert.deepStrictEqual(yield* builder.containers(), [])
        assert.deepStrictEqual(yield* builder.workspaces, [])
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )

  it.effect(
    "SIGUSR1 lets the build end, takes no other, and begins anew in the same process",
    () =>
      Effect.gen(function* () {
        const builder = yield* mortal
        const daemon = yield* builder.start
        const task = yield* building("draining")
        yield* saying(task, "\ntick 1\n")
        yield* daemon.signal("SIGUSR1")
        yield* daemon.hasSaid("status: pending restart")
        const next = yield* building("next")
        const { state } = yield* letEnd(builder, task)
        assert.strictEqual(state, "CLOSED")
        assert.strictEqual(yield* builder.attempts(next), 0)
        yield* daemon.hasSaid("koji-adjutant is host ", 2)
        assert.strictEqual((yield* letEnd(builder, next)).state, "CLOSED")
        yield* isOver(builder, next, "closed")
        assert.include(daemon.said(), "status: ready")
        yield* daemon.signal("SIGTERM")
        assert.strictEqual(yield* daemon.exit, 0)
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )
}
