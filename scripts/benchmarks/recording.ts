/**
 * What recording costs a build of a minute. The build is recorded by the daemon as always; then the very events of its
 * attempt are written to a new journal on the same disk, one after another, each as durable as it was, and that time is held
 * against the build's. So this is what the journal costs at most, as if nothing of the build had gone on meanwhile and no
 * two events had shared a sync; it is not the difference between two builds, which vary by more than it.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import { engine, median, note, report, seconds } from "./Figures.ts"
import { build, daemonAt, hub, minute, place, trivial } from "./Koji.ts"
import { eventsOf, secondsOf } from "./Record.ts"

const rounds = 5

/** As the journal of an attempt has it: nothing depends on these. */
const isDurable = ({ _tag }: AttemptEvent): boolean =>
  _tag !== "Noted" && _tag !== "LogWritten" && _tag !== "LogAdvanced"

/** Seconds to open a new journal and write these events. */
const write = Effect.fnUntraced(function* (events: ReadonlyArray<AttemptEvent>, task: number) {
  const store = yield* JournalStore
  const start = seconds()
  yield* Effect.scoped(
    Effect.gen(function* () {
      const stream = yield* store.open({ kind: "attempt", task: TaskId.make(task), attempt: AttemptNumber.make(1) })
      for (const event of events) yield* stream.append([event], isDurable(event))
    })
  )
  return seconds() - start
})

const main = Effect.gen(function* () {
  const koji = yield* hub
  const where = yield* place(koji.builder)
  const record = yield* Effect.scoped(
    Effect.gen(function* () {
      const builder = yield* daemonAt(koji, where)
      // The first one makes the images that the other finds.
      yield* build(koji, builder, trivial)
      return (yield* build(koji, builder, minute))("buildArch")
    })
  )
  const events = (yield* eventsOf(where.state, TaskId.make(record.timeline.task))).map(({ event }) => event)
  const times: Array<number> = []
  for (let round = 1; round <= rounds; round++) times.push(yield* write(events, 1_000_000 + round))
  const [took, cost] = [secondsOf(record), median(times)]
  const what = `recording a build of a minute on ${engine}`
  report(what, `${cost.toFixed(3)} s`, `build ${took.toFixed(1)} s`, cost / took, "<= 0.02")
  note("  events", `${events.length}, ${events.filter(isDurable).length} of them synced`)
}).pipe(Effect.scoped)

/** Beside the daemon's, on the same disk. */
const journals = Effect.gen(function* () {
  const { directory } = yield* place("")
  yield* main.pipe(Effect.provide(FileJournalStore.layer({ directory: `${directory}/again` })))
})

NodeRuntime.runMain(Effect.scoped(journals))
