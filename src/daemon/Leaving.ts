/**
 * How the daemon leaves: told to stop, it gives its tasks back; told to hand over, it leaves them running, as it does when
 * something goes wrong with the daemon itself; and when the session at the hub has ended, it depends on how.
 *
 * A session that is somebody else's now (closed, or locked out by another one) means that another daemon runs for this
 * host and answers for its tasks. Ours are torn down without a word to the hub. A session that has only become unusable
 * leaves everything as it is: the next process logs in anew and goes on with it.
 */
import { Cause, Effect, Exit, HashSet, Result } from "effect"
import { told } from "../core/DaemonEvent.ts"
import { updateHost } from "../hub/calls/host.ts"
import { endOfSession, HubFault } from "../hub/HubError.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import { causeText } from "./Outcome.ts"
import { ServiceManager } from "./ServiceManager.ts"

/** Ends what runs, in the way that the daemon's end asks for. */
export const leave = Effect.fnUntraced(function* <E>(exit: Exit.Exit<string, E>) {
  if (Exit.isSuccess(exit) && exit.value === "handed over") return yield* leaveRunning("handing over", 0)
  const { poisoned } = yield* JournalStore
  // What is given back must be written down: who cannot write gives nothing back.
  if (yield* poisoned) return yield* leaveRunning("the journal cannot be written", 1)
  // To whoever started us, a process that begins anew has not stopped.
  if (Exit.isSuccess(exit)) return yield* stop(exit.value === "restart")
  if (Cause.hasInterruptsOnly(exit.cause)) return yield* stop(false)
  const error = Exit.findError(exit)
  const fault = Result.isSuccess(error) && error.success instanceof HubFault ? error.success : undefined
  switch (fault === undefined ? undefined : endOfSession(fault)) {
    case "stolen":
      return yield* abandon(`the session at the hub is not ours any more: ${fault?.message}`)
    case "unusable":
      return yield* leaveRunning(`the session at the hub is of no use any more: ${fault?.message}`, 1)
    case undefined:
      // A mistake of ours, or the machine's trouble, is not the tasks'.
      return yield* leaveRunning(`something went wrong: ${causeText(exit.cause)}`, 1)
  }
})

const stop = Effect.fnUntraced(function* (beginsAnew: boolean) {
  const attempts = yield* Attempts
  const left = HashSet.size(yield* attempts.running)
  if (!beginsAnew) yield* tellStopping(`freeing ${left} tasks`)
  yield* Effect.log(`stopping: ${left} attempts to end`)
  yield* written(told.Stopping.make({ reason: "asked to" }))
  yield* attempts.stopAll("shutdown", "the daemon is stopping")
  // A hub that is away is not waited for: after a while without us it knows by itself.
  yield* updateHost(0, false).pipe(Effect.interruptible, Effect.timeout(`${farewellSeconds} seconds`), Effect.ignore)
  yield* written(told.Stopped.make({ exitCode: 0 }))
})
const farewellSeconds = 10

/** Leaves every attempt as it is, for the next process to go on with: containers run on, the hub hears nothing. */
const leaveRunning = Effect.fnUntraced(function* (reason: string, exitCode: number) {
  const attempts = yield* Attempts
  const left = HashSet.size(yield* attempts.running)
  yield* tellStopping(`${left} tasks run on for the next daemon`)
  yield* Effect.log(`leaving ${left} attempts to the next process: ${reason}`)
  yield* written(told.Stopping.make({ reason }))
  yield* attempts.stopAll("handover", "the daemon leaves them to another process")
  yield* written(told.Stopped.make({ exitCode }))
})

/** Takes down what runs and frees nothing: the tasks are for whoever has the session to answer for. */
const abandon = Effect.fnUntraced(function* (reason: string) {
  const attempts = yield* Attempts
  const left = HashSet.size(yield* attempts.running)
  yield* tellStopping(reason)
  yield* Effect.logWarning(`${reason}: ending ${left} attempts, freeing none`)
  yield* written(told.Stopping.make({ reason }))
  yield* attempts.stopAll("lost", reason)
  yield* written(told.Stopped.make({ exitCode: 1 }))
})

const tellStopping = (text: string) => Effect.flatMap(ServiceManager, ({ tell }) => tell({ _tag: "Stopping", text }))

const written = (event: Parameters<DaemonJournal["Service"]["record"]>[0]) =>
  Effect.flatMap(DaemonJournal, (journal) => Effect.ignoreCause(journal.record(event)))
