/** A registry of one image, over plain HTTP on this machine: what a pull asks for, and a way to be slow or to refuse. */

import { createHash } from "node:crypto"
import { createServer } from "node:http"
import { gzipSync } from "node:zlib"
import { Effect } from "effect"
import { smallTar } from "../engines.ts"

/** How it answers when asked for the image's layer. */
export type Behaviour = "serves" | "stalls" | "denies"

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`
const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

const imageOf = (marker: string, architecture: string) => {
  const tar = Buffer.concat(smallTar(marker))
  const layer = gzipSync(tar)
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Labels: { marker } },
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] }
    })
  )
  const part = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: part("application/vnd.docker.container.image.v1+json", config),
      layers: [part("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)]
    })
  )
  return { config, layer, manifest }
}

/** The image is `127.0.0.1:<port>/small:1`; `holds` puts another in its place. */
export const registryOf = (architecture: string) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly reference: string
      behave(how: Behaviour): void
      holds(marker: string): void
      close(): void
    }>((resume) => {
      let behaviour: Behaviour = "serves"
      let image = imageOf("first", architecture)
      const server = createServer((request, response) => {
        const path = request.url ?? ""
        const send = (type: string, bytes: Buffer) => {
          response.writeHead(200, {
            "Content-Type": type,
            "Content-Length": bytes.length,
            "Docker-Content-Digest": digestOf(bytes)
          })
          response.end(request.method === "HEAD" ? undefined : bytes)
        }
        const asks = (bytes: Buffer) => path.endsWith(digestOf(bytes))
        if (path === "/v2/") send("application/json", Buffer.from("{}"))
        else if (behaviour === "denies" || !path.startsWith("/v2/small/")) {
          response.writeHead(404, { "Content-Type": "application/json" })
          response.end(JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }))
        } else if (asks(image.config)) send("application/octet-stream", image.config)
        else if (asks(image.layer)) {
          if (behaviour === "serves") return send("application/octet-stream", image.layer)
          response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": image.layer.length })
          response.write(image.layer.subarray(0, 10))
        } else send(manifestType, image.manifest)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" ? address?.port : undefined
        resume(
          Effect.succeed({
            reference: `127.0.0.1:${port}/small:1`,
            behave: (how: Behaviour) => {
              behaviour = how
            },
            holds: (marker: string) => {
              image = imageOf(marker, architecture)
            },
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          })
        )
      })
    }),
    (registry) => Effect.sync(registry.close)
  )

export const smallRegistry = registryOf("amd64")
