/** The values of a journal's steps, wherever they are kept: most in the journal itself, large ones in files beside it. */
import { hash } from "node:crypto"
import { Effect, Option, Schema, Stream } from "effect"
import type { StepValue } from "../core/AttemptEvent.ts"
import { blobBytesMax } from "../journal/BlobFiles.ts"
import { ValueMissing } from "../journal/ReplayDoor.ts"
import type { Found, Surroundings } from "./Surroundings.ts"

const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))

/** The value of an outcome. Fails when it is in a file that is not here, or is no longer the one that was recorded. */
export const valueAround = (around: Surroundings) =>
  Effect.fnUntraced(function* (value: StepValue) {
    if (value._tag === "Inline") return value.value
    const { digest, bytes } = value
    const missing = (message: string) => new ValueMissing({ digest, bytes, message })
    const found = yield* around.find({ kind: "value", name: digest })
    if (Option.isNone(found)) {
      return yield* missing(`the value of ${bytes} bytes is kept in blobs/${digest} beside the journals, and not here`)
    }
    const whole = yield* contents(found.value, blobBytesMax)
    if (whole === undefined || hash("sha256", whole, "hex") !== digest) {
      return yield* missing(`${found.value.name} does not hold the value of that digest`)
    }
    return yield* decodeJson(new TextDecoder().decode(whole)).pipe(
      Effect.mapError((error) => missing(`${found.value.name} is no JSON: ${error.message}`))
    )
  })

/** All of a file, or undefined when it is larger than that or cannot be read. */
const contents = (found: Found, bytesMax: number): Effect.Effect<Uint8Array | undefined> => {
  if (found.size !== null && found.size > bytesMax) return Effect.succeed(undefined)
  return Stream.runFold(
    found.bytes(0),
    () => ({ chunks: [] as Uint8Array[], bytes: 0 }),
    (held, chunk) => {
      const bytes = held.bytes + chunk.length
      return { chunks: bytes > bytesMax ? [] : [...held.chunks, chunk], bytes }
    }
  ).pipe(
    Effect.map(({ chunks, bytes }) => (bytes > bytesMax ? undefined : Buffer.concat(chunks))),
    Effect.orElseSucceed(() => undefined)
  )
}
