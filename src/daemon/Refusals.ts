/**
 * What has been refused here on a hub that takes no refusals (before 1.34). It lies there free, and this host would be
 * the first to open it again: the hub's own rule is kept here in its place (daemon.md 4.10).
 */
import { Clock, Effect, Ref } from "effect"

export interface Refusals {
  add(task: number, soft: boolean): Effect.Effect<void>
  /** Those of what is on offer that are not refused, or not any more; what the hub offers is asked for meanwhile. */
  without<A extends { readonly id: number }, B, E, R>(
    ask: Effect.Effect<readonly [B, ReadonlyArray<A>], E, R>
  ): Effect.Effect<readonly [B, ReadonlyArray<A>], E, R>
}

/** For how long a soft one holds at hubs that take them. */
const softMillis = 15 * 60 * 1000

export const makeRefusals: Effect.Effect<Refusals> = Effect.map(
  Ref.make<ReadonlyMap<number, number>>(new Map()),
  (ref) => ({
    add: (task, soft) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.update(ref, (until) => {
          // A hub that takes refusals is never asked what `without` asks: what is over goes here too.
          const still = [...until].filter(([, end]) => end > now)
          return new Map(still).set(task, soft ? now + softMillis : Number.POSITIVE_INFINITY)
        })
      ),
    without: (ask) =>
      Effect.gen(function* () {
        // What is refused while the hub answers is not missing in what it says.
        const before = yield* Ref.get(ref)
        const [first, offered] = yield* ask
        const now = yield* Clock.currentTimeMillis
        const there = new Set(offered.map(({ id }) => id))
        const holds = (task: number, end: number) =>
          end > now && (end !== Number.POSITIVE_INFINITY || there.has(task) || !before.has(task))
        const until = yield* Ref.updateAndGet(ref, (all) => new Map([...all].filter(([task, end]) => holds(task, end))))
        return [first, offered.filter(({ id }) => !until.has(id))] as const
      })
  })
)
