/** Repositories that are not what a build needs: none, half of one, another tag's. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { seedTag } from "../../src/hubsim/Seed.ts"
import { isOver } from "./builder.ts"
import { behaving } from "./packages.ts"
import { System } from "./system.ts"
import { patient } from "./until.ts"

const otherTag = "broken-build"

/** A tag beside the demonstration's, a fresh repository of it, and its directory. */
const otherRepo = Effect.gen(function* () {
  const system = yield* System
  yield* seedTag(system.hub.hub, {
    ...{ name: otherTag, arches: "x86_64", parents: ["demo-base"], groups: { build: ["bash"], "srpm-build": ["bash"] } }
  })
  const repo = yield* system.newRepo(otherTag)
  return { repo, directory: join(system.topdir, "repos", otherTag, String(repo), "x86_64") }
})

const initFailed = "could not init mock buildroot, mock exited with status 30; see root.log for more information"

interface Broken {
  readonly what: string
  readonly breaks: (directory: string, system: System["Service"]) => void
  /** After kojid's sentence. */
  readonly detail?: RegExp
  readonly root: RegExp
}

const broken: ReadonlyArray<Broken> = [
  {
    what: "is missing",
    breaks: (directory) => rmSync(directory, { recursive: true }),
    detail:
      /^ \(the repository cannot be used: http:.*\/repos\/broken-build\/\d+\/x86_64\/repodata\/repomd.xml does not exist\)$/,
    root: /the repository cannot be used: http:.*repomd.xml does not exist/
  },
  {
    what: "lacks the list of its packages",
    breaks: (directory) => {
      const repodata = join(directory, "repodata")
      for (const name of readdirSync(repodata)) if (/primary/.test(name)) rmSync(join(repodata, name))
    },
    root: /Status code: 404 for http:.*primary/
  },
  {
    what: "lacks one of its packages",
    breaks: (directory, { topdir }) => {
      const packages = join(directory, "toplink/packages")
      const place = "demo-distribution/12/1/x86_64"
      rmSync(join(directory, "toplink"))
      mkdirSync(join(packages, place), { recursive: true })
      cpSync(join(topdir, "packages/demo-distribution/12/1/noarch"), join(packages, "demo-distribution/12/1/noarch"), {
        recursive: true
      })
      for (const name of readdirSync(join(topdir, "packages", place))) {
        if (!name.startsWith("bash-")) symlinkSync(join(topdir, "packages", place, name), join(packages, place, name))
      }
    },
    root: /bash-12-1.x86_64: Cannot download/
  }
]

export const repoSuite = (it: Vitest.MethodsNonLive<System>) => {
  for (const { what, breaks, detail, root } of broken) {
    it.effect(
      `a repository that ${what} fails the buildroot as mock would, and root.log says which file`,
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { repo, directory } = yield* otherRepo
          breaks(directory, system)
          const source = yield* behaving(join(system.directory, "sources"), "plain", "true")
          const task = yield* system.buildArch(source, "main", { tag: otherTag, repo })
          const { state, code, message } = yield* system.ended(task)
          assert.deepStrictEqual([state, code], ["FAILED", 1012])
          assert.strictEqual(message.slice(0, initFailed.length), initFailed)
          assert.match(message.slice(initFailed.length), detail ?? /^$/)
          assert.match(yield* system.output(task, "root.log"), root)
          yield* isOver(system.main, task, "failed")
        }),
      patient
    )
  }

  it.effect(
    "a repository of another tag is not built from",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const { repo } = yield* otherRepo
        const source = yield* behaving(join(system.directory, "sources"), "plain", "true")
        const build = yield* system.ended(yield* system.build(source, { scratch: true, repo_id: repo }))
        assert.deepStrictEqual([build.code, build.message], [1005, "Repo/Target mismatch: broken-build/demo-build"])
        const alone = yield* system.ended(yield* system.buildArch(source, "main", { tag: "demo-build", repo }))
        assert.deepStrictEqual([alone.code, alone.message], [1012, "tag/repo mismatch: demo-build vs broken-build"])
        for (const { id } of [build, alone]) yield* isOver(system.main, id, "failed")
      }),
    patient
  )

  it.effect(
    "a repository that the hub does not know is not built from",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const source = yield* behaving(join(system.directory, "sources"), "plain", "true")
        const build = yield* system.ended(yield* system.build(source, { scratch: true, repo_id: 4711 }))
        assert.deepStrictEqual([build.code, build.message], [1005, "No such repo: 4711"])
        yield* isOver(system.main, build.id, "failed")
      }),
    patient
  )
}
