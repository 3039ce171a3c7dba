/**
 * Configuration files on disk (daemon.md 7.1): one file, or all `*.conf` files of a directory in order of their
 * names, later ones over earlier ones.
 */

import { open, readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { type ConfigSections, parseConfig } from "../koji/ConfigParser.ts"
import { compareCodePoints } from "../koji/PythonJson.ts"
import { type ConfigError, configError } from "./ConfigError.ts"

/** A kojid.conf has a few hundred lines; what is larger is something else. */
export const fileBytesMax = 1024 * 1024
/** Files of a configuration directory. */
export const filesMax = 256

/** What the files say together; undefined when there is neither a file nor a directory. */
export const readConfigFiles = Effect.fn("readConfigFiles")(function* (path: string) {
  let sections: ConfigSections = new Map()
  const files = yield* filesAt(path)
  if (files === undefined) return undefined
  for (const file of files) {
    const parsed = parseConfig(yield* readText(file), file, sections)
    if (Result.isFailure(parsed)) {
      const { line, message } = parsed.failure
      const withoutPlace = message.replace(`${file}, line ${line}: `, "")
      return yield* configError([{ place: `${file}, line ${line}`, option: null, message: withoutPlace }])
    }
    sections = parsed.success
  }
  return sections
})

/** Whether a regular file is there, or a link to one. */
export const isFile = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      (entry) => entry.isFile(),
      () => false
    )
  )

const filesAt = Effect.fnUntraced(function* (path: string) {
  const kind = yield* attempt(path, () => kindOf(path))
  if (kind === "file") return [path]
  if (kind === "nothing") return undefined
  const names = yield* attempt(path, () => readdir(path))
  const files: Array<string> = []
  for (const name of names.filter((entry) => entry.endsWith(".conf")).sort(compareCodePoints)) {
    if (yield* isFile(join(path, name))) files.push(join(path, name))
  }
  if (files.length > filesMax) return yield* problem(path, `holds more than ${filesMax} files`)
  return files
})

const kindOf = async (path: string): Promise<"file" | "directory" | "nothing"> => {
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined
    throw error
  })
  if (entry === undefined) return "nothing"
  // Whatever can be read is as good as a file: a shell's `<(…)` is a pipe.
  return entry.isDirectory() ? "directory" : "file"
}

const readText = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* attempt(path, () => readAtMost(path, fileBytesMax + 1))
  if (bytes.length > fileBytesMax) return yield* problem(path, `is larger than ${fileBytesMax} bytes`)
  const text = decoded(bytes)
  if (text !== undefined) return text
  const message = "there are bytes that are not UTF-8: save the file in that encoding"
  return yield* problem(`${path}, line ${firstBadLine(bytes)}`, message)
})

const decoded = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** No character of UTF-8 has a line feed inside of it, so each line can be tried by itself. */
const firstBadLine = (bytes: Uint8Array): number => {
  let [line, start] = [1, 0]
  for (;;) {
    const end = bytes.indexOf(lineFeed, start)
    if (end === -1 || decoded(bytes.subarray(start, end)) === undefined) return line
    start = end + 1
    line++
  }
}
const lineFeed = 10

const readAtMost = async (path: string, bytesMax: number): Promise<Uint8Array> => {
  await using file = await open(path)
  const buffer = new Uint8Array(bytesMax)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, bytesMax - length)
    length += bytesRead
    if (bytesRead === 0 || length === bytesMax) return buffer.subarray(0, length)
  }
}

const attempt = <A>(path: string, work: () => Promise<A>): Effect.Effect<A, ConfigError> =>
  Effect.tryPromise({
    try: work,
    catch: (error) =>
      configError([{ place: path, option: null, message: error instanceof Error ? error.message : String(error) }])
  })

const problem = (path: string, message: string) => configError([{ place: path, option: null, message }])
