import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { closeTask, getHost, getHostTasks, getTasks, openTask, updateHost } from "../../src/hub/calls/host.ts"
import { repoInit, requestRepo } from "../../src/hub/calls/repos.ts"
import { getKojiVersion } from "../../src/hub/calls/session.ts"
import { getBuildConfig, getTag } from "../../src/hub/calls/tags.ts"
import {
  getTaskInfo,
  getTaskResult,
  listTaskOutput,
  submitBuild,
  subtask,
  taskSetWait,
  taskWait
} from "../../src/hub/calls/tasks.ts"
import { HubFiles } from "../../src/hub/HubFiles.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { uploadFile } from "../../src/hub/Upload.ts"
import type { Disturb } from "../../src/hubsim/HubServer.ts"
import { freshHub, freshTopdir } from "../hubsim/Hub.ts"

const retries = { retriesMax: 3, intervalSeconds: 0, offlineIntervalSeconds: 0, timeoutSeconds: 30 }

const stage = (disturb?: Disturb) =>
  Effect.gen(function* () {
    const { url, filesUrl, topdir } = yield* freshHub({
      options: { runIntervalSeconds: 0 },
      ...(disturb === undefined ? {} : { disturb })
    })
    const session = (user: string, exclusive: "force" | "none") =>
      Layer.build(
        Layer.provide(
          HubSession.layerPassword({ server: url, user, password: Redacted.make(user), exclusive, retries }),
          FetchHttpClient.layer
        )
      )
    const files = yield* Layer.build(
      Layer.provide(HubFiles.layer({ topUrl: filesUrl, topDirectory: topdir }), FetchHttpClient.layer)
    )
    return { person: yield* session("kojiadmin", "none"), builder: yield* session("builder1", "force"), files, topdir }
  })

describe("the worker's own client at the embedded hub", () => {
  it.live("submits, takes, waits, uploads, closes and reads back", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { person, builder, files } = yield* stage()
        assert.strictEqual(yield* Effect.provide(getKojiVersion(), builder), "1.35.3")
        const id = yield* Effect.provide(
          submitBuild("cli-build/1/x.src.rpm", "dist-test", { scratch: true }, null),
          person
        )
        const directory = yield* freshTopdir
        yield* Effect.gen(function* () {
          const host = yield* getHost()
          assert.deepInclude(host, { name: "builder1", enabled: true })
          yield* updateHost(0, true, { methods: ["build"], maxjobs: 4 })
          assert.deepStrictEqual(
            (yield* getTasks()).map((task) => [task.id, task.method, task.state]),
            [[id, "build", 4]]
          )
          assert.deepInclude(yield* openTask(id), { id, method: "build" })
          const tag = yield* getTag("dist-test-build")
          assert.deepInclude(yield* getBuildConfig(tag.id, {}), { arches: "x86_64" })
          const { repo, request } = yield* requestRepo(tag.id, { minEvent: null })
          assert.isNull(repo)
          assert.isTrue(request?.active)
          const child = yield* subtask({
            method: "buildArch",
            arglist: ["x", tag.id, "x86_64", true, {}],
            parent: id,
            label: "x86_64",
            arch: "x86_64"
          })
          yield* taskSetWait(id, [child])
          assert.deepStrictEqual(
            (yield* getHostTasks()).map((task) => task.waiting),
            [true]
          )
          yield* getTasks()
          yield* openTask(child)
          const path = join(directory, "build.log")
          yield* Effect.promise(() => writeFile(path, "it went well\n".repeat(200_000)))
          yield* uploadFile(path, `tasks/${child % 10_000}/${child}`, "build.log")
          yield* closeTask(child, { rpms: [], logs: ["build.log"] })
          assert.deepStrictEqual(yield* taskWait(id), [[child], []])
          yield* closeTask(id, null)
          assert.deepStrictEqual(yield* getTaskResult(child), { rpms: [], logs: ["build.log"] })
          assert.strictEqual((yield* getTaskInfo(id))?.state, 2)
          assert.deepStrictEqual(yield* listTaskOutput(child), { "build.log": ["DEFAULT"] })
          const hubFiles = yield* HubFiles
          const copy = join(directory, "copy.log")
          yield* hubFiles.fetch(`work/tasks/${child % 10_000}/${child}/build.log`, copy)
          assert.strictEqual(readFileSync(copy, "utf8"), readFileSync(path, "utf8"))
          const [repoId] = yield* repoInit(tag.id, { taskId: id, opts: {}, event: null })
          const list = yield* hubFiles.read(`repos/dist-test-build/${repoId}/x86_64/pkglist`, 1000)
          assert.strictEqual(list.length, 0)
        }).pipe(Effect.provide(builder), Effect.provide(files))
      })
    )
  )

  it.live("goes on where answers are lost and the hub is away for a moment", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let calls = 0
        const { builder } = yield* stage(({ method }) => {
          if (method !== "host.updateHost" && method !== "host.getHost") return { _tag: "None" }
          calls += 1
          return calls === 1 ? { _tag: "DropAnswer" } : calls === 3 ? { _tag: "Status", status: 502 } : { _tag: "None" }
        })
        yield* Effect.gen(function* () {
          yield* updateHost(1.5, true)
          assert.strictEqual((yield* getHost()).task_load, 1.5)
        }).pipe(Effect.provide(builder))
        assert.strictEqual(calls, 4)
      })
    )
  )
})
