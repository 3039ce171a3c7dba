/**
 * The hub's file tree over HTTP, read-only, as a site serves it below `topurl`.
 *
 * Repos lead through links (`toplink`) to the packages, so links are followed; but what a request comes to must lie in
 * one of Koji's own directories of the tree. That leaves out whatever else there is, this hub's database first of all.
 */
import { realpathSync, statSync } from "node:fs"
import { extname, relative } from "node:path"
import type { HttpReply, HttpRequest } from "./HttpServer.ts"

const served: ReadonlySet<string> = new Set(["packages", "repos", "repos-dist", "scratch", "vol", "work"])

const types: ReadonlyMap<string, string> = new Map([
  [".xml", "text/xml"],
  [".json", "application/json"],
  [".log", "text/plain; charset=utf-8"],
  [".spec", "text/plain; charset=utf-8"]
])

const refused = (status: number, text: string): HttpReply => ({
  status,
  headers: { "content-type": "text/plain" },
  body: `${text}\n`
})

/** Answers a request for a path below the top; `path` is as in the URL, without the prefix. */
export const serveFile = (top: string, path: string, { method, headers }: HttpRequest): HttpReply => {
  if (method !== "GET" && method !== "HEAD") {
    const reply = refused(405, "only to be read")
    return { ...reply, headers: { ...reply.headers, allow: "GET, HEAD" } }
  }
  const file = fileAt(top, path)
  if (file === undefined) return refused(404, "not found")
  const { size, mtime } = statSync(file)
  const range = rangeIn(headers["range"], size)
  if (range === "unsatisfiable") {
    const reply = refused(416, "no such range")
    return { ...reply, headers: { ...reply.headers, "content-range": `bytes */${size}` } }
  }
  const { start, end } = range ?? { start: 0, end: size }
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      "content-type": types.get(extname(file)) ?? "application/octet-stream",
      "content-length": `${end - start}`,
      "accept-ranges": "bytes",
      "last-modified": mtime.toUTCString(),
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${size}` })
    },
    body: method === "HEAD" || start === end ? "" : { file, start, end }
  }
}

/** The regular file that a path of a URL comes to, if that may be served. */
const fileAt = (top: string, path: string): string | undefined => {
  const root = realpathSync(top)
  try {
    const decoded = decodeURIComponent(path)
    if (decoded.includes("\0") || decoded.split("/").includes("..")) return undefined
    const file = realpathSync(`${root}/${decoded}`)
    const [first = ""] = relative(root, file).split("/")
    return served.has(first) && statSync(file).isFile() ? file : undefined
  } catch {
    // Not there, not to be read, or no path at all: all the same to who asks.
    return undefined
  }
}

/** The one range asked for, its end exclusive; a header that asks for several or for something else is passed over. */
const rangeIn = (header: string | ReadonlyArray<string> | undefined, size: number) => {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(typeof header === "string" ? header : "") ?? []
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1)
  return start < end ? { start, end } : "unsatisfiable"
}
