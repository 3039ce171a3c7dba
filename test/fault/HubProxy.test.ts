/**
 * A whole build by the real daemon, at the embedded hub, over real HTTP, through a proxy that does to the first call of
 * every method what proxies do: the build ends as it would have, and nothing of it is there twice.
 */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { tag } from "../model/HubTemplate.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World } from "../model/World.ts"
import { type HubProxy, type Mischief, mischiefs } from "./HubProxy.ts"
import { overHttp } from "./OverHttp.ts"

const recipe: Recipe = { name: "hello", requires: ["zlib-devel"], lines: ["one", "two", "three"], lineMillis: 5000 }

/** Time stands still while the hub works, so what is not stuck is always in time. */
const retries = { retriesMax: 10, intervalSeconds: 2, timeoutSeconds: 5 }

const rows = (value: Value): ReadonlyArray<Struct> => (Array.isArray(value) ? value.filter(isStruct) : [])

/** All that can be seen of it in the end, times and the order of the logs' lines of time left out. */
const seen = ({ hub }: World, task: number) => {
  const files = hub.tasks.flatMap((id) =>
    (existsSync(hub.outputOf(id)) ? readdirSync(hub.outputOf(id)) : [])
      .filter((name) => /\.rpm$|^build\.log$/.test(name))
      .map(
        (name) =>
          `${id} ${name} ${createHash("sha256")
            .update(readFileSync(join(hub.outputOf(id), name)))
            .digest("hex")}`
      )
  )
  return {
    tasks: hub.tasks.map((id) => `${hub.task(id)["method"]} ${hub.state(id)}`),
    result: hub.result(task),
    builds: rows(hub.admin("listBuilds", []))
      .map(({ nvr, state }) => `${nvr} ${state}`)
      .sort(),
    tagged: rows(hub.admin("listTagged", [tag.destination]))
      .map(({ nvr }) => `${nvr}`)
      .sort(),
    buildroots: rows(hub.admin("listBuildroots", [])).map(({ state }) => state ?? null),
    files: files.sort()
  }
}

const build = (choose: (method: string) => Mischief | undefined) =>
  story((world) =>
    Effect.gen(function* () {
      const proxy: HubProxy = yield* overHttp(world, choose)
      const daemon = yield* world.daemon({ retries })
      yield* daemon.start
      const task = world.hub.makeTask("build", [world.source(recipe), tag.target, {}])
      yield* world.until(() => ["CLOSED", "FAILED", "CANCELED"].includes(world.hub.state(task) ?? ""))
      yield* world.until(() => !world.hub.tasks.some((id) => daemon.isWorking(id)))
      const attempts = yield* daemon.attempts
      const ends = yield* Effect.forEach(world.hub.tasks, (id) =>
        Effect.map(daemon.history(id), (events) => events.filter(({ _tag }) => _tag === "Concluded").length)
      )
      const found = { ...seen(world, task), attempts: attempts.length, ends }
      yield* daemon.terminate
      return { found, done: proxy.done }
    }).pipe(Effect.scoped)
  )

let quiet: ReturnType<typeof build> | undefined

describe("a build through a proxy that does this to each method's first call", () => {
  for (const mischief of mischiefs) {
    it(mischief, async () => {
      quiet ??= build(() => undefined)
      const { found: expected } = await quiet
      assert.strictEqual(expected.result, null)
      const met = new Set<string>()
      const { found, done } = await build((method) => {
        // A login that is asked for twice is two sessions at the hub, and one of ours.
        if (met.has(method)) return undefined
        met.add(method)
        return mischief
      })
      assert.deepStrictEqual(found, expected)
      const methods = done.map(([, method]) => method)
      for (const once of ["host.openTask", "host.subtask", "host.initBuild", "host.newBuildRoot", "host.closeTask"]) {
        assert.include(methods, once)
      }
      assert.includeMembers(methods, ["rawUpload", "host.completeBuild", "host.tagBuild"])
    })
  }
})
