/**
 * The real engines that tests run on, and the image they run in. A missing one is a failure that says what to do:
 * whoever wants to go without asks for the fast tests alone.
 */

import { existsSync } from "node:fs"
import { request } from "node:http"

export type EngineName = "docker" | "podman"

export const toolsImage = "localhost/adjutant-tools:bookworm"

const known: Record<EngineName, { readonly variable: string; readonly sockets: ReadonlyArray<string> }> = {
  docker: { variable: "ADJUTANT_DOCKER_SOCKET", sockets: ["/var/run/docker.sock"] },
  podman: {
    variable: "ADJUTANT_PODMAN_SOCKET",
    sockets: ["/run/koji-adjutant/podman.sock", "/run/podman/podman.sock"]
  }
}

/** The engine's socket. Throws, and says what to run, if there is none. */
export const engineSocket = (name: EngineName): string => {
  const { variable, sockets } = known[name]
  const chosen = process.env[variable]
  const socket = chosen ?? sockets.find((path) => existsSync(path))
  if (socket === undefined || !existsSync(socket)) {
    throw new Error(
      `no ${name} at ${chosen ?? sockets.join(" or ")}: run \`scripts/engine start ${name}\`, or set ${variable}`
    )
  }
  return socket
}

/** A call to the engine's API behind the port's back: its status and its answer's text. */
export const callEngine = (
  socketPath: string,
  method: string,
  path: string,
  body?: Uint8Array | object
): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const bytes =
      body === undefined || body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body))
    const headers = {
      "Content-Type": body instanceof Uint8Array ? "application/x-tar" : "application/json",
      "Content-Length": bytes?.length ?? 0
    }
    const call = request({ socketPath, method, path: `/v1.41${path}`, headers }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      response.on("error", reject)
    })
    call.on("error", reject)
    call.end(bytes)
  })

/** A tar of one file, `/marker`, large enough to come in several chunks. */
export const smallTar = (marker: string): ReadonlyArray<Uint8Array> => {
  const content = Buffer.alloc(64 * 1024, `${marker}\n`)
  const header = Buffer.alloc(512)
  header.write("marker")
  header.write("0000644\0", 100)
  header.write("0000000\0", 108)
  header.write("0000000\0", 116)
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124)
  header.write("00000000000\0", 136)
  header.write("        0", 148)
  header.write("ustar\u000000", 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  const whole = Buffer.concat([header, content, Buffer.alloc(1024)])
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < whole.length; at += 16 * 1024) chunks.push(whole.subarray(at, at + 16 * 1024))
  return chunks
}
