/** Engines that are not there, go away and come back, and images that cannot be used. */
import { join } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { cuttableProxy } from "../engine/cuttableProxy.ts"
import { registryOf } from "../engine/smallRegistry.ts"
import { callEngine, engineSocket } from "../engines.ts"
import { isOver } from "./builder.ts"
import { waiting } from "./packages.ts"
import { free, System, saying } from "./system.ts"
import { patient } from "./until.ts"

/** The ticks of a build that waited, in order and each once. */
const ticks = (log: string) => [...log.matchAll(/^tick (\d+)$/gm)].map(([, count]) => Number(count))

/** A builder whose tools image is not to be had: the hub is told why, and has the task back. */
const refusal = Effect.fnUntraced(function* (name: string, adjutant: Readonly<Record<string, string>>) {
  const system = yield* System
  const builder = yield* system.builder({ name, apart: true, adjutant })
  const daemon = yield* builder.start
  const source = yield* waiting(join(system.directory, "sources"), "plain")
  const task = yield* system.buildArch(source, name)
  const [message] = yield* system.seen(
    task,
    "a refusal",
    Effect.map(system.refusals(task), (messages) => (messages.length === 0 ? undefined : messages))
  )
  assert.strictEqual((yield* system.info(task)).state, free)
  yield* isOver(builder, task, "refused")
  yield* daemon.hasSaid(`task ${task}, attempt 1: refused: ${message}`)
  yield* system.cancel(task)
  return message
})

export const engineSuite = (it: Vitest.MethodsNonLive<System>, engine: "docker" | "podman") => {
  it.effect(
    "an engine that does not run keeps the daemon from starting, and it says what to do",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const socket = join(system.directory, "no-engine.sock")
        const builder = yield* system.builder({ name: "engineless", apart: true, adjutant: { engine_socket: socket } })
        const daemon = yield* builder.start
        assert.strictEqual(yield* daemon.exit, 1)
        assert.include(daemon.said(), "no container engine answers; start one, or set engine_socket in [adjutant]")
        assert.include(daemon.said(), socket)
      }),
    patient
  )

  it.effect(
    "an engine that goes away in the middle of a build and comes back costs the build nothing",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const proxy = yield* cuttableProxy(engineSocket(engine))
        const adjutant = { engine_socket: proxy.socketPath }
        const builder = yield* system.builder({ name: "remote", apart: true, adjutant })
        const daemon = yield* builder.start
        const source = yield* waiting(join(system.directory, "sources"), "patient")
        const first = yield* system.buildArch(source, "remote")
        yield* saying(first, "\ntick 3\n")
        yield* proxy.cutWhile(daemon.hasSaid("status: container engine: "))
        const back = ticks(yield* system.output(first, "build.log")).length
        yield* saying(first, `\ntick ${back + 10}\n`)
        // Once more, and this time the build comes to its end meanwhile.
        yield* proxy.cutWhile(
          Effect.andThen(daemon.hasSaid("status: container engine: ", 2), builder.touch(first, "go"))
        )
        assert.deepInclude(yield* system.ended(first), { state: "CLOSED", message: "" })
        const log = yield* system.output(first, "build.log")
        assert.deepStrictEqual(
          ticks(log),
          ticks(log).map((_, at) => at + 1)
        )
        assert.match(log, /\ngone on\n[\s\S]*Child return code was: 0\n$/)
        yield* isOver(builder, first, "closed")
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )

  it.effect(
    "a tools image that does not exist has the task refused, with the option to look at",
    () =>
      Effect.gen(function* () {
        const image = "localhost/nobody/has-this:1"
        assert.strictEqual(
          yield* refusal("toolless", { tools_image: image, pull_policy: "never" }),
          `container engine: pull ${image}: not on this host, and the policy is never to pull (tools_image in [adjutant])`
        )
      }),
    patient
  )

  // Podman takes no images from a registry without TLS.
  it.effect.skipIf(engine === "podman")(
    "a tools image for another machine has the task refused",
    () =>
      Effect.gen(function* () {
        const registry = yield* registryOf("s390x")
        const message = yield* refusal("foreign", { tools_image: registry.reference })
        yield* Effect.promise(() => callEngine(engineSocket(engine), "DELETE", `/images/${registry.reference}`))
        assert.strictEqual(
          message,
          `container engine: pull ${registry.reference}: the image is for s390x, not for ${process.arch === "x64" ? "amd64" : process.arch}` +
            " (tools_image in [adjutant])"
        )
      }),
    patient
  )
}
