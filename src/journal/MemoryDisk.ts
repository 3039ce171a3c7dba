/**
 * A disk that is forgotten with the process, and that can crash before that: what was not synced is then lost, names
 * as well as contents, as the strictest reading of POSIX allows. It keeps two views, what programs see and what would
 * survive; a sync copies from the first to the second.
 */
import { dirname } from "node:path"
import { Clock, Context, Effect, Layer } from "effect"
import { Disk, DiskError, type DiskFile, type DiskOperation } from "./Disk.ts"

/** The disk and the power switch. */
export class MemoryDisk extends Context.Service<
  MemoryDisk,
  {
    readonly disk: Disk["Service"]
    /**
     * The machine dies and comes back: open files are gone, unsynced names are forgotten, and of the `unsynced` last
     * bytes of each file as many of the first as `keep` says are there (none, unless told).
     */
    crash(keep?: (path: string, unsynced: number) => number): Effect.Effect<void>
  }
>()("adjutant/journal/MemoryDisk") {}

interface MemoryFile {
  readonly kind: "file"
  bytes: Buffer
  length: number
  modifiedAt: number
  /** What would survive. Its bytes are never written again: what is cut is copied first. */
  synced: { readonly bytes: Buffer; readonly length: number }
}
type Node = MemoryFile | { readonly kind: "directory" }

const none = Buffer.alloc(0)
const smallest = 1024

