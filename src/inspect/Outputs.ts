/**
 * What the containers of an attempt put out, and Koji's logs, wherever they still are.
 *
 * The capture of a container is its output and goes with the attempt's directory. Koji's logs stay: each is made of
 * captures and of words of ours, in the order of the journal, which has the length of every piece; so the output of a
 * container is found again as a stretch of a log, if the log has exactly the length that its pieces add up to.
 */
import { Effect, Option } from "effect"
import { type Ends, type EndsMax, endsOf } from "./Ends.ts"
import { type LogLayout, runKey, type Stretch } from "./LogLayout.ts"
import { containerLog, type Found, type Surroundings } from "./Surroundings.ts"
import type { ContainerSpan, Timeline, UploadSpan } from "./Timeline.ts"

export interface LogText {
  readonly name: string
  readonly place: string
  /** Null when it is not shown, and the note says why. */
  readonly ends: Ends | null
  /** What a reader should know of it; empty when all is well. */
  readonly note: string
}

export interface OutputText {
  readonly place: string
  readonly ends: Ends
}

export interface AttemptOutputs {
  readonly logs: ReadonlyArray<LogText>
  /** By the run of a container (`runKey`). */
  readonly outputs: ReadonlyMap<string, OutputText>
}

/** Of a log or the output of one container, as a page shows them: the end is what people look for. */
export const shownEnds: EndsMax = { headBytes: 64 * 1024, tailBytes: 192 * 1024 }
/** Of all outputs and logs together; what comes later is left out. */
export const shownBytesMax = 32 * 1024 * 1024

interface LogFile {
  readonly found: Found
  readonly bytes: number
}

/** Reads everything that is to be had. What cannot be read is left out. */
export const attemptOutputs = Effect.fn("attemptOutputs")(function* (
  timeline: Timeline,
  layout: LogLayout,
  around: Surroundings
) {
  const outputs = new Map<string, OutputText>()
  const logs: Array<LogText> = []
  const files = new Map<string, LogFile>()
  let room = shownBytesMax

  for (const upload of timeline.uploads.filter(({ name }) => name.endsWith(".log"))) {
    const found = Option.getOrUndefined(yield* around.find({ kind: "log", name: upload.name }))
    if (found === undefined || room <= 0) continue
    const ends = yield* readEnds(found)
    if (ends === undefined) continue
    const log = judged(upload, found, ends)
    if (log.ends !== null) room -= shownSize(log.ends)
    if (log.note === "") files.set(upload.name, { found, bytes: ends.bytes })
    logs.push(log)
  }
  const copy = Option.getOrUndefined(yield* around.find({ kind: "log", name: containerLog }))
  if (copy !== undefined && !copy.isLink && copy.size !== null) {
    files.set(containerLog, { found: copy, bytes: copy.size })
  }

  for (const container of timeline.steps.flatMap((step) => step.containers)) {
    if (room <= 0) break
    const output = yield* outputOf(container, around, layout, files)
    if (output === undefined) continue
    outputs.set(runKey(container.name, container.run), output)
    room -= shownSize(output.ends)
  }
  return { logs, outputs } satisfies AttemptOutputs
})

const shownSize = (ends: Ends): number => ends.head.length + ends.tail.length

/** Nothing that a link leads to is shown unless it is on record as what was uploaded. */
const judged = (upload: UploadSpan, found: Found, ends: Ends): LogText => {
  const base = { name: upload.name, place: found.name }
  const same = upload.sha256 === ends.sha256
  if (same) return { ...base, ends, note: "" }
  if (found.isLink) return { ...base, ends: null, note: "a link to something else than was uploaded; it is not shown" }
  return {
    ...base,
    ends,
    note: upload.whole ? "not what was uploaded: it was changed since, or is another task's" : ""
  }
}

/** The capture itself, or the stretch of a log that is the same. */
const outputOf = Effect.fnUntraced(function* (
  container: ContainerSpan,
  around: Surroundings,
  layout: LogLayout,
  logs: ReadonlyMap<string, LogFile>
) {
  if (container.capture !== null) {
    const found = Option.getOrUndefined(yield* around.find({ kind: "capture", name: container.capture }))
    const ends = found === undefined || found.isLink ? undefined : yield* readEnds(found)
    if (found !== undefined && ends !== undefined) return { place: found.name, ends } satisfies OutputText
  }
  for (const log of container.logs) {
    const file = logs.get(log)
    if (file === undefined) continue
    const stretch = layout.stretchIn(log, file.bytes, container.name, container.run)
    if (stretch === undefined) continue
    const ends = yield* readEnds(file.found, stretch)
    const place = `${file.found.name}, bytes ${stretch.from} to ${stretch.from + stretch.length}`
    if (ends?.bytes === stretch.length) return { place, ends } satisfies OutputText
  }
  return undefined
})

const readEnds = (found: Found, stretch?: Stretch) =>
  Effect.map(Effect.option(endsOf(found.bytes(stretch?.from ?? 0), shownEnds, stretch?.length)), Option.getOrUndefined)
