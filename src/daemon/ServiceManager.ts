/**
 * What the daemon tells whoever started it, which is systemd or nobody (sd_notify(3)).
 *
 * The watchdog is fed by check-ins that the hub has taken, and by nothing else: a daemon that goes round in its loop and
 * reaches nobody is as good as one that hangs, and to be started again costs no build (adr/0012, adr/0017).
 */
import { execFile } from "node:child_process"
import { Clock, Context, Effect, Ref, Semaphore } from "effect"

export type ServiceNotice =
  /** Logged in, with all that an earlier process left known: tasks may come. */
  | { readonly _tag: "Ready" }
  /** Why tasks come, or do not. */
  | { readonly _tag: "Status"; readonly text: string }
  /** The hub has heard of us. */
  | { readonly _tag: "CheckedIn" }
  /** No tasks are taken any more; when those that run have ended, the program begins again in this very process. */
  | { readonly _tag: "Reloading" }
  | { readonly _tag: "Stopping"; readonly text: string }

export interface ServiceManagerShape {
  /** Tells it; never fails, and never waits for long. */
  tell(notice: ServiceNotice): Effect.Effect<void>
}

/** Nobody, unless somebody is there. */
export const ServiceManager = Context.Reference<ServiceManagerShape>("adjutant/daemon/ServiceManager", {
  defaultValue: () => ({ tell: () => Effect.void })
})

const tellSeconds = 5
/** How often the watchdog is fed, as a part of the time that it waits: once may be lost. */
const watchdogPart = 4

export interface SystemdOptions {
  /** `$NOTIFY_SOCKET`. */
  readonly socket: string
  /** `$WATCHDOG_USEC`: how long the watchdog waits; null when there is none. */
  readonly watchdogMicros: number | null
  /** Microseconds of the monotonic clock. */
  readonly monotonicMicros: () => bigint
}

/**
 * Through `systemd-notify`, since Node has no datagram sockets of this kind. It waits until systemd has read the message, so
 * messages arrive in order, and none is lost because its sender was gone before systemd could look whose it was.
 */
export const systemd = Effect.fnUntraced(function* (options: SystemdOptions) {
  const oneAtATime = yield* Semaphore.make(1)
  const fedAt = yield* Ref.make(Number.NEGATIVE_INFINITY)
  const complained = yield* Ref.make(false)

  const send = (assignments: ReadonlyArray<string>) =>
    notify(options.socket, assignments).pipe(
      oneAtATime.withPermits(1),
      Effect.flatMap((trouble) =>
        trouble === undefined
          ? Effect.void
          : Effect.flatMap(Ref.getAndSet(complained, true), (before) =>
              before ? Effect.void : Effect.logWarning(`systemd cannot be told how we are: ${trouble}`)
            )
      )
    )

  const feed = Effect.gen(function* () {
    if (options.watchdogMicros === null) return
    // A clock that is set back must not keep it hungry.
    const now = Number((yield* Clock.monotonicTimeNanos) / 1000n)
    if (now - (yield* Ref.get(fedAt)) < options.watchdogMicros / watchdogPart) return
    yield* Ref.set(fedAt, now)
    yield* send(["WATCHDOG=1"])
  })

  return {
    tell: (notice) => {
      switch (notice._tag) {
        case "Ready":
          return send(["READY=1"])
        case "Status":
          return send([statusOf(notice.text)])
        case "CheckedIn":
          return feed
        case "Reloading":
          return send([`MONOTONIC_USEC=${options.monotonicMicros()}`, "RELOADING=1"])
        case "Stopping":
          return send(["STOPPING=1", statusOf(notice.text)])
      }
    }
  } satisfies ServiceManagerShape
})

/** One line is all that there is room for. */
const statusOf = (text: string): string => `STATUS=${text.replace(/\s+/g, " ")}`

/** What went wrong, if anything did. */
const notify = (socket: string, assignments: ReadonlyArray<string>) =>
  Effect.callback<string | undefined>((resume) => {
    const env = { NOTIFY_SOCKET: socket, PATH: "/usr/bin:/bin" }
    const child = execFile("systemd-notify", assignments, { env, timeout: 1000 * tellSeconds }, (error) =>
      resume(Effect.succeed(error === null ? undefined : error.message.trim()))
    )
    return Effect.sync(() => void child.kill())
  })
