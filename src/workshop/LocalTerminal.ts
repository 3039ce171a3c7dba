/** The terminal that this process runs in, handed through as it is: byte by byte, with its size. */
import { Effect, Queue, Stream } from "effect"
import type { Terminal, TerminalSize } from "../engine/Engine.ts"

/** Undefined when there is none to type at, or none to show anything on. As it was when the scope closes. */
export const localTerminal = Effect.gen(function* () {
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  // One that is closed cannot be read, shown on, or set back; that it is closed comes as SIGHUP.
  const gone = () => undefined
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      for (const stream of [stdin, stdout]) stream.on("error", gone)
      stdin.setRawMode(true)
    }),
    () =>
      Effect.sync(() => {
        if (!stdin.destroyed) stdin.setRawMode(false)
        // Node would wait for more to be typed.
        stdin.pause()
      })
  )
  const terminal: Terminal = {
    input: Stream.callback<Uint8Array>((queue) => {
      const typed = (bytes: Buffer) => void Queue.offerUnsafe(queue, bytes)
      const closed = () => void Queue.endUnsafe(queue)
      return Effect.acquireRelease(
        Effect.sync(() => stdin.on("data", typed).once("end", closed)),
        () => Effect.sync(() => stdin.off("data", typed).off("end", closed))
      )
    }),
    sizes: Stream.callback<TerminalSize>((queue) => {
      const tell = () => void Queue.offerUnsafe(queue, { columns: stdout.columns, rows: stdout.rows })
      // Node hears of SIGWINCH and measures it.
      return Effect.acquireRelease(
        Effect.sync(() => {
          tell()
          stdout.on("resize", tell)
        }),
        () => Effect.sync(() => stdout.off("resize", tell))
      )
    }),
    show: (bytes) => Effect.callback<void>((resume) => void stdout.write(bytes, () => resume(Effect.void)))
  }
  return terminal
})
