/**
 * The daemon itself, as far as a task may have a hand in it: administrators restart and stop builders by tasks
 * (daemon.md 4.11). What a process was told here it forgets with its end, as it should.
 */
import { Context, Deferred, Effect, Layer, Ref } from "effect"

export class DaemonControl extends Context.Service<
  DaemonControl,
  {
    /** Takes nothing more, waits for what runs, and begins anew as another process with another session. */
    restart(why: string): Effect.Effect<void>
    /** Ends the daemon in order. */
    stop(why: string): Effect.Effect<void>
    /** Whether a restart is pending. */
    readonly restarting: Effect.Effect<boolean>
    /** Returns why once it is to stop. */
    readonly stopping: Effect.Effect<string>
    /** Says when the daemon's session began, in seconds by the hub's clock. */
    began(sessionStart: number): Effect.Effect<void>
    /** When it began; waits for whoever knows. */
    readonly sessionStart: Effect.Effect<number>
  }
>()("adjutant/buildroot/DaemonControl") {
  static readonly layer = Layer.effect(
    DaemonControl,
    Effect.gen(function* () {
      const restarting = yield* Ref.make(false)
      const stopping = yield* Deferred.make<string>()
      const sessionStart = yield* Deferred.make<number>()
      return DaemonControl.of({
        restart: (why) =>
          Effect.flatMap(Ref.getAndSet(restarting, true), (already) =>
            already ? Effect.void : Effect.log(`draining: ${why}`)
          ),
        stop: (why) => Effect.asVoid(Deferred.succeed(stopping, why)),
        restarting: Ref.get(restarting),
        stopping: Deferred.await(stopping),
        began: (seconds) => Effect.asVoid(Deferred.succeed(sessionStart, seconds)),
        sessionStart: Deferred.await(sessionStart)
      })
    })
  )
}
