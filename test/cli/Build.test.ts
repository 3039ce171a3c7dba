/** `hub` and `build` against each other, with a builder that does by hand what each case needs. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, Schedule, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { closeTask, failTask, getTasks, openTask, updateHost } from "../../src/hub/calls/host.ts"
import { cancelTask } from "../../src/hub/calls/tasks.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { taskPath } from "../../src/koji/Paths.ts"
import { patient } from "../e2e/until.ts"
import { adjutant, running } from "./command.ts"

const fixtures = join(import.meta.dirname, "../fixtures/rpms")
const source = join(fixtures, "adjutant-sample-1.0-1.src.rpm")

const Told = Schema.fromJsonString(
  Schema.Struct({
    url: Schema.String,
    filesUrl: Schema.String,
    topdir: Schema.String,
    demonstration: Schema.Struct({
      user: Schema.String,
      passwordFile: Schema.String,
      target: Schema.String,
      builderConfig: Schema.String
    })
  })
)

/** A demonstration hub as a process, with the fixtures' packages to build with. */
class Demo extends Context.Service<Demo, typeof Told.Type & { readonly directory: string }>()("test/Demo") {
  static readonly layer = Layer.effect(
    Demo,
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-hub-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const rpms = join(directory, "rpms")
      for (const [arch, name] of [
        ["x86_64", "adjutant-sample-1.0-1.x86_64.rpm"],
        ["noarch", "adjutant-sample-doc-1.0-1.noarch.rpm"]
      ] as const) {
        mkdirSync(join(rpms, "RPMS", arch), { recursive: true })
        copyFileSync(join(fixtures, name), join(rpms, "RPMS", arch, name))
      }
      writeFileSync(join(rpms, "groups.json"), JSON.stringify({ build: ["adjutant-sample"], "srpm-build": [] }))
      const args = ["hub", "--topdir", join(directory, "koji"), "--port", "0", "--demo-rpms", rpms]
      const out = yield* running([...args, "--demo-package", "adjutant-sample", "--json"], /\n/)
      return { ...(yield* Schema.decodeUnknownEffect(Told)(out)), directory }
    })
  )
}

const build = (...more: ReadonlyArray<string>) =>
  Effect.flatMap(Demo, ({ url, demonstration }) => {
    const { user, passwordFile, target } = demonstration
    const who = ["--server", url, "--user", user, "--password-file", passwordFile]
    return adjutant(["build", ...who, "--target", target, "--poll", "1", ...more, source])
  })

const session = (who: "user" | "builder") =>
  Layer.unwrap(
    Effect.map(Demo, ({ url, demonstration: { user, passwordFile, builderConfig } }) =>
      HubSession.layerPassword({
        server: url,
        user: who === "user" ? user : "builder",
        password: Redacted.make(
          who === "user"
            ? readFileSync(passwordFile, "utf8").trim()
            : (/^password = (.*)$/m.exec(readFileSync(builderConfig, "utf8"))?.[1] ?? "")
        ),
        exclusive: who === "builder" ? "force" : "none",
        retries: { retriesMax: 0, intervalSeconds: 0, offlineIntervalSeconds: 0, timeoutSeconds: 30 }
      })
    )
  ).pipe(Layer.provide(FetchHttpClient.layer))

const noTask = "no task yet"

/** Checks in until there is a task, and opens it. */
const take = Effect.gen(function* () {
  yield* updateHost(0, true, { maxjobs: 4, methods: ["build"] })
  const [task] = yield* getTasks()
  if (task === undefined) return yield* Effect.fail(noTask)
  yield* openTask(task.id)
  return task.id
}).pipe(Effect.retry({ while: (error) => error === noTask, schedule: Schedule.spaced("100 millis") }))

const upload = Effect.fnUntraced(function* (task: number, name: string, text: string | Uint8Array) {
  const hub = yield* HubSession
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
  yield* hub.upload({ directory: taskPath(task), name, offset: 0, bytes, overwrite: true })
})

/** Builds while `work` does the builder's part on the task. */
const buildWith = <E>(args: ReadonlyArray<string>, work: (task: number) => Effect.Effect<void, E, HubSession | Demo>) =>
  Effect.gen(function* () {
    const building = yield* Effect.forkChild(build(...args))
    const early = Effect.flatMap(Fiber.join(building), ({ out, err }) => Effect.die(`it ended at once: ${out}${err}`))
    const task = Effect.raceFirst(take, early)
    yield* Effect.flatMap(task, work).pipe(Effect.provide(session("builder"), { local: true }))
    return yield* Fiber.join(building)
  })

