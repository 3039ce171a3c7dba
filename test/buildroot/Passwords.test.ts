/** The passwords that a site's addresses hold: where packages are fetched, and nowhere else. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { story } from "../model/World.ts"

const yumProxy = "http://builder:s3cret@proxy.example.org:3128"

describe("passwords in topurl and yum_proxy", () => {
  it("reach the containers that fetch packages, and neither journal nor logs", () =>
    story((world) =>
      Effect.gen(function* () {
        const topUrl = `http://builder:s3cret@hub.example.org${world.hub.top}`
        const daemon = yield* world.daemon({ settings: { topUrls: [topUrl], yumProxy } })
        const configured = new Map<string, string>()
        world.interfere((step, program, { mounts }) => {
          for (const { source } of mounts) {
            const file = join(source, "yum.conf")
            if (existsSync(file)) configured.set(step, readFileSync(file, "utf8"))
          }
          return program
        })
        yield* daemon.start
        const request = [world.source({ name: "hello", requires: ["zlib"] }), tag.build, "x86_64", true, { repo_id: 1 }]
        const task = world.hub.makeTask("buildArch", request, { arch: "x86_64" })
        yield* world.until(() => world.hub.state(task) === "CLOSED")
        assert.isAtLeast(configured.size, 2, "a base image's packages are fetched, and a build's requirements")
        for (const text of configured.values()) {
          assert.include(text, `baseurl=${topUrl}/repos/`)
          assert.include(text, `proxy=${yumProxy}\n`)
        }
        const history = JSON.stringify(yield* daemon.history(task))
        assert.include(history, "builder:[hidden]@hub.example.org")
        assert.notInclude(history, "s3cret")
        const uploads = join(world.hub.top, "work/tasks", String(task), String(task))
        const names = readdirSync(uploads)
        assert.includeMembers(names, ["mock_config.log", "root.log", "build.log"])
        for (const name of names) assert.notInclude(readFileSync(join(uploads, name), "latin1"), "s3cret", name)
        yield* daemon.terminate
      })
    ))
})
