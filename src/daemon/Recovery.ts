/**
 * What an earlier process of this daemon left: its containers are removed, its tasks given back, its journals ended.
 *
 * Runs before the first look at the hub's list, so that nothing of it is taken for a stale task or an unowned
 * buildroot. (Adopting what still runs, in place of giving it back, comes with resuming.)
 */

import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { order } from "../core/AttemptCommand.ts"
import { AttemptEvent, Outcome } from "../core/AttemptEvent.ts"
import { type AttemptState, containersLeft, evolve, initial } from "../core/AttemptState.ts"
import { told } from "../core/DaemonEvent.ts"
import { Engine } from "../engine/Engine.ts"
import { ownerLabels } from "../engine/Labels.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import type { StreamName } from "../journal/StreamName.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import { report } from "./Report.ts"

/** Ends every attempt that an earlier process left open. Returns how many there were. */
export const recover = Effect.fn("recover")(function* () {
  const store = yield* JournalStore
  const settings = yield* BuilderSettings
  yield* removeContainers
  let recovered = 0
  for (const name of yield* store.list.pipe(Effect.orDie)) {
    if (name.kind !== "attempt") continue
    const stored = yield* Effect.result(store.read(name))
    if (stored._tag === "Failure") {
      yield* Effect.logError(`journal of task ${name.task}, attempt ${name.attempt}: ${stored.failure.message}`)
      continue
    }
    if (stateOf(stored.success.map(({ event }) => event))._tag === "Ended") continue
    const ended = yield* Effect.exit(endAttempt(name))
    if (ended._tag === "Failure") yield* Effect.logError(`task ${name.task}, attempt ${name.attempt}`, ended.cause)
    recovered++
  }
  // What attempts had on disk goes with them; their journals and the kept logs stay.
  yield* Effect.promise(() => rm(join(settings.stateDirectory, "work"), { recursive: true, force: true }))
  return recovered
})

const decodeEvent = Schema.decodeUnknownOption(AttemptEvent)

const stateOf = (events: ReadonlyArray<unknown>): AttemptState => {
  let state: AttemptState = initial
  for (const event of events) {
    const decoded = decodeEvent(event)
    if (decoded._tag === "Some") state = evolve(state, decoded.value)
  }
  return state
}

/** Every container with our instance's label: nothing of ours runs before the first attempt begins. */
const removeContainers = Effect.gen(function* () {
  const engine = yield* Engine
  const settings = yield* BuilderSettings
  const journal = yield* DaemonJournal
  const left = yield* engine.list(ownerLabels(settings.instance))
  for (const container of left) {
    yield* engine.remove(container.name)
    yield* Effect.log(`removed the container ${container.name}, left by an earlier process`)
    yield* journal.record(
      told.Reaped.make({ kind: "container", name: container.name, reason: "left by an earlier process of this daemon" })
    )
  }
})

const endAttempt = Effect.fnUntraced(
  function* (name: Extract<StreamName, { kind: "attempt" }>) {
    const settings = yield* BuilderSettings
    const daemonJournal = yield* DaemonJournal
    const journal = yield* AttemptJournal
    const { instance, bootId, version } = settings
    const state = yield* journal.submit(order.Resume.make({ instance, bootId, version }))
    for (const container of containersLeft(state)) yield* journal.submit(order.ConfirmRemoved.make({ container }))
    const reason = "the daemon was restarted while the task ran"
    const decided = yield* journal.submit(order.DecideResult.make({ outcome: Outcome.cases.Freed.make({ reason }) }))
    // A result that had been decided before the crash is the one that counts: it is reported (again).
    const outcome = decided._tag === "Decided" ? decided.outcome : Outcome.cases.Freed.make({ reason })
    const note = yield* report(name.task, outcome)
    yield* journal.submit(order.Conclude.make({ note }))
    yield* Effect.log(`task ${name.task}, attempt ${name.attempt}: ${outcome._tag} after a restart`)
    yield* daemonJournal.record(
      told.AttemptRecovered.make({ task: name.task, attempt: name.attempt, how: outcome._tag })
    )
  },
  (effect, name) =>
    effect.pipe(
      Effect.provide(AttemptJournal.layer(name.task, name.attempt), { local: true }),
      Effect.scoped,
      Effect.orDie
    )
)
