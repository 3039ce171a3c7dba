/** An engine that answers as a test says, over a real socket: for what an engine's words and their form mean. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { dockerodeClient } from "../../src/engine/DockerodeClient.ts"

export interface Answer {
  readonly status: number
  /** A text goes as it is, anything else as JSON. */
  readonly body: unknown
}

/** A refusal in Podman's form. */
export const refusal = (message: string, status = 500): Answer => ({
  status,
  body: { cause: "some cause", message, response: status }
})
export const granted = (body: unknown): Answer => ({ status: 200, body })

/** Its client, and what it was asked: `GET /containers/json`, without the version. */
export const answeringEngine = (answer: (asked: string, query: URLSearchParams, nth: number) => Answer) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly asked: ReadonlyArray<string>; readonly path: string; readonly close: () => void }>(
      (resume) => {
        const directory = mkdtempSync(join(tmpdir(), "adjutant-answering-"))
        const path = join(directory, "engine.sock")
        const asked: Array<string> = []
        const server = createServer(({ method, url = "" }, response) => {
          const { pathname, searchParams } = new URL(url, "http://engine")
          const what = `${method} ${pathname.replace(/^\/v[\d.]+/, "")}`
          asked.push(what)
          const { status, body } = answer(what, searchParams, asked.length)
          response.writeHead(status, { "Content-Type": "application/json" })
          response.end(typeof body === "string" ? body : JSON.stringify(body))
        })
        const close = () => {
          server.close().closeAllConnections()
          rmSync(directory, { recursive: true })
        }
        server.listen(path, () => resume(Effect.succeed({ asked, path, close })))
      }
    ),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ path, asked }) => ({ client: dockerodeClient(path), asked })))
