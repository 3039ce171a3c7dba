/** A way to an engine's socket that can be cut: connections break, and new ones are refused for a while. */

import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Duration } from "effect"
import { Effect } from "effect"

export const cuttableProxy = (engineSocket: string) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly socketPath: string
      cut(length: Duration.Input): Effect.Effect<void>
      /** Cut for as long as this takes. */
      cutWhile<A>(work: Effect.Effect<A>): Effect.Effect<A>
      readonly close: () => void
    }>((resume) => {
      const directory = mkdtempSync(join(tmpdir(), "adjutant-proxy-"))
      const socketPath = join(directory, "engine.sock")
      const open = new Set<Socket>()
      let refuses = false
      const server = createServer((client) => {
        if (refuses) {
          client.destroy()
          return
        }
        const engine = connect(engineSocket)
        for (const [one, other] of [
          [client, engine],
          [engine, client]
        ] as const) {
          open.add(one)
          one.pipe(other)
          one.on("error", () => other.destroy())
          one.on("close", () => {
            open.delete(one)
            other.destroy()
          })
        }
      })
      const breakAll = () => {
        for (const socket of open) socket.destroy()
      }
      const cutWhile = <A>(work: Effect.Effect<A>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            refuses = true
            breakAll()
          }),
          () => work,
          () =>
            Effect.sync(() => {
              refuses = false
            })
        )
      const cut = (length: Duration.Input) => cutWhile(Effect.sleep(length))
      const close = () => {
        breakAll()
        server.close()
        rmSync(directory, { recursive: true, force: true })
      }
      server.listen(socketPath, () => resume(Effect.succeed({ socketPath, cut, cutWhile, close })))
    }),
    ({ close }) => Effect.sync(close)
  )
