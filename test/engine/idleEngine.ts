/** A container engine that says who it is, has nothing, and is asked for nothing more: for daemons that run no container. */
import { rmSync } from "node:fs"
import { createServer } from "node:http"
import { Effect } from "effect"

const answers: ReadonlyArray<readonly [RegExp, unknown]> = [
  [/\/_ping$/, "OK"],
  [/\/version$/, { Version: "0", ApiVersion: "1.41", Arch: "amd64", Components: [{ Name: "Engine", Version: "0" }] }],
  [/\/info$/, { DockerRootDir: "/", MemoryLimit: true, PidsLimit: true, CgroupVersion: "2", LiveRestoreEnabled: true }],
  [/\/(containers|images)\/json$/, []]
]

/** Listens on this socket until the scope closes. */
export const idleEngine = (socketPath: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer(({ url = "" }, response) => {
        const { pathname } = new URL(url, "http://engine")
        const found = answers.find(([path]) => path.test(pathname))
        response.writeHead(found === undefined ? 404 : 200, { "Content-Type": "application/json" })
        response.end(JSON.stringify(found === undefined ? { message: "there is nothing" } : found[1]))
      })
      server.listen(socketPath, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close().closeAllConnections()
        rmSync(socketPath, { force: true })
      })
  )
