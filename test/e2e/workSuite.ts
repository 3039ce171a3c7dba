/** What a builder is for, seen from outside: builds beside each other, their packages, their logs, their end. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { isOver } from "./builder.ts"
import { deaf, sourcePackage, waiting } from "./packages.ts"
import { System, saying } from "./system.ts"
import { patient } from "./until.ts"

const scratch = { scratch: true }
const demoSources = (): string => {
  const directory = process.env["ADJUTANT_DEMO_SRPMS"]
  if (directory === undefined) throw new Error("set ADJUTANT_DEMO_SRPMS to where `scripts/demo-srpms` has put them")
  return directory
}

export const workSuite = (it: Vitest.MethodsNonLive<System>) => {
  it.effect(
    "a createrepo runs in a container, and its metadata is in the repository",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const made = yield* system.task("newRepo", ["demo-build"], { channel: "createrepo" })
        assert.strictEqual((yield* system.ended(made)).state, "CLOSED")
        const child = yield* system.child(made, "createrepo")
        const events = yield* isOver(system.main, child, "closed")
        assert.deepStrictEqual(
          events.flatMap((event) => (event._tag.startsWith("Container") ? [event._tag] : [])),
          ["ContainerIntended", "ContainerCreated", "ContainerStarted", "ContainerExited", "ContainerRemoved"]
        )
        const repodata = join(system.topdir, "repos/demo-build", String(system.repo), "x86_64/repodata")
        assert.include(readFileSync(join(repodata, "repomd.xml"), "utf8"), 'type="primary"')
        assert.include(yield* system.output(child, "createrepo.log"), "createrepo_c")
      }),
    patient
  )

  it.effect(
    "two builds run beside each other, and each ends when it is told to",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const [first, second] = yield* Effect.forEach(["left", "right"], (name) =>
          Effect.gen(function* () {
            const task = yield* system.build(yield* waiting(join(system.directory, "sources"), name), scratch)
            return { task, child: yield* system.child(task, "buildArch") }
          })
        )
        if (first === undefined || second === undefined) return assert.fail()
        for (const { child } of [first, second]) yield* saying(child, "\ntick 1\n")
        for (const { child } of [first, second]) assert.lengthOf(yield* system.main.containers(child), 1)
        yield* system.main.touch(second.child, "go")
        assert.strictEqual((yield* system.ended(second.task)).state, "CLOSED")
        assert.lengthOf(yield* system.main.containers(first.child), 1)
        yield* system.main.touch(first.child, "go")
        assert.strictEqual((yield* system.ended(first.task)).state, "CLOSED")
        yield* isOver(system.main, first.child, "closed")
      }),
    patient
  )

  it.effect(
    "a log grows on the hub while its build runs, and is kept on the builder",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const task = yield* system.build(yield* waiting(join(system.directory, "sources"), "talking"), scratch)
        const child = yield* system.child(task, "buildArch")
        const early = yield* saying(child, "\ntick 1\n")
        const later = yield* saying(child, `\ntick ${early.split("\ntick ").length + 5}\n`)
        assert.isTrue(later.startsWith(early), "it only grows")
        assert.strictEqual((yield* system.info(child)).completion_ts ?? null, null)
        yield* system.main.touch(child, "go")
        assert.strictEqual((yield* system.ended(task)).state, "CLOSED")
        const whole = yield* system.output(child, "build.log")
        assert.isTrue(whole.startsWith(later))
        assert.match(whole, /\ngone on\n[\s\S]*Child return code was: 0\n$/)
        const kept = readFileSync(join(system.main.logDirectory, String(child), "container.log"), "utf8")
        assert.include(kept, whole.slice(whole.indexOf("\nwaiting\n")))
      }),
    patient
  )

  it.effect(
    "a build that does not hear SIGTERM is canceled, and gone",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const task = yield* system.build(yield* deaf(join(system.directory, "sources"), "deaf"), scratch)
        const child = yield* system.child(task, "buildArch")
        yield* saying(child, "\ntick 1\n")
        yield* system.cancel(task)
        for (const id of [task, child]) {
          assert.strictEqual((yield* system.ended(id)).state, "CANCELED")
          const events = yield* isOver(system.main, id, "canceled")
          assert.isTrue(events.some((event) => event._tag === "StopRequested" && event.reason === "canceled"))
        }
      }),
    patient
  )

  it.effect(
    "several sources, a patch, a noarch subpackage and debuginfo make one build at the hub",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const source = yield* sourcePackage(join(system.directory, "sources"), {
          ...{ spec: "several.spec", sources: ["main.c", "word.h", "manual.txt", "word.patch"] }
        })
        const task = yield* system.build(source)
        assert.deepInclude(yield* system.ended(task), { state: "CLOSED", message: "" })
        const build = join(system.topdir, "packages/several/1.0/1")
        for (const file of [
          "src/several-1.0-1.src.rpm",
          "x86_64/several-1.0-1.x86_64.rpm",
          "x86_64/several-debuginfo-1.0-1.x86_64.rpm",
          "x86_64/several-debugsource-1.0-1.x86_64.rpm",
          "noarch/several-doc-1.0-1.noarch.rpm",
          "data/logs/x86_64/build.log",
          "data/logs/x86_64/root.log",
          "data/logs/x86_64/dnf.log",
          "data/logs/x86_64/mock_config.log"
        ]) {
          assert.isTrue(existsSync(join(build, file)), file)
        }
        const child = yield* system.child(task, "buildArch")
        const events = yield* isOver(system.main, child, "closed")
        // Steps run by the image's id: a name could come to mean another one.
        for (const event of events) {
          if (event._tag !== "ContainerIntended") continue
          assert.match(JSON.stringify(event.spec), /"image":"sha256:[0-9a-f]{64}"/)
        }
      }),
    patient
  )

  it.effect(
    "requirements that a package works out while it is built are installed",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const task = yield* system.build(join(demoSources(), "calculated-1.0-1.src.rpm"))
        assert.deepInclude(yield* system.ended(task), { state: "CLOSED", message: "" })
        const child = yield* system.child(task, "buildArch")
        assert.include(yield* system.output(child, "root.log"), "installing requirements: bison")
        assert.include(yield* system.output(child, "build.log"), "Dynamic buildrequires detected")
        yield* isOver(system.main, child, "closed")
      }),
    patient
  )
}
