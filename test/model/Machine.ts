/**
 * The machine that the model's daemons run on: one whose files take no time and whose load is always the same.
 *
 * Handlers use `node:fs/promises`, whose answers come from a pool of threads when they come. Below the model's own
 * directories these functions do the work at once and return a promise that is kept already, so that a history is a
 * function of its seed, and costs a tenth. What lies elsewhere is left to Node. Importing this file is what does it.
 */
import crypto from "node:crypto"
import fs from "node:fs"
import files from "node:fs/promises"
import { syncBuiltinESMExports } from "node:module"
import os from "node:os"
import { Readable, Writable } from "node:stream"

/** Every model's directory begins so. Memory, where the system has a file system in it. */
export const rootPrefix = `${fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir()}/adjutant-model-`

/** What becomes of one operation on a file: it is done, it fails with this code, or nobody ever hears of it. */
export type FileFate = "done" | "never" | { readonly code: string }
export type FileFates = (operation: string, path: string) => FileFate

const watchers = new Map<string, FileFates>()
const digits = 8
const rootLength = rootPrefix.length + digits + "-00".length

/**
 * A fresh directory whose files are the model's, and the way to be rid of it. `fates` is asked before each operation.
 * One that is made when another has gone has the same name: names are part of histories.
 */
export const modelDirectory = (fates: FileFates = () => "done") => {
  const own = `${rootPrefix}${String(process.pid).padStart(digits, "0")}`
  let path = `${own}-00`
  for (let at = 1; watchers.has(path); at++) path = `${own}-${String(at).padStart(2, "0")}`
  fs.rmSync(path, { recursive: true, force: true })
  fs.mkdirSync(path)
  watchers.set(path, fates)
  const remove = () => {
    watchers.delete(path)
    fs.rmSync(path, { recursive: true, force: true })
  }
  return { path, remove }
}

process.once("exit", () => {
  for (const path of watchers.keys()) fs.rmSync(path, { recursive: true, force: true })
})

/** How many operations the model has had, for whoever wants to know what a history costs. */
export const counted = { operations: 0 }

const isOurs = (path: unknown): path is string => typeof path === "string" && path.startsWith(rootPrefix)

const act = <A>(operation: string, path: string, work: () => A): Promise<A> => {
  counted.operations++
  const fate = watchers.get(path.slice(0, rootLength))?.(operation, path) ?? "done"
  if (fate === "never") return new Promise(() => undefined)
  try {
    if (fate !== "done") {
      throw Object.assign(new Error(`${fate.code}: injected, ${operation} '${path}'`), { code: fate.code })
    }
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}

/** As much of a FileHandle as the product uses. */
class Handle {
  readonly path: string
  readonly fd: number

  constructor(path: string, fd: number) {
    this.path = path
    this.fd = fd
  }

  stat() {
    return act("fstat", this.path, () => fs.fstatSync(this.fd))
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number | null) {
    return act("read", this.path, () => ({
      bytesRead: fs.readSync(this.fd, buffer, offset, length, position),
      buffer
    }))
  }

  write(buffer: Uint8Array, offset?: number, length?: number) {
    return act("write", this.path, () => ({ bytesWritten: fs.writeSync(this.fd, buffer, offset, length), buffer }))
  }

  writeFile(data: Uint8Array | string) {
    return act("write", this.path, () => {
      const bytes = typeof data === "string" ? Buffer.from(data) : data
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.fd, bytes, at, bytes.length - at)
    })
  }

  createReadStream() {
    return Readable.from(this.#chunks())
  }

  async *#chunks() {
    const buffer = Buffer.alloc(64 * 1024)
    for (;;) {
      const { bytesRead } = await this.read(buffer, 0, buffer.length, null)
      if (bytesRead === 0) return
      yield Buffer.from(buffer.subarray(0, bytesRead))
    }
  }

  close() {
    return act("close", this.path, () => fs.closeSync(this.fd))
  }
}

type Anything = (path: unknown, ...rest: ReadonlyArray<unknown>) => unknown

/** Does at once what the function of this name and `Sync` does, where the path is ours. */
const atOnce = (name: string, later: Anything, now: Anything): Anything => {
  const replacement: Anything = (path, ...rest) =>
    isOurs(path) ? act(name, path, () => now(path, ...rest)) : later(path, ...rest)
  return replacement
}