export const make = Effect.sync(() => {
  let seen = new Map<string, Node>([["/", { kind: "directory" }]])
  let surviving = new Map(seen)
  let life = 0

  const fail = (operation: DiskOperation, path: string, code: string) =>
    Effect.fail(new DiskError({ operation, path, code, message: `${code}: ${operation} ${path}` }))

  const act = <A>(operation: DiskOperation, path: string, work: () => A | DiskCode) =>
    Effect.suspend(() => {
      const result = work()
      return result instanceof DiskCode ? fail(operation, path, result.code) : Effect.succeed(result)
    })

  const openFile = (path: string, file: MemoryFile): DiskFile => {
    const born = life
    const alive = <A>(operation: DiskOperation, work: () => A) =>
      act(operation, path, () => (born === life ? work() : new DiskCode("EIO")))
    return {
      append: (bytes) =>
        alive("append", () => {
          const length = file.length + bytes.length
          if (length > file.bytes.length) {
            const larger = Buffer.alloc(Math.max(smallest, length, file.bytes.length * 2))
            file.bytes.copy(larger, 0, 0, file.length)
            file.bytes = larger
          }
          file.bytes.set(bytes, file.length)
          file.length = length
        }).pipe(Effect.andThen(touched(file))),
      datasync: alive("datasync", () => {
        file.synced = { bytes: file.bytes, length: file.length }
      }),
      truncate: (size) =>
        alive("truncate", () => {
          file.bytes = Buffer.from(file.bytes.subarray(0, Math.min(size, file.length)))
          file.length = file.bytes.length
        })
    }
  }

  const disk = Disk.of({
    openAppend: (path, how) =>
      Effect.flatMap(Clock.currentTimeMillis, (modifiedAt) =>
        act("open", path, () => {
          const node = seen.get(path)
          if (node?.kind === "directory") return new DiskCode("EISDIR")
          if (node !== undefined && how === "new") return new DiskCode("EEXIST")
          if (node === undefined && (how === "existing" || seen.get(dirname(path))?.kind !== "directory")) {
            return new DiskCode("ENOENT")
          }
          const file = node ?? { kind: "file", bytes: none, length: 0, modifiedAt, synced: { bytes: none, length: 0 } }
          if (how === "emptied") Object.assign(file, { bytes: none, length: 0 })
          seen.set(path, file)
          return openFile(path, file)
        })
      ),
    read: (path, bytesMax) =>
      act("read", path, () => {
        const node = seen.get(path)
        if (node?.kind !== "file") return new DiskCode(node === undefined ? "ENOENT" : "EISDIR")
        if (node.length > bytesMax) return new DiskCode("EFBIG")
        return Uint8Array.from(node.bytes.subarray(0, node.length))
      }),
    readEnd: (path, bytesMax) =>
      act("read", path, () => {
        const node = seen.get(path)
        if (node?.kind !== "file") return new DiskCode(node === undefined ? "ENOENT" : "EISDIR")
        return Uint8Array.from(node.bytes.subarray(Math.max(0, node.length - bytesMax), node.length))
      }),
    stat: (path) =>
      Effect.sync(() => {
        const node = seen.get(path)
        if (node === undefined) return undefined
        return node.kind === "file"
          ? { kind: node.kind, bytes: node.length, ours: true, mode: 0o600, modifiedAt: node.modifiedAt }
          : { kind: node.kind, bytes: 0, ours: true, mode: 0o700, modifiedAt: 0 }
      }),
    list: (path) =>
      act("list", path, () => {
        if (seen.get(path)?.kind !== "directory") return new DiskCode("ENOENT")
        return childrenOf(seen, path).map((child) => child.slice(path === "/" ? 1 : path.length + 1))
      }),
    makeDirectory: (path) =>
      act("make-directory", path, () => {
        if (seen.get(dirname(path))?.kind !== "directory") return new DiskCode("ENOENT")
        if (!seen.has(path)) seen.set(path, { kind: "directory" })
        return undefined
      }),
    syncDirectory: (path) =>
      act("sync-directory", path, () => {
        if (seen.get(path)?.kind !== "directory") return new DiskCode("ENOENT")
        for (const child of childrenOf(surviving, path)) if (!seen.has(child)) surviving.delete(child)
        for (const child of childrenOf(seen, path)) {
          const node = seen.get(child)
          if (node !== undefined) surviving.set(child, node)
        }
        return undefined
      }),
    rename: (from, to) =>
      act("rename", to, () => {
        const node = seen.get(from)
        if (node === undefined || seen.get(dirname(to))?.kind !== "directory") return new DiskCode("ENOENT")
        seen.delete(from)
        seen.set(to, node)
        return undefined
      }),
    remove: (path) =>
      act("remove", path, () => {
        if (childrenOf(seen, path).length === 0) seen.delete(path)
        return undefined
      }),
    touch: (path) =>
      Effect.suspend(() => {
        const node = seen.get(path)
        return node?.kind === "file" ? touched(node) : fail("touch", path, "ENOENT")
      })
  })

  const crash = (keep: (path: string, unsynced: number) => number = () => 0) =>
    Effect.sync(() => {
      life += 1
      surviving = new Map([...surviving].filter(([path]) => ancestors(path).every((above) => surviving.has(above))))
      for (const [path, node] of surviving) {
        if (node.kind === "directory") continue
        const { bytes, length } = node.synced
        const unsynced = Math.max(0, node.length - length)
        const kept = length + Math.max(0, Math.min(unsynced, keep(path, unsynced)))
        node.bytes = Buffer.from((kept > length ? node.bytes : bytes).subarray(0, kept))
        node.length = node.bytes.length
        node.synced = { bytes: node.bytes, length: node.length }
      }
      seen = new Map(surviving)
    })

  return MemoryDisk.of({ disk, crash })
})

const touched = (file: MemoryFile) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    file.modifiedAt = now
  })

class DiskCode {
  readonly code: string
  constructor(code: string) {
    this.code = code
  }
}

const childrenOf = (nodes: ReadonlyMap<string, Node>, directory: string): ReadonlyArray<string> =>
  [...nodes.keys()].filter((path) => path !== "/" && dirname(path) === directory)

const ancestors = (path: string): ReadonlyArray<string> =>
  path === "/" ? [] : [dirname(path), ...ancestors(dirname(path))]

/** The disk by itself, and its power switch. */
export const layer = Layer.effectContext(
  Effect.map(make, (memory) => Context.make(MemoryDisk, memory).pipe(Context.add(Disk, memory.disk)))
)
