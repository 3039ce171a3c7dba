/**
 * A forward proxy on loopback: it asks for what it is asked for, passes on what it is told to connect to, and remembers
 * both. It alone knows where the names are that a test makes up.
 */
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { Effect } from "effect"
import type { Issued } from "./Certificates.ts"

export interface ForwardProxyOptions {
  /** Ports on loopback, by the `name:port` that is asked for. */
  readonly names: Readonly<Record<string, number>>
  /** `user:password`, if it wants to know who asks. */
  readonly user?: string
  /** What it says to everybody. */
  readonly status?: number
  /** Its own, if it speaks TLS; then it asks whoever comes for one too. */
  readonly certificate?: Issued
}

export const startForwardProxy = ({ names, user, status, certificate }: ForwardProxyOptions) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const asked: Array<string> = []
        /** Whose certificate each that came over TLS has shown; null is none. */
        const shown: Array<string | null> = []
        const sockets = new Set<Socket>()
        const wanted = user === undefined ? undefined : `Basic ${Buffer.from(user).toString("base64")}`
        /** The status to refuse it with. */
        const refusal = (message: IncomingMessage): number | undefined => {
          if (wanted !== undefined && message.headers["proxy-authorization"] !== wanted) return 407
          return status
        }
        const forward = (message: IncomingMessage, answer: ServerResponse) => {
          asked.push(`${message.method} ${message.url}`)
          const url = new URL(message.url ?? "")
          const port = names[`${url.hostname}:${url.port || "80"}`]
          const refused = refusal(message) ?? (port === undefined ? 502 : undefined)
          if (refused !== undefined) {
            answer.writeHead(refused, { "Content-Type": "text/html" }).end("<no>")
            return
          }
          const { "proxy-authorization": _, ...headers } = message.headers
          const onward = request(
            { host: "127.0.0.1", port, method: message.method, path: url.pathname + url.search, headers },
            (answered) => {
              answer.writeHead(answered.statusCode ?? 500, answered.headers)
              answered.pipe(answer)
            }
          )
          onward.on("error", () => answer.destroy())
          message.pipe(onward)
        }
        const server: Server =
          certificate === undefined
            ? createServer(forward)
            : createSecureServer(
                {
                  ...{ cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) },
                  ...{ requestCert: true, rejectUnauthorized: false }
                },
                forward
              )
        server.on("secureConnection", (socket: TLSSocket) => {
          const { subject } = socket.getPeerCertificate()
          shown.push(subject === undefined ? null : String(subject.CN))
        })
        server.on("connection", (socket: Socket) => {
          sockets.add(socket)
          socket.on("close", () => sockets.delete(socket))
        })
        server.on("connect", (message: IncomingMessage, client: Socket, head: Buffer) => {
          asked.push(`CONNECT ${message.url}`)
          client.on("error", () => client.destroy())
          const port = names[message.url ?? ""]
          const refused = refusal(message) ?? (port === undefined ? 502 : undefined)
          if (port === undefined || refused !== undefined) {
            client.end(`HTTP/1.1 ${refused ?? 502} No\r\n\r\n`)
            return
          }
          const onward = connect(port, "127.0.0.1", () => {
            client.write("HTTP/1.1 200 Connection established\r\n\r\n")
            onward.write(head)
            onward.pipe(client).pipe(onward)
          })
          onward.on("error", () => client.destroy())
          client.on("close", () => onward.destroy())
        })
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return { server, sockets, asked, shown }
      }),
      ({ server, sockets }) =>
        Effect.promise(() => {
          for (const socket of sockets) socket.destroy()
          return new Promise((resolve) => server.close(resolve))
        })
    ),
    ({ server, asked, shown }) => ({ port: (server.address() as AddressInfo).port, asked, shown })
  )
