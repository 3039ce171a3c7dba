/** Who answers on an engine's socket is asked for at every look of the daemon's, and must cost nothing. */
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as DockerEngine from "../../src/engine/DockerEngine.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { until } from "../e2e/until.ts"

const socketPath = join(tmpdir(), `adjutant-presence-${process.pid}.sock`)

/** An engine that can say who it is, in this version; which questions it was asked. */
const answering = Effect.gen(function* () {
  const asked: Array<string> = []
  const state = { version: "4.3.1", busy: Promise.resolve() }
  const answers: Readonly<Record<string, () => object>> = {
    _ping: () => ({}),
    version: () => ({
      ...{ Version: state.version, ApiVersion: "1.41", Arch: "amd64" },
      Components: [{ Name: "Podman Engine", Version: state.version }]
    }),
    info: () => ({ DockerRootDir: "/var/lib/containers/storage", MemoryLimit: true, PidsLimit: true })
  }
  const server = createServer(async (request, response) => {
    const name = request.url?.split("/").at(-1) ?? ""
    asked.push(name)
    if (name === "info") await state.busy
    response.setHeader("Server", `Libpod/${state.version} (linux)`)
    response.setHeader("Content-Type", "application/json")
    response.end(JSON.stringify(answers[name]?.() ?? {}))
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(socketPath, () => resume(Effect.void))),
    () => Effect.sync(() => void server.close())
  )
  const becomes = (version: string) =>
    Effect.sync(() => {
      state.version = version
    })
  /** It takes its time for its longest answer from now on; what ends that. */
  const isBusy = Effect.sync(() => {
    let rest = () => {}
    state.busy = new Promise((resolve) => {
      rest = resolve
    })
    return Effect.sync(() => rest())
  })
  return { asked, becomes, isBusy }
})

describe("an engine that is asked who it is", () => {
  it.live("and is too busy to say so in time, is not asked anew, and heard in the end", () =>
    Effect.gen(function* () {
      const { asked, isBusy } = yield* answering
      const rest = yield* isBusy
      const { info } = yield* Engine
      const first = yield* Effect.forkChild(info)
      yield* until(
        "the long question",
        () => asked.join(),
        () => asked.includes("info") || undefined
      )
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(info)
      yield* until(
        "it to be asked again",
        () => asked.join(),
        () => asked.filter((name) => name === "_ping").length === 2 || undefined
      )
      yield* rest
      assert.strictEqual((yield* Fiber.join(second)).version, "4.3.1")
      assert.deepStrictEqual(asked, ["_ping", "version", "info", "_ping"])
    }).pipe(Effect.provide(DockerEngine.layer({ socketPath })), Effect.scoped)
  )

  it.live("again and again, is asked the long questions once, and again when it has been upgraded", () =>
    Effect.gen(function* () {
      const { asked, becomes } = yield* answering
      const { info } = yield* Engine
      for (let look = 0; look < 3; look++) assert.strictEqual((yield* info).version, "4.3.1")
      assert.deepStrictEqual(asked, ["_ping", "version", "info", "_ping", "_ping"])
      yield* becomes("4.4.0")
      assert.strictEqual((yield* info).version, "4.4.0")
      assert.deepStrictEqual(asked.slice(5), ["_ping", "version", "info"])
    }).pipe(Effect.provide(DockerEngine.layer({ socketPath })), Effect.scoped)
  )
})