describe("build, on a hub of its own", { timeout: patient }, () => {
  it.layer(Demo.layer, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
    it.effect("hands the package over, shows its packages, and fetches every file", () =>
      Effect.gen(function* () {
        const { directory, topdir } = yield* Demo
        const fetched = join(directory, "fetched")
        const binary = readFileSync(join(fixtures, "adjutant-sample-1.0-1.x86_64.rpm"))
        const { code, out, err } = yield* buildWith(["--fetch", fetched], (task) =>
          Effect.gen(function* () {
            yield* upload(task, "build.log", "+ make\n\x1b[31mdone\x1b[0m\n")
            yield* upload(task, "adjutant-sample-1.0-1.x86_64.rpm", binary)
            yield* closeTask(task, {})
          })
        )
        assert.strictEqual(err, "")
        assert.strictEqual(code, 0)
        assert.match(out, /^Created task \d+: adjutant-sample-1\.0-1\.src\.rpm for demo\n/)
        assert.match(out, /^ +0:\d\d\.\d {2}\d+ build, noarch: (free|assigned)$/m)
        assert.match(out, /\nTask \d+ is closed after /)
        assert.match(
          out,
          /\nFrom \d+ build, noarch:\n +[\d.]+ KiB {2}adjutant-sample-1\.0-1\.x86_64\.rpm\n +and 1 log\n/
        )
        assert.include(out, `Fetched 2 files into ${fetched}`)
        assert.deepStrictEqual(readFileSync(join(fetched, "adjutant-sample-1.0-1.x86_64.rpm")), binary)
        const [logs = ""] = readdirSync(fetched).filter((name) => name.endsWith("-build"))
        assert.deepStrictEqual(readdirSync(join(fetched, logs)), ["build.log"])
        const uploads = join(topdir, "work/cli-build")
        const [unique = ""] = readdirSync(uploads)
        assert.match(unique, /^\d+(\.\d+)?\.[A-Za-z]{8}$/)
        assert.deepStrictEqual(
          readFileSync(join(uploads, unique, "adjutant-sample-1.0-1.src.rpm")),
          readFileSync(source)
        )
      })
    )

    it.effect("names the task to blame, its words, and the end of the log they point to", () =>
      Effect.gen(function* () {
        const { filesUrl } = yield* Demo
        const { code, out } = yield* buildWith(["--scratch", "--topurl", `${filesUrl}/`], (task) =>
          Effect.gen(function* () {
            const lines = Array.from({ length: 30 }, (_, line) => `line ${line}\n`).join("")
            yield* upload(task, "root.log", "nothing here\n")
            yield* upload(task, "build.log", `${lines}\x1b[31mfatal\x1b[0m: \x1b]0;owned\x07\n`)
            yield* failTask(task, { code: 1005, message: "error building package; see build.log for more information" })
          })
        )
        assert.strictEqual(code, 1)
        assert.match(out, /\nTask \d+ has failed after /)
        assert.match(out, /\nFailed in \d+ build, noarch:\n {2}BuildError: error building package; see build\.log/)
        assert.include(out, "\nThe last 20 lines of build.log:\n  | line 11\n")
        assert.include(out, "\n  | line 29\n  | fatal: \\x1b]0;owned\\x07\n")
        assert.match(out, new RegExp(`\nIts files are in ${filesUrl}/work/tasks/(\\d+)/\\1/\n$`))
      })
    )

    it.effect("tells programs one value, and nothing on the way", () =>
      Effect.gen(function* () {
        const { code, out } = yield* buildWith(["--json"], (task) => failTask(task, { code: 1, message: "no luck" }))
        assert.strictEqual(code, 1)
        const report = JSON.parse(out)
        assert.deepInclude(report, { state: "failed", fetched: [], directory: null })
        assert.deepInclude(report.failure, { code: 1, name: "Fault", message: "no luck", log: null })
      })
    )

    it.effect("says that a task was canceled with a code of its own", () =>
      Effect.gen(function* () {
        const { code, out } = yield* buildWith([], (task) =>
          cancelTask(task).pipe(Effect.provide(session("user"), { local: true }))
        )
        assert.strictEqual(code, 2)
        assert.match(out, /\nTask \d+ was canceled/)
      })
    )

    it.effect("does not stay when it is told not to", () =>
      Effect.gen(function* () {
        const { code, out } = yield* build("--nowait")
        assert.strictEqual(code, 0)
        assert.match(out, /^Created task \d+\n$/)
        assert.match((yield* build("--nowait", "--json")).out, /^\{"task":\d+\}\n$/)
      })
    )

    /** Each ends so, before anything has been submitted, with this in a line. */
    const complains = (cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]>) =>
      Effect.gen(function* () {
        const { url } = yield* Demo
        for (const [more, expected, message] of cases) {
          const { code, out, err } = yield* adjutant(["build", "--server", url, "--target", "demo", ...more])
          assert.match(err, message)
          assert.notInclude(err.replace(/\n(Try .*\n)?$/, ""), "\n")
          assert.strictEqual(code, expected)
          assert.strictEqual(out, "")
        }
      })

    it.effect(
      "says what is wrong before it asks for anything, and what the hub says after",
      () =>
        Effect.gen(function* () {
          const { directory } = yield* Demo
          const demo = ["--user", "demo"]
          yield* complains([
            [[...demo, "/nowhere.src.rpm"], 1, /^adjutant: \/nowhere\.src\.rpm: there is no such file\n$/],
            [
              [...demo, join(fixtures, "adjutant-sample-1.0-1.x86_64.rpm")],
              1,
              /this is a binary package, not a source package\n$/
            ],
            [[...demo, import.meta.filename], 1, /^adjutant: .*Build\.test\.ts: /],
            [[...demo, source], 64, /a password is needed/],
            [[...demo, "--password-file", "/nowhere", source], 1, /^adjutant: \/nowhere: there is no such file\n$/],
            [[...demo, "--password-file", join(directory, "rpms/groups.json"), source], 1, /^adjutant: login: /]
          ])
        }),
      patient
    )

    it.effect(
      "says what is wrong with the way in",
      () =>
        complains([
          [["--password-file", "/nowhere", source], 64, /whose password is it\? Give --user/],
          [["--cert", "/a", "--keytab", "/b", "--principal", "me", source], 64, /--cert and --keytab are two ways/],
          [["--cert", "/a", "--user", "me", source], 64, /--cert and --user are two ways to log in: give one/],
          [
            ["--keytab", "/a", "--principal", "me", "--password-file", "/b", source],
            64,
            /--keytab and --password-file are two ways/
          ],
          [["--principal", "me", source], 64, /--keytab and --principal belong together/],
          [["--keytab", "/no", "--principal", "me", source], 1, /^adjutant: \/no \(keytab\): there is no such file\n$/],
          [["--cert", "/no", source], 1, /^adjutant: \/no \(cert\) cannot be read/]
        ]),
      patient
    )

    it.effect(
      "takes the user of the environment, unless a flag names another way in",
      () =>
        Effect.gen(function* () {
          const { url } = yield* Demo
          const as = (...way: ReadonlyArray<string>) =>
            adjutant(["build", "--server", url, "--target", "demo", ...way, source], { ADJUTANT_USER: "me" })
          const [password, certificate] = yield* Effect.all([as(), as("--cert", "/no")], { concurrency: 2 })
          assert.match(password.err, /a password is needed/)
          assert.match(certificate.err, /^adjutant: \/no \(cert\) cannot be read/)
        }),
      patient
    )

    it.effect("keeps its passwords from everyone else, and from the tree that it serves", () =>
      Effect.gen(function* () {
        const { demonstration, topdir } = yield* Demo
        for (const file of [demonstration.passwordFile, demonstration.builderConfig]) {
          assert.strictEqual(statSync(file).mode & 0o077, 0)
          assert.isFalse(file.startsWith(`${topdir}/`))
        }
      })
    )
  })
})

