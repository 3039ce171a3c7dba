/** Looks at this machine: directories, volumes, files with secrets, SELinux, and servers that only need to answer. */
import { constants } from "node:fs"
import { access, lstat, readFile, stat, statfs } from "node:fs/promises"
import { connect } from "node:net"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { ThroughProxy } from "../hub/ThroughProxy.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"
import type { DirectoryFacts, SecretFacts, VolumeFacts } from "./PlaceFindings.ts"
import type { Served } from "./TreeFindings.ts"

const mebibyte = 1024 * 1024
const answerSeconds = 15

const isWritable = (path: string) =>
  access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false
  )

/** The path itself, or the first directory above it that is there. */
const nearest = async (path: string): Promise<string> => {
  const found = await lstat(path).catch(() => undefined)
  return found !== undefined || dirname(path) === path ? path : nearest(dirname(path))
}

export const lookAtDirectory = (option: string, path: string, isPrivate: boolean) =>
  Effect.promise(async (): Promise<DirectoryFacts> => {
    const entry = await lstat(path).catch(() => undefined)
    const where = { option, path, isPrivate, isWritable: await isWritable(await nearest(path)) }
    if (entry === undefined) return { ...where, kind: "missing", mode: 0, isOurs: true }
    const kind = entry.isSymbolicLink() ? "link" : entry.isDirectory() ? "directory" : "other"
    return { ...where, kind, mode: entry.mode, isOurs: entry.uid === process.getuid?.() }
  })

/** The volume that the path is on, or will be. */
export const lookAtVolume = (path: string) =>
  Effect.promise(async (): Promise<VolumeFacts> => {
    const found = await statfs(await nearest(path)).catch(() => undefined)
    return { path, freeMebibytes: found === undefined ? null : Math.floor((found.bavail * found.bsize) / mebibyte) }
  })

/** Those of the files that are there. */
export const lookAtSecrets = (files: ReadonlyArray<{ readonly option: string; readonly path: string }>) =>
  Effect.promise(async (): Promise<ReadonlyArray<SecretFacts>> => {
    const looked = await Promise.all(
      files.map(async (file) => {
        const entry = await stat(file.path).catch(() => undefined)
        return entry?.isFile() === true ? [{ ...file, mode: entry.mode }] : []
      })
    )
    return looked.flat()
  })

export const isEnforcing = Effect.promise(() =>
  readFile("/sys/fs/selinux/enforce", "utf8").then(
    (text) => text.trim() === "1",
    () => false
  )
)

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

export const lookAtTopDirectory = (path: string, sample: string | null) =>
  Effect.promise(async () => ({
    path,
    holdsRepos: await isThere(join(path, "repos")),
    holdsSample: sample === null ? null : await isThere(join(path, sample))
  }))

const silent = (message: string): Served => ({ _tag: "Silent", message })

/** Asks for a file below a URL without reading it. */
export const askFor = (top: string, path: string) =>
  Effect.flatMap(HttpClient.HttpClient, (client) =>
    HttpClient.followRedirects(client, 5)
      .execute(HttpClientRequest.head(`${top.replace(/\/+$/, "")}/${path}`))
      .pipe(
        Effect.map(({ status }): Served => ({ _tag: "Status", status })),
        Effect.timeout(`${answerSeconds} seconds`),
        Effect.catch((error) => Effect.succeed(silent(withoutPassword(wordsOf(error)))))
      )
  ).pipe(
    Effect.scoped,
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
  )

/** What is at the bottom of an error: the connection's own words. */
const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ThroughProxy) return error.message
  return error.cause instanceof Error ? wordsOf(error.cause) : error.message || error.name
}

/** Whether somebody takes connections there. */
export const connectTo = (host: string, port: number) =>
  Effect.callback<Served>((resume) => {
    const socket = connect({ host, port })
    socket.setTimeout(answerSeconds * 1000, () => end(silent(`no answer within ${answerSeconds} s`)))
    socket.on("connect", () => end({ _tag: "Status", status: 0 }))
    socket.on("error", (error) => end(silent(error.message)))
    const end = (served: Served) => {
      socket.destroy()
      resume(Effect.succeed(served))
    }
    return Effect.sync(() => void socket.destroy())
  })
