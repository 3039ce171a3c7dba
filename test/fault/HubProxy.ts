/**
 * A proxy of the bad kind between a builder and its hub, over real HTTP: what it does to a request it does when the
 * request has come in whole. Whatever it withholds, it says so, so that the model's time goes on.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import { Effect, type Scope } from "effect"

/** What becomes of one request. */
export const mischiefs = [
  "request lost",
  "answer lost",
  "half an answer",
  "half an answer that claims to be whole",
  "502 before the hub hears of it",
  "502 though the hub has done it",
  "a page of the proxy's own",
  "an answer of the wrong type",
  "an answer that comes too late",
  "a request that arrives after the one that repeats it",
  "a request that arrives twice"
] as const
export type Mischief = (typeof mischiefs)[number]

/** Words of its own that take the place of the answer, the hub having heard nothing. */
export interface Words {
  readonly what: string
  readonly body: Buffer
  readonly encoding?: "gzip"
}

interface Whole {
  readonly incoming: IncomingMessage
  readonly body: Buffer
}

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

export interface HubProxy {
  readonly url: string
  /** What has been done, and to which method. */
  readonly done: ReadonlyArray<readonly [Mischief | Words, string]>
}

const methodOf = ({ incoming, body }: Whole): string =>
  incoming.headers["content-type"] === "application/octet-stream"
    ? "rawUpload"
    : (/<methodName>([^<]*)/.exec(body.toString("latin1", 0, 500))?.[1] ?? "unknown")

/** Requests are numbered, so that one that is stuck can be told from the others. */
export const numberHeader = "X-Number"
const numberOf = ({ incoming }: Whole): string => String(incoming.headers[numberHeader.toLowerCase()])

/** The same for a request and the one that repeats it. */
const keyOf = ({ incoming, body }: Whole): string => {
  const { "koji-session-id": id, "koji-session-callnum": number } = incoming.headers
  return `${id} ${number} ${incoming.url} ${body.toString("base64")}`
}

const read = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Asks the hub, each time over a connection of its own. */
const asked = (hub: string, { incoming, body }: Whole): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const url = new URL(incoming.url ?? "/", hub)
    const { connection: _, ...headers } = incoming.headers
    const passed = request(url, { method: "POST", headers, agent: false }, (came) => {
      read(came).then(
        (answer) => resolve({ status: came.statusCode ?? 0, type: came.headers["content-type"] ?? "", body: answer }),
        reject
      )
    })
    passed.on("error", reject)
    passed.end(body)
  })

const send = (response: ServerResponse, { status, type, body }: Reply, whole = body.length) =>
  response.writeHead(status, { "Content-Type": type, "Content-Length": whole })

/**
 * Stands before the hub at this URL for as long as the scope lives. `choose` says what becomes of each request; `stuck`
 * is told the number of one of which nobody will hear until the client gives it up.
 */
export const hubProxy = (
  hub: string,
  choose: (method: string) => Mischief | Words | undefined,
  stuck: (number: string) => void
): Effect.Effect<HubProxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const done: Array<readonly [Mischief | Words, string]> = []
      /** Requests that are held back, each until the one that repeats it has been answered. */
      const held = new Map<string, Whole>()
      const pass = async (
        whole: Whole,
        response: ServerResponse,
        mischief: Mischief | Words | undefined
      ): Promise<void> => {
        if (typeof mischief === "object") {
          const { body, encoding } = mischief
          if (encoding !== undefined) response.setHeader("Content-Encoding", encoding)
          send(response, { status: 200, type: "text/xml", body }).end(body)
          return
        }
        const forward = () => asked(hub, whole)
        switch (mischief) {
          case undefined: {
            const reply = await forward()
            send(response, reply).end(reply.body)
            return
          }
          case "request lost":
            response.destroy()
            return
          case "answer lost":
            await forward()
            response.destroy()
            return
          case "half an answer": {
            const reply = await forward()
            send(response, reply).write(reply.body.subarray(0, reply.body.length / 2), () => response.destroy())
            return
          }
          case "half an answer that claims to be whole": {
            const { body, ...rest } = await forward()
            const half = body.subarray(0, body.length / 2)
            send(response, { ...rest, body: half }).end(half)
            return
          }
          case "502 before the hub hears of it":
          case "502 though the hub has done it": {
            if (mischief === "502 though the hub has done it") await forward()
            const body = Buffer.from("<html>Bad Gateway</html>")
            send(response, { status: 502, type: "text/html", body }).end(body)
            return
          }
          case "a page of the proxy's own": {
            const body = Buffer.from("<html>be right back</html>")
            send(response, { status: 200, type: "text/html", body }).end(body)
            return
          }
          case "an answer of the wrong type": {
            const reply = await forward()
            send(response, { ...reply, type: "text/html" }).end(reply.body)
            return
          }
          case "an answer that comes too late": {
            await forward()
            stuck(numberOf(whole))
            return
          }
          case "a request that arrives after the one that repeats it":
            held.set(keyOf(whole), whole)
            stuck(numberOf(whole))
            return
          case "a request that arrives twice": {
            const reply = await forward()
            await forward()
            send(response, reply).end(reply.body)
          }
        }
      }
      const server = createServer((incoming, response) => {
        void read(incoming).then(async (body) => {
          const whole = { incoming, body }
          const late = held.get(keyOf(whole))
          held.delete(keyOf(whole))
          const method = methodOf(whole)
          const mischief = choose(method)
          if (mischief !== undefined) done.push([mischief, method])
          await pass(whole, response, mischief)
          if (late !== undefined) await asked(hub, late)
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const port = typeof address === "object" ? address?.port : 0
      return { url: `http://127.0.0.1:${port}/kojihub`, done, server }
    }),
    ({ server }) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
  )