describe("hub", { timeout: patient }, () => {
  it.live("takes what it is to hold from a file, again and again, and says what it cannot take", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "adjutant-seed-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      mkdirSync(join(directory, "rpms"))
      copyFileSync(source, join(directory, "rpms/adjutant-sample-1.0-1.src.rpm"))
      const seed = join(directory, "seed.json")
      writeFileSync(
        seed,
        JSON.stringify({
          users: [{ name: "kim", password: "secret" }],
          tags: [{ name: "dest" }, { name: "root", arches: "x86_64", parents: ["dest"], groups: { build: ["bash"] } }],
          targets: [{ name: "main", buildTag: "root", destinationTag: "dest" }],
          packages: [{ tag: "dest", names: ["bash"] }],
          builds: [{ directory: "rpms", tag: "dest" }]
        })
      )
      const hub = ["hub", "--topdir", join(directory, "koji"), "--port", "0"]
      for (const _ of [1, 2]) {
        const out = yield* Effect.scoped(running([...hub, "--seed", seed], /interrupted/))
        assert.match(out, /^The hub is at {5}http:\/\/127\.0\.0\.1:\d+\/kojihub\n/)
      }
      writeFileSync(seed, JSON.stringify({ tag: [] }))
      const mistyped = yield* adjutant([...hub, "--seed", seed])
      assert.strictEqual(mistyped.code, 1)
      assert.include(mistyped.err, `adjutant: ${seed}: `)
      writeFileSync(seed, JSON.stringify({ tags: [{ name: "root", parents: ["nowhere"] }] }))
      const refused = yield* adjutant([...hub, "--seed", seed])
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /^adjutant: the hub refuses its seed: .*nowhere/)
      const unusable = yield* adjutant(["hub", "--topdir", seed, "--port", "0"])
      assert.strictEqual(unusable.code, 1)
    })
  )
})
