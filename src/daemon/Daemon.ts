/**
 * The daemon: it looks at hub and host again and again, and carries out what the pure plan makes of that, until it is
 * told to leave.
 */
import { Clock, Context, Effect, HashSet, Queue, Random } from "effect"
import { DaemonControl } from "../buildroot/DaemonControl.ts"
import { isTimeToLook, pauseMillis, rhythmOf } from "../core/Rhythm.ts"
import { getID } from "../hub/calls/host.ts"
import { getSessionInfo } from "../hub/calls/session.ts"
import { type HubError, HubNonsense, isSessionGone } from "../hub/HubError.ts"
import { methods } from "../tasks/Registry.ts"
import { Attempts } from "./Attempts.ts"
import { leave } from "./Leaving.ts"
import { type LookOptions, makeEyes } from "./Look.ts"
import { recover } from "./Recovery.ts"
import { ServiceManager } from "./ServiceManager.ts"
import { tidying } from "./Tidying.ts"

/** How often the daemon looks, and what it may take. */
export interface DaemonOptions extends LookOptions {
  readonly sleepSeconds: number
  /** How often it asks for tasks in between. */
  readonly pollSeconds: number
  /** How long journals and logs of ended tasks are kept. */
  readonly journalAgeSeconds: number
}

/** What somebody outside asks of the daemon. */
export type DaemonRequest =
  | { readonly _tag: "Stop"; readonly why: string }
  | { readonly _tag: "Drain"; readonly why: string }
  | { readonly _tag: "HandOver"; readonly why: string }

export class DaemonRequests extends Context.Service<DaemonRequests, Queue.Queue<DaemonRequest>>()(
  "adjutant/daemon/DaemonRequests"
) {}

/** What the caller is to do when the daemon has ended. */
export type DaemonEnd = "stopped" | "restart" | "handed over"

export const runDaemon = Effect.fn("runDaemon")(function* (options: DaemonOptions) {
  const attempts = yield* Attempts
  const control = yield* DaemonControl
  const requests = yield* DaemonRequests
  const hostId = yield* getID()
  yield* control.began(yield* sessionStart)
  const eyes = yield* makeEyes(options, hostId)
  yield* Effect.log(`koji-adjutant is host ${hostId}, takes ${methods.join(", ")}`)
  const resumed = yield* recover(hostId)
  if (resumed > 0) yield* Effect.log(`going on with ${resumed} attempts of an earlier process`)
  const manager = yield* ServiceManager
  yield* manager.tell({ _tag: "Ready" })

  const rhythm = rhythmOf(options.sleepSeconds, options.pollSeconds)
  const loop = Effect.gen(function* () {
    let lookedAt = Number.NEGATIVE_INFINITY
    let isDraining = false
    for (;;) {
      const isEmpty = HashSet.size(yield* attempts.running) === 0
      const drains = yield* control.restarting
      if (drains && !isDraining) yield* manager.tell({ _tag: "Reloading" })
      isDraining = drains
      if (isEmpty && drains) return "restart" as const
      const nextEnd = yield* attempts.nextEnd
      const now = yield* uptimeMillis
      const looks = isTimeToLook(rhythm, now - lookedAt)
      const taken = yield* (looks ? eyes.look() : eyes.glance()).pipe(Effect.catchTag(hubErrors, unlessGone))
      if (looks && taken !== "failed") lookedAt = now
      const pause = pauseMillis(rhythm, yield* Random.next)
      const tookSome = taken !== "failed" && taken > 0
      const hasEnded = yield* Effect.raceFirst(
        Effect.as(Effect.sleep(`${tookSome ? Math.min(pause, afterTakingMillis) : pause} millis`), false),
        nextEnd.pipe(Effect.andThen(Effect.sleep(`${afterEndMillis} millis`)), Effect.as(true))
      )
      // As kojid after it has taken a task: the hub is told of the new load, and there may be more to take.
      if (tookSome || hasEnded) lookedAt = Number.NEGATIVE_INFINITY
    }
  })

  const listen: Effect.Effect<DaemonEnd> = Effect.suspend(() =>
    Effect.flatMap(Queue.take(requests), (request) => {
      switch (request._tag) {
        case "Stop":
          return Effect.andThen(control.stop(request.why), listen)
        case "Drain":
          return Effect.andThen(control.restart(request.why), listen)
        case "HandOver":
          return Effect.as(Effect.log(`handing over: ${request.why}`), "handed over" as const)
      }
    }).pipe(Effect.orDie)
  )
  const stopped = Effect.flatMap(control.stopping, (why) =>
    Effect.as(Effect.log(`stopping: ${why}`), "stopped" as const)
  )

  // What tidies up beside the loop has ended before we leave: what is left to the next process would look ownerless.
  const working = Effect.andThen(
    tidying(hostId, eyes.nearlyFull, options.journalAgeSeconds),
    Effect.raceFirst(loop, Effect.raceFirst(stopped, listen))
  )
  return yield* Effect.onExit(Effect.scoped(working), leave)
})

const afterTakingMillis = 1000
/** Those that end together are seen together. */
const afterEndMillis = 200

/** Of a clock that nobody sets. */
const uptimeMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const hubErrors = ["HubFault", "HubUnavailable", "HubNonsense"] as const

/** What the hub says to one look is no reason to leave, but for a session that is not ours any more. */
const unlessGone = (error: HubError) =>
  isSessionGone(error)
    ? Effect.fail(error)
    : Effect.as(Effect.logError(`${error.method}: ${error.message}`), "failed" as const)

/** When our session began: a task that wants to know whether we have restarted compares it (daemon.md 4.11). */
const sessionStart = Effect.flatMap(getSessionInfo(), (info) =>
  info === null
    ? Effect.fail(new HubNonsense({ method: "getSessionInfo", message: "the hub knows nothing of our session" }))
    : Effect.succeed(info.start_ts)
)
