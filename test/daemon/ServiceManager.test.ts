/** What systemd hears of the daemon: by the real `systemd-notify`, on a real socket; and when, in the model's world. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { type ServiceNotice, systemd } from "../../src/daemon/ServiceManager.ts"
import { story, type World } from "../model/World.ts"
import { listener } from "./listener.ts"

const minute = 60_000_000
const monotonicMicros = () => 17n

describe("systemd", () => {
  it.effect("hears each thing once, in order, in its own words", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { socket, heard } = yield* listener
        const manager = yield* systemd({ socket, watchdogMicros: minute, monotonicMicros })
        const notices: ReadonlyArray<ServiceNotice> = [
          { _tag: "Ready" },
          { _tag: "Status", text: "not ready:\nload average 9" },
          { _tag: "CheckedIn" },
          { _tag: "Reloading" },
          { _tag: "Stopping", text: "freeing 2 tasks" }
        ]
        for (const notice of notices) yield* manager.tell(notice)
        assert.deepStrictEqual(heard, [
          ["READY=1"],
          ["STATUS=not ready: load average 9"],
          ["WATCHDOG=1"],
          ["MONOTONIC_USEC=17", "RELOADING=1"],
          ["STOPPING=1", "STATUS=freeing 2 tasks"]
        ])
      })
    )
  )

  it.effect("is told of check-ins no more often than its watchdog needs, and never without one", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { socket, heard } = yield* listener
        const manager = yield* systemd({ socket, watchdogMicros: minute, monotonicMicros })
        for (let look = 0; look < 8; look++) {
          yield* manager.tell({ _tag: "CheckedIn" })
          yield* TestClock.adjust("5 seconds")
        }
        assert.deepStrictEqual(heard, [["WATCHDOG=1"], ["WATCHDOG=1"], ["WATCHDOG=1"]])
        const without = yield* systemd({ socket, watchdogMicros: null, monotonicMicros })
        yield* without.tell({ _tag: "CheckedIn" })
        yield* without.tell({ _tag: "Ready" })
        assert.deepStrictEqual(heard.slice(3), [["READY=1"]])
      })
    )
  )

  it.effect("that is not there harms nothing", () =>
    Effect.gen(function* () {
      const manager = yield* systemd({ socket: "/nonexistent/notify", watchdogMicros: null, monotonicMicros })
      yield* manager.tell({ _tag: "Ready" })
      yield* manager.tell({ _tag: "Stopping", text: "all is well" })
    })
  )
})

const tags = (notices: ReadonlyArray<ServiceNotice>) =>
  notices.map((notice) => ("text" in notice ? `${notice._tag} ${notice.text}` : notice._tag))

/** A daemon that has looked at the hub so many times. */
const looked = Effect.fnUntraced(function* (world: World, times: number) {
  const daemon = yield* world.daemon()
  yield* daemon.start
  yield* world.until(() => daemon.notices.filter(({ _tag }) => _tag === "CheckedIn").length >= times)
  return daemon
})

describe("a daemon tells systemd", () => {
  it("that it is ready once it is logged in, how it is, and when it goes", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* looked(world, 2)
        yield* daemon.terminate
        assert.deepStrictEqual(tags(daemon.notices), [
          "Ready",
          "Status ready",
          "CheckedIn",
          "CheckedIn",
          "Stopping freeing 0 tasks"
        ])
      })
    ))

  it("of check-ins that the hub has taken, and of no others", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub, time } = world
        const daemon = yield* looked(world, 1)
        const before = daemon.notices.length
        hub.fateOf = ({ method }) => (method === "host.updateHost" ? { _tag: "Lost" } : { _tag: "Done" })
        const from = time.now
        yield* world.until(() => time.now - from > 1_800_000)
        assert.isAbove(hub.calls.filter(({ fate }) => fate === "Lost").length, 10)
        assert.deepStrictEqual(tags(daemon.notices.slice(before)), [])
        hub.fateOf = () => ({ _tag: "Done" })
        yield* world.until(() => daemon.notices.length > before)
        assert.deepStrictEqual(tags(daemon.notices.slice(before, before + 1)), ["CheckedIn"])
        yield* daemon.terminate
      })
    ))

  it("that it waits for what runs and begins again, or that it leaves what runs to the next", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* looked(world, 1)
        yield* daemon.drain
        yield* daemon.ended
        assert.deepStrictEqual(
          tags(daemon.notices).filter((text) => text !== "CheckedIn"),
          ["Ready", "Status ready", "Reloading"]
        )
        yield* daemon.start
        yield* world.until(() => daemon.notices.at(-1)?._tag === "CheckedIn")
        yield* daemon.handOver
        yield* daemon.ended
        assert.strictEqual(tags(daemon.notices).at(-1), "Stopping 0 tasks run on for the next daemon")
      })
    ))
})
