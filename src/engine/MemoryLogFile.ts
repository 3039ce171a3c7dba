/** The file in which Podman keeps a container's log, of a container in memory: in slices that end anywhere. */

import { Deferred, Effect } from "effect"
import type { GrowingFile } from "./GrowingFile.ts"
import type { LogEntry, MemoryModel } from "./MemoryModel.ts"

const sliceBytes = 1000
const lineEnd = 0x0a

/** Where an engine says that it keeps the log of the container with this id. */
export const logPath = (id: string): string => `/nonexistent/${id}/ctr.log`

/** Undefined when it is nobody's. */
export const memoryLogFile = (model: MemoryModel, path: string): GrowingFile | undefined => {
  const found = [...model.containers.values()].find(({ id }) => logPath(id) === path)
  if (found === undefined) return undefined
  let taken = 0
  let rest: Uint8Array = new Uint8Array()
  return {
    next: Effect.sync(() => {
      if (rest.length === 0) {
        const entries = found.log.slice(taken, taken + sliceBytes)
        taken += entries.length
        rest = Buffer.concat(entries.flatMap(linesOf))
      }
      const slice = rest.subarray(0, sliceBytes)
      rest = rest.subarray(slice.length)
      return slice
    }),
    grows: Effect.suspend(() => {
      if (rest.length > 0 || taken < found.log.length) return Effect.void
      return Deferred.await(found.changed)
    })
  }
}

const linesOf = ({ stamp, from, bytes }: LogEntry): ReadonlyArray<Uint8Array> => {
  const lines: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(lineEnd, at)
    lines.push(new TextEncoder().encode(`${stamp} ${from} ${end < 0 ? "P" : "F"} `))
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end), Uint8Array.of(lineEnd))
    at = end < 0 ? bytes.length : end + 1
  }
  return lines
}
