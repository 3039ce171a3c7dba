/** A Podman whose answer a container spoilt by ending just then; over a real socket, for the words are in its bodies. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dockerodeClient } from "../../src/engine/DockerodeClient.ts"

const ended = {
  Id: "c0ffee",
  Created: "2026-01-01T00:00:00Z",
  Config: { Labels: {} },
  State: {
    ...{ Status: "exited", Running: false, OOMKilled: false, ExitCode: 127, Error: "" },
    ...{ StartedAt: "2026-01-01T00:00:00Z", FinishedAt: "2026-01-01T00:00:01Z" }
  }
}
const listed = [{ Id: "c0ffee", Names: ["/c0ffee"], ImageID: "sha256:1", State: "exited", Labels: {} }]

/** A client of an engine that says this so many times before it answers; and how often it was asked. */
const client = (message: string, times: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly asked: () => number; readonly socketPath: string; readonly close: () => void }>(
      (resume) => {
        const directory = mkdtempSync(join(tmpdir(), "adjutant-looked-"))
        const socketPath = join(directory, "engine.sock")
        let asked = 0
        const server = createServer(({ url = "" }, response) => {
          const answers = ++asked > times
          const answer = url.includes("/containers/json") ? listed : ended
          response.writeHead(answers ? 200 : 500, { "Content-Type": "application/json" })
          response.end(JSON.stringify(answers ? answer : { cause: "no such process", message, response: 500 }))
        })
        const close = () => {
          server.close().closeAllConnections()
          rmSync(directory, { recursive: true })
        }
        server.listen(socketPath, () => resume(Effect.succeed({ asked: () => asked, socketPath, close })))
      }
    ),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ socketPath, asked }) => ({ engine: dockerodeClient(socketPath), asked })))

describe("a container that ends while Podman looks at it", () => {
  const words = "read /proc/32356/cgroup: no such process"

  it.live("is looked at again", () =>
    Effect.gen(function* () {
      const { engine, asked } = yield* client(words, 2)
      assert.strictEqual((yield* engine.inspectContainer("c0ffee")).State.ExitCode, 127)
      assert.strictEqual(asked(), 3)
    })
  )

  it.live("does not spoil the list of all", () =>
    Effect.gen(function* () {
      const { engine, asked } = yield* client(words, 1)
      assert.deepStrictEqual(
        (yield* engine.listContainers({})).map(({ Id }) => Id),
        ["c0ffee"]
      )
      assert.strictEqual(asked(), 2)
    })
  )

  it.live("and no other refusal is asked about twice", () =>
    Effect.gen(function* () {
      const { engine, asked } = yield* client("read /proc/32356/cgroup: permission denied", 1)
      const error = yield* Effect.flip(engine.inspectContainer("c0ffee"))
      assert.strictEqual(error.reason, "refused")
      assert.strictEqual(asked(), 1)
    })
  )
})
