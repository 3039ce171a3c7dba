/**
 * A step with somebody at its terminal: what is typed goes in, what it says is shown, and its container goes with whoever
 * sits there.
 */
import { Effect, Fiber, Stream } from "effect"
import { check, createContainer, problem, removeContainer } from "./ContainerRun.ts"
import type { ContainerSpec } from "./ContainerSpec.ts"
import type { EngineError, Terminal } from "./Engine.ts"
import type { Host } from "./StepAttendance.ts"

/** What a command said last may still be on its way when the engine calls it ended. */
const lastWords = "2 seconds"

/** See `Engine.interact`. */
export const interactStep = (
  host: Host,
  init: boolean,
  spec: ContainerSpec,
  terminal: Terminal
): Effect.Effect<number, EngineError> =>
  Effect.gen(function* () {
    const { client } = host
    const image = yield* client.inspectImage(spec.image)
    yield* check(host, spec, image)
    const sit = Effect.fnUntraced(function* (id: string) {
      const { output, write, end } = yield* client.attachTerminal(id)
      const shown = yield* Effect.forkScoped(
        Stream.runForEach(output, (bytes) => terminal.show(bytes)).pipe(Effect.ignore)
      )
      yield* client.startContainer(id)
      // A terminal that cannot be resized is still one.
      yield* Effect.forkScoped(
        Stream.runForEach(terminal.sizes, (size) => Effect.ignore(client.resizeTerminal(id, size)))
      )
      yield* Effect.forkScoped(Effect.andThen(Stream.runForEach(terminal.input, write), end))
      yield* client.waitContainer(id, host.kind)
      yield* Effect.ignore(Effect.timeout(Effect.ignore(Fiber.join(shown)), lastWords))
      const { State } = yield* client.inspectContainer(id)
      if (State.Error !== "") return yield* problem("run", spec.name, "refused", State.Error)
      return State.ExitCode
    }, Effect.scoped)
    return yield* Effect.acquireUseRelease(createContainer(host, init, spec, image, "terminal"), sit, (id) =>
      removeContainer(host, id)
    )
  })
