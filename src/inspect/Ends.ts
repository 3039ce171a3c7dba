/** The beginning and the end of something long, read once and not held. */
import { createHash } from "node:crypto"
import { Effect, Stream } from "effect"

export interface Ends {
  readonly head: string
  /** How many bytes between the two are left out; 0 when head and tail are all there is. */
  readonly leftOut: number
  readonly tail: string
  readonly bytes: number
  /** Of all of it. */
  readonly sha256: string
}

export interface EndsMax {
  readonly headBytes: number
  readonly tailBytes: number
}

/** What a stream begins and ends with; no more than its first `length` bytes are looked at. */
export const endsOf = <E>(
  stream: Stream.Stream<Uint8Array, E>,
  max: EndsMax,
  length = Number.POSITIVE_INFINITY
): Effect.Effect<Ends, E> =>
  Effect.suspend(() => {
    const sum = createHash("sha256")
    let head = Buffer.alloc(0)
    let tail = Buffer.alloc(0)
    let bytes = 0
    const add = (chunk: Uint8Array) => {
      const taken = chunk.subarray(0, length - bytes)
      sum.update(taken)
      bytes += taken.length
      const toHead = taken.subarray(0, max.headBytes - head.length)
      head = Buffer.concat([head, toHead])
      tail = Buffer.concat([tail, taken.subarray(toHead.length)]).subarray(-max.tailBytes)
    }
    return stream.pipe(
      Stream.takeUntil((chunk) => {
        add(chunk)
        return bytes >= length
      }),
      Stream.runDrain,
      Effect.map(() => ({
        head: head.toString("utf8"),
        leftOut: bytes - head.length - tail.length,
        tail: tail.toString("utf8"),
        bytes,
        sha256: sum.digest("hex")
      }))
    )
  })
