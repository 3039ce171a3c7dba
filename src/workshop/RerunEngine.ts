/** The engine of a build that is run again: whoever waits hears of each container, and it can be stopped before one. */
import { Effect, Equal } from "effect"
import { type ContainerExit, type ContainerSpec, ExitReason } from "../engine/ContainerSpec.ts"
import { Engine, type OutputSink } from "../engine/Engine.ts"
import { label } from "../engine/Labels.ts"
import type { RecordedContainer } from "./RecordedBuild.ts"

/** What happens to a container, by the name of its step and part. */
export type ContainerProgress =
  | { readonly _tag: "Began"; readonly place: string; readonly image: string }
  | {
      readonly _tag: "Ended"
      readonly place: string
      readonly exit: ContainerExit
      /** How it ended then; null for one that the record does not have, or whose end nobody saw. */
      readonly recorded: ContainerExit | null
    }
  /** The last that a container put out whose end is another one than it was. */
  | { readonly _tag: "Output"; readonly text: string }

/** Whether a container of this name belongs to what somebody calls so: a step, or a part of one. */
export const belongsTo = (step: string, place: string): boolean => place === step || place.startsWith(`${step}/`)

export interface Watch {
  readonly containers: ReadonlyMap<string, RecordedContainer>
  readonly tell: (progress: ContainerProgress) => Effect.Effect<void>
  /** Before which step to stop; `stop` does it. */
  readonly until: string | null
  readonly stop: (place: string) => Effect.Effect<never>
}

/** An engine over this one, and the container that it was asked for last. */
export const watchedEngine = (engine: Engine["Service"], { containers, tell, until, stop }: Watch) => {
  let last: ContainerSpec | null = null
  const watched = Engine.of({
    ...engine,
    run: (spec, sink, watch) =>
      Effect.gen(function* () {
        const place = spec.labels[label.step] ?? ""
        last = spec
        if (until !== null && belongsTo(until, place)) return yield* stop(place)
        yield* tell({ _tag: "Began", place, image: spec.image })
        const tail = tailOf(sink)
        const exit = yield* engine.run(spec, tail.sink, watch)
        const recorded = containers.get(place)?.exit ?? null
        yield* tell({ _tag: "Ended", place, exit, recorded })
        const expected = recorded?.reason ?? ExitReason.cases.Exited.make({ code: 0 })
        if (!Equal.equals(exit.reason, expected)) yield* tell({ _tag: "Output", text: tail.text() })
        return exit
      })
  })
  return { engine: watched, last: () => last }
}

const tailBytes = 4096

/** Passes output on, and remembers the last of it. */
const tailOf = (sink: OutputSink) => {
  let tail = Buffer.alloc(0)
  return {
    sink: {
      write: (from, bytes) => {
        tail = Buffer.concat([tail, bytes]).subarray(-tailBytes)
        return sink.write(from, bytes)
      }
    } satisfies OutputSink,
    text: () => tail.toString()
  }
}
