/** The daemon as a service: what it tells systemd, from its start over a reload to its end, and what the check finds. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { adjutant } from "../cli/command.ts"
import { listener } from "../daemon/listener.ts"
import { engineSocket } from "../engines.ts"
import { freshHub } from "../hubsim/Hub.ts"
import { makeBuilder } from "./builder.ts"
import { startDaemon } from "./daemonProcess.ts"
import { patient, until } from "./until.ts"

const builderOn = Effect.fnUntraced(function* (engine: "docker" | "podman") {
  const hub = yield* freshHub()
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-service-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  return yield* makeBuilder({
    ...{ name: "builder1", engine, socket: engineSocket(engine), directory, topdir: hub.topdir },
    kojid: { server: hub.url, topurl: hub.filesUrl, password: "builder1" }
  })
})

describe("the daemon as a service", () => {
  it.live(
    "says that it is ready, that it lives, that it begins anew, that it goes",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { socket, heard } = yield* listener
          const builder = yield* builderOn("docker")
          const daemon = yield* startDaemon(builder.configFile, undefined, false, {
            NOTIFY_SOCKET: socket,
            WATCHDOG_USEC: "1000000"
          })
          const hears = (what: string, times = 1) =>
            until(
              `systemd to hear ${what}`,
              () => `${daemon.said()}\n${JSON.stringify(heard)}`,
              () => (heard.flat().filter((line) => line === what).length >= times ? true : undefined)
            )
          yield* hears("WATCHDOG=1")
          assert.deepStrictEqual(heard.slice(0, 3), [["READY=1"], ["STATUS=ready"], ["WATCHDOG=1"]])

          const { code, out } = yield* adjutant(["check", "-c", builder.configFile])
          assert.strictEqual(code, 0, out)
          assert.match(out, /^ok {7}login: the daemon of this host is logged in/m)

          yield* daemon.signal("SIGUSR1")
          yield* hears("RELOADING=1")
          yield* hears("READY=1", 2)
          assert.notInclude(heard.flat().join(), "STOPPING=1")

          yield* hears("STATUS=ready", 2)
          yield* daemon.signal("SIGUSR2")
          assert.strictEqual(yield* daemon.exit, 0)
          assert.deepStrictEqual(heard.at(-1), ["STOPPING=1", "STATUS=0 tasks run on for the next daemon"])
        })
      ),
    patient
  )

  it.live(
    "finds nothing in its way on either engine before it starts",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          for (const engine of ["docker", "podman"] as const) {
            const builder = yield* builderOn(engine)
            const { code, out } = yield* adjutant(["check", "-c", builder.configFile])
            assert.strictEqual(code, 0, out)
            for (const subject of [`engine: ${engine}`, "tools image", "login: as builder1", "host: builder1"]) {
              assert.match(out, new RegExp(`^ok {7}${subject}`, "m"))
            }
          }
        })
      ),
    patient
  )
})
