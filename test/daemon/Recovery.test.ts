/** What a daemon makes of attempts that an earlier process should not have left as they are. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import { Disk } from "../../src/journal/Disk.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import type { ModelDaemon } from "../model/Daemon.ts"
import { tag } from "../model/HubTemplate.ts"
import { story, type World } from "../model/World.ts"

/** A journal that is there when the daemon starts. */
const write = (daemon: ModelDaemon, task: number, attempt: number, events: ReadonlyArray<AttemptEvent>) =>
  Effect.gen(function* () {
    const store = yield* FileJournalStore.make({ directory: "/", visible: false })
    const stream = yield* store.open({
      kind: "attempt",
      task: TaskId.make(task),
      attempt: AttemptNumber.make(attempt)
    })
    yield* stream.append(events, true)
  }).pipe(Effect.scoped, Effect.provideService(Disk, daemon.disk.disk), Effect.orDie)

/** A daemon that is killed in the middle of a build which never ends. */
const killedAtWork = Effect.fnUntraced(function* (world: World) {
  const daemon = yield* world.daemon()
  yield* daemon.start
  const params = [world.source({ name: "hello", end: "never" }), tag.build, "x86_64", true, { repo_id: 1 }]
  const task = world.hub.makeTask("buildArch", params, { arch: "x86_64" })
  yield* world.until(() => world.isRunning("build/1"))
  yield* daemon.kill
  return { daemon, task }
})

describe("a daemon that starts again", () => {
  it("goes on with the last attempt of a task alone: an older one ends, and the hub hears nothing of it", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* killedAtWork(world)
        const [accepted] = yield* daemon.history(task)
        if (accepted?._tag !== "Accepted") return assert.fail("the attempt has no beginning")
        yield* write(daemon, task, 2, [{ ...accepted, attempt: AttemptNumber.make(2) }])
        const before = (yield* world.engine.containers).map(({ name }) => name)

        world.hub.calls.length = 0
        yield* daemon.start
        yield* world.until(() => world.isRunning("build/1") && daemon.isWorking(task))
        yield* world.until(() => world.hub.calls.some(({ method }) => method === "host.setTaskWeight"))
        const first = yield* daemon.history(task, 1)
        const last = first.at(-1)
        assert.isTrue(last?._tag === "Concluded" && last.how === "lost")
        assert.isTrue(last?._tag === "Concluded" && last.note === "a later attempt of the task has begun")
        yield* world.until(() => Effect.runSync(world.engine.containers).some(({ name }) => name.includes("-2-")))
        const now = (yield* world.engine.containers).map(({ name }) => name)
        assert.isNotEmpty(before)
        for (const name of before) assert.notInclude(now, name)
        const ends = ["host.closeTask", "host.failTask", "host.freeTasks", "host.refuseTask"]
        assert.deepStrictEqual(
          world.hub.calls.filter(({ method }) => ends.includes(method)).map(({ method }) => method),
          []
        )
        assert.strictEqual(world.hub.state(task), "OPEN")

        world.hub.admin("cancelTask", [task])
        yield* world.until(() => !daemon.isWorking(task))
        assert.deepStrictEqual(yield* world.engine.containers, [])
      })
    ))

  it("makes nothing of a journal that was made and never begun, however often it starts", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* write(daemon, 77, 1, [])
        for (let starts = 0; starts < 3; starts++) {
          yield* daemon.start
          yield* Effect.sleep("1 minute")
          yield* daemon.terminate
        }
        const recovered = (yield* daemon.told).filter((event) => event._tag === "AttemptRecovered")
        assert.deepStrictEqual(recovered, [])
        const said = world.time.log.filter(({ text }) => text.includes("task 77, attempt 1: left as it is"))
        assert.lengthOf(said, 3)
        assert.isFalse(world.time.log.some(({ text }) => text.includes("going on with 1 attempts")))
      })
    ))

  it("leaves an attempt alone whose last line is so long that it does not look like an end", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* killedAtWork(world)
        world.hub.admin("cancelTask", [task])
        yield* daemon.start
        yield* world.until(() => !daemon.isWorking(task))
        yield* daemon.terminate

        const other = task + 1000
        const events = (yield* daemon.history(task)).flatMap((event): ReadonlyArray<AttemptEvent> => {
          if (event._tag === "Accepted") return [{ ...event, task: TaskId.make(other) }]
          if (event._tag === "Concluded") return [{ ...event, note: "a trace ".repeat(4000) }]
          return event._tag === "StopRequested" || event._tag === "ResultDecided" ? [event] : []
        })
        yield* write(daemon, other, 1, events)
        world.hub.calls.length = 0
        yield* daemon.start
        yield* world.until(() => world.hub.calls.some(({ method }) => method === "host.updateHost"))
        assert.isTrue(daemon.running)
        assert.deepStrictEqual(
          (yield* daemon.history(other)).map(({ _tag }) => _tag),
          events.map(({ _tag }) => _tag)
        )
      })
    ))
})
