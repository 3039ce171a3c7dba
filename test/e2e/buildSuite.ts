/** The builds of `badBuilds.ts`, all at once, and each judged by what hub, engine, disk and journals hold of it. */
import { existsSync, mkdirSync } from "node:fs"
import { cp } from "node:fs/promises"
import { join } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { type BadBuild, badBuilds } from "./badBuilds.ts"
import { isOver } from "./builder.ts"
import { System } from "./system.ts"
import { patient } from "./until.ts"

const rpm = join(import.meta.dirname, "../fixtures/rpms/adjutant-plain-0.1-3.adj.noarch.rpm")

/** Everything, or only what the engine has a part in. */
export const buildSuite = (it: Vitest.MethodsNonLive<System>, extent: "everything" | "engine") => {
  const chosen = badBuilds.filter(({ engine }) => extent === "everything" || engine === true)

  /** All of them are with the hub before the first is judged, so that they are in each other's way if they can be. */
  let submitted: ReadonlyMap<BadBuild, number> | undefined
  const submit = Effect.gen(function* () {
    if (submitted !== undefined) return submitted
    const system = yield* System
    const directory = join(system.directory, "sources")
    // A package on the host, to be taken for one of the build's.
    mkdirSync(join(directory, "loot"), { recursive: true })
    yield* Effect.promise(() => cp(rpm, join(directory, "loot/loot-1-1.noarch.rpm")))
    const pairs = yield* Effect.forEach(chosen, (one) =>
      Effect.map(
        Effect.flatMap(one.source(directory), (source) => system.build(source, one.options)),
        (task) => [one, task] as const
      )
    )
    submitted = new Map(pairs)
    return submitted
  })

  for (const one of chosen) {
    it.effect(
      `${one.what} ${one.fault === null ? "is built" : "fails, and says why"}`,
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const task = (yield* submit).get(one) ?? assert.fail()
          const root = yield* system.ended(task)
          const children = yield* system.descendents(task)
          const id = one.by === "build" ? task : children.find(({ method }) => method === one.by)?.id
          if (id === undefined) return assert.fail(`no ${one.by} was made: ${root.message}`)
          const how = one.fault === null ? "closed" : "failed"
          for (const { state, code, message } of [root, yield* system.ended(id)]) {
            const wanted = one.fault?.message ?? ""
            if (typeof wanted === "string") assert.strictEqual(message, wanted)
            else assert.match(message, wanted)
            assert.deepStrictEqual([state, code], [how.toUpperCase(), one.fault?.code ?? null])
          }
          for (const [log, text] of one.says ?? []) assert.include(yield* system.output(id, log), text, log)
          if (one.packages !== undefined) {
            const files = yield* system.files(id)
            assert.deepStrictEqual(
              files.filter((name) => name.endsWith(".rpm")),
              one.packages
            )
          }
          yield* isOver(system.main, task, how)
          const events = yield* isOver(system.main, id, how)
          if (events.some(({ _tag }) => _tag === "ContainerExited")) {
            const kept = join(system.main.logDirectory, String(id), "container.log")
            assert.isTrue(existsSync(kept), "what its containers put out is on the builder too")
          }
        }),
      patient
    )
  }
}