const named = (module: object, name: string): Anything => {
  const found: unknown = Reflect.get(module, name)
  if (typeof found !== "function") throw new Error(`there is no ${name} here`)
  return (...given) => Reflect.apply(found, module, given)
}

const operations = [
  ..."access appendFile chmod chown copyFile cp link lstat mkdir readFile readdir".split(" "),
  ..."readlink rename rm stat symlink unlink utimes writeFile".split(" ")
]

/** A disk with room, whatever the one below has. */
const roomy: fs.StatsFs = {
  type: 0x01021994,
  bsize: 4096,
  frsize: 4096,
  blocks: 2 ** 28,
  bfree: 2 ** 27,
  bavail: 2 ** 27,
  files: 2 ** 24,
  ffree: 2 ** 23
}

const realOpen = named(files, "open")
const realReading = named(fs, "createReadStream")
const realWriting = named(fs, "createWriteStream")
const realScrypt = named(crypto, "scryptSync")

async function* readWhole(path: string) {
  yield await act("read", path, () => fs.readFileSync(path))
}

const writeWhole = (path: string): Writable => {
  let fd: number | undefined
  return new Writable({
    construct: (done) => {
      act("open", path, () => {
        fd = fs.openSync(path, "w")
      }).then(() => done(), done)
    },
    write: (chunk: Uint8Array, _encoding, done) => {
      act("write", path, () => fs.writeFileSync(fd ?? path, chunk)).then(() => done(), done)
    },
    destroy: (error, done) => {
      if (fd !== undefined) fs.closeSync(fd)
      done(error)
    }
  })
}

/** A login at the hub is meant to be dear. The same password against the same salt need not be dear twice. */
const hashes = new Map<string, unknown>()
const rememberedScrypt: Anything = (password, salt, ...rest) => {
  const key = JSON.stringify([password, salt instanceof Uint8Array ? Buffer.from(salt).toString("hex") : salt, rest])
  const known = hashes.get(key) ?? realScrypt(password, salt, ...rest)
  hashes.set(key, known)
  return known
}

/** What would be done by Node's own threads, and so at a moment of the machine's choosing, is not for the model. */
const forbidden = (module: object, known: ReadonlySet<string>) => {
  for (const name of Object.keys(module)) {
    if (known.has(name) || name.endsWith("Sync") || !/^[a-z]/.test(name)) continue
    if (typeof Reflect.get(module, name) !== "function") continue
    const later = named(module, name)
    const refusing: Anything = (path, ...rest) => {
      if (isOurs(path)) throw new Error(`the model's machine has no fs.${name}: teach it (test/model/Machine.ts)`)
      return later(path, ...rest)
    }
    Reflect.set(module, name, refusing)
  }
}
const streams = ["createReadStream", "createWriteStream"]
forbidden(files, new Set([...operations, "open", "statfs"]))
forbidden(fs, new Set(streams))

for (const name of operations) {
  Reflect.set(files, name, atOnce(name, named(files, name), named(fs, `${name}Sync`)))
}
Reflect.set(files, "open", (path: unknown, flags?: fs.OpenMode, mode?: fs.Mode) =>
  isOurs(path)
    ? act("open", path, () => new Handle(path, fs.openSync(path, flags ?? "r", mode)))
    : realOpen(path, flags, mode)
)
// Also of directories that are not there: the engine's own is none.
Reflect.set(files, "statfs", (path: unknown) => act("statfs", String(path), () => roomy))
Reflect.set(fs, "createReadStream", (path: unknown, ...rest: ReadonlyArray<unknown>) =>
  isOurs(path) ? Readable.from(readWhole(path)) : realReading(path, ...rest)
)
Reflect.set(fs, "createWriteStream", (path: unknown, ...rest: ReadonlyArray<unknown>) =>
  isOurs(path) ? writeWhole(path) : realWriting(path, ...rest)
)
Reflect.set(crypto, "scryptSync", rememberedScrypt)
Reflect.set(os, "loadavg", () => [0.1, 0.1, 0.1])
Reflect.set(os, "freemem", () => 4 * 1024 ** 3)
Reflect.set(os, "totalmem", () => 8 * 1024 ** 3)
Reflect.set(os, "release", () => "6.1.0-model")
Reflect.set(os, "cpus", () => Array.from({ length: 2 }, () => ({ model: "model", speed: 0, times: {} })))
syncBuiltinESMExports()
