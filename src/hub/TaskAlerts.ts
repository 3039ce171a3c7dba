/**
 * Waking a task that waits for its children: the daemon's look at `host.getHostTasks` sees that one has finished
 * (`alert`), long before the task's own next poll would.
 */
import { Context, Effect, Layer, PubSub, Stream } from "effect"

export class TaskAlerts extends Context.Service<
  TaskAlerts,
  {
    /** Wakes whoever waits on behalf of this task. */
    alert(task: number): Effect.Effect<void>
    /** Returns at the next alert for this task. */
    next(task: number): Effect.Effect<void>
  }
>()("adjutant/hub/TaskAlerts") {
  static readonly layer = Layer.effect(
    TaskAlerts,
    Effect.gen(function* () {
      const alerts = yield* PubSub.unbounded<number>()
      return TaskAlerts.of({
        alert: (task) => Effect.asVoid(PubSub.publish(alerts, task)),
        next: (task) =>
          Stream.fromPubSub(alerts).pipe(
            Stream.filter((alerted) => alerted === task),
            Stream.take(1),
            Stream.runDrain
          )
      })
    })
  )
}
