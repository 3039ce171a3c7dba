/** Pulling from a real registry over HTTP. Docker takes one of this machine's without TLS, Podman insists on it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "../../src/engine/Engine.ts"
import { realEngine } from "./realGround.ts"
import { smallRegistry } from "./smallRegistry.ts"

const how = { policy: "if-not-present", timeoutSeconds: 60, inactivitySeconds: 30, architecture: "x86_64" } as const

describe("a pull by Docker", () => {
  const { layer } = realEngine("docker")

  it.live("brings the image, once, and the id stays what it was when the tag moves", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const registry = yield* smallRegistry
      const first = yield* engine.ensureImage(registry.reference, how)
      assert.strictEqual(first.labels["marker"], "first")
      registry.holds("second")
      assert.strictEqual((yield* engine.ensureImage(registry.reference, how)).id, first.id)
      const second = yield* engine.ensureImage(registry.reference, { ...how, policy: "always" })
      assert.strictEqual(second.labels["marker"], "second")
      assert.strictEqual((yield* engine.inspectImage(first.id))?.labels["marker"], "first")
      yield* engine.removeImage(first.id)
      yield* engine.removeImage(second.id)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("is refused in the registry's words, whether or not the image was there before", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const registry = yield* smallRegistry
      registry.behave("denies")
      const error = yield* Effect.flip(engine.ensureImage(registry.reference, how))
      assert.strictEqual(error.reason, "refused")
      assert.match(error.message, /manifest unknown|not found/)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("that stands still is given up", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const registry = yield* smallRegistry
      registry.holds("slow")
      registry.behave("stalls")
      const error = yield* Effect.flip(engine.ensureImage(registry.reference, { ...how, inactivitySeconds: 2 }))
      assert.strictEqual(error.reason, "timeout")
      assert.strictEqual(error.message, "no progress for 2 seconds")
      assert.isUndefined(yield* engine.inspectImage(registry.reference))
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("a pull by Podman", () => {
  const { layer } = realEngine("podman")

  it.live("that fails is refused, although the engine answers with success", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const registry = yield* smallRegistry
      const error = yield* Effect.flip(engine.ensureImage(registry.reference, how))
      assert.strictEqual(error.reason, "refused")
      assert.include(error.message, "HTTP")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
