/**
 * Files sent to the hub, chunk by chunk, and the look whether they arrived (daemon.md 5.1, 5.2).
 *
 * A chunk is written in one go, so no lock is ever held between two requests, and a chunk that is repeated writes the
 * same bytes at the same place. Without `overwrite` the file is cut at the offset, as hubs up to 1.35.3 do.
 */
import { createHash } from "node:crypto"
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { Effect } from "effect"
import { addAdler32, hexAdler32 } from "../hub/Adler32.ts"
import type { Struct } from "../hub/Value.ts"
import { genericError, otherError } from "../koji/Fault.ts"
import { Call, callingHost } from "./Call.ts"
import { actionNotAllowed } from "./Faults.ts"
import { method } from "./Method.ts"
import { getId } from "./NameOrId.ts"
import { assertOpenOn } from "./TaskStates.ts"
import { uploadTarget } from "./UploadPaths.ts"

const digestBlockBytes = 64 * 1024

interface Digest {
  update(bytes: Uint8Array): void
  hex(): string
}

const adler32Digest = (): Digest => {
  let sum = 1
  return {
    update: (bytes) => {
      sum = addAdler32(sum, bytes)
    },
    hex: () => hexAdler32(sum)
  }
}

const cryptoDigest = (algorithm: "md5" | "sha256") => (): Digest => {
  const hash = createHash(algorithm)
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") }
}

const digests: ReadonlyMap<string, () => Digest> = new Map([
  ["adler32", adler32Digest],
  ["md5", cryptoDigest("md5")],
  ["sha256", cryptoDigest("sha256")]
])

const newDigest = Effect.fnUntraced(function* (name: string) {
  const make = digests.get(name)
  return make === undefined ? yield* genericError(`Unsupported verify type: ${name}`) : make()
})

/** Below `tasks/` only the host that runs the task may write; any other directory is its first user's. */
const assertMayWrite = Effect.fnUntraced(function* (directory: string, shown: string) {
  const { paths, session } = yield* Call
  const parts = directory.split("/")
  if (parts[0] === "tasks") {
    if (!/^\d+$/.test(parts[2] ?? "")) return yield* genericError(`Invalid task upload directory: ${shown}`)
    yield* assertOpenOn(Number(parts[2]), yield* callingHost)
    return
  }
  const owner = `${paths.work()}/${directory}/.user`
  if (!existsSync(owner)) {
    mkdirSync(`${paths.work()}/${directory}`, { recursive: true })
    writeFileSync(owner, `${session?.userId}`)
  } else if (Number(readFileSync(owner, "utf8")) !== session?.userId) {
    return yield* genericError(`Invalid upload directory, not owner: ${shown}`)
  }
})

/** Takes one chunk, described by the request's query (daemon.md 5.1). */
export const receiveUpload = Effect.fnUntraced(function* (query: URLSearchParams, bytes: Uint8Array) {
  const { paths, session } = yield* Call
  if (session === null || session.expired) return yield* actionNotAllowed("you must be logged-in to upload a file")
  const name = query.get("filename")
  if (name === null) return yield* otherError("<class 'KeyError'>: 'filename'")
  const verify = query.get("fileverify") ?? ""
  // The hub calls what it did not find; clients always send one.
  if (verify === "") return yield* otherError("<class 'TypeError'>: 'NoneType' object is not callable")
  const offset = Number(query.get("offset") ?? "0")
  if (!Number.isSafeInteger(offset) || offset < -1) return yield* otherError(`Invalid offset: ${query.get("offset")}`)
  const overwrite = (query.get("overwrite") ?? "") !== ""
  yield* getId("volume", query.get("volume") ?? "DEFAULT")
  const asked = query.get("filepath") ?? ""
  const target = yield* uploadTarget(asked, name)
  yield* assertMayWrite(target.directory, asked)
  const directory = `${paths.work()}/${target.directory}`
  mkdirSync(directory, { recursive: true })
  const file = `${directory}/${target.name}`
  const there = lstatSync(file, { throwIfNoEntry: false })
  if (there?.isSymbolicLink()) return yield* genericError(`destination is a symlink: ${file}`)
  if (there !== undefined && !there.isFile()) return yield* genericError(`destination not a file: ${file}`)
  if (there !== undefined && offset === 0 && !overwrite) return yield* genericError(`upload path exists: ${file}`)
  const digest = yield* newDigest(verify)
  digest.update(bytes)
  const start = writeChunk(file, offset, bytes)
  const reply: Struct = { size: bytes.length, fileverify: verify, offset: start, hexdigest: digest.hex() }
  return reply
})

/** Writes at the offset, or at the end for -1, and returns where that was. */
const writeChunk = (file: string, offset: number, bytes: Uint8Array): number => {
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644)
  try {
    const start = offset === -1 ? fstatSync(descriptor).size : offset
    if (offset !== -1) ftruncateSync(descriptor, start)
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(descriptor, bytes, written, bytes.length - written, start + written)
    }
    return start
  } finally {
    closeSync(descriptor)
  }
}

const checkUpload = method(
  "checkUpload",
  "RootExports.checkUpload(path, name, verify=None, tail=None, volume=None)",
  Effect.fnUntraced(function* (given) {
    const { paths } = yield* Call
    const target = yield* uploadTarget(yield* given.text("path"), yield* given.text("name"))
    const volume = given.value("volume")
    if (volume !== null) yield* getId("volume", volume)
    const file = `${paths.work()}/${target.directory}/${target.name}`
    if (!existsSync(file)) return null
    const verify = yield* given.textOrNull("verify")
    const tail = yield* given.intOrNull("tail")
    if (tail !== null && tail < 0) return yield* genericError(`Invalid tail value: ${tail}`)
    const digest = verify === null || verify === "" ? undefined : yield* newDigest(verify)
    const descriptor = openSync(file, "r")
    try {
      const stats = fstatSync(descriptor)
      if (!stats.isFile()) return yield* genericError(`Not a regular file: ${file}`)
      const found: Struct = { size: stats.size, mtime: stats.mtimeMs / 1000 }
      if (digest === undefined) return found
      const start = tail === null ? 0 : Math.max(stats.size - tail, 0)
      const sumlength = digestFrom(descriptor, start, digest)
      return { ...found, sumlength, hexdigest: digest.hex() }
    } finally {
      closeSync(descriptor)
    }
  })
)

const digestFrom = (descriptor: number, start: number, digest: Digest): number => {
  const block = new Uint8Array(digestBlockBytes)
  for (let at = start; ; ) {
    const length = readSync(descriptor, block, 0, block.length, at)
    if (length === 0) return at - start
    digest.update(block.subarray(0, length))
    at += length
  }
}

export const uploadMethods = [checkUpload]
