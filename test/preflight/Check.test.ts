/** `adjutant check` as a process of its own, against the embedded hub: what it finds, and that it leaves no trace. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { perform } from "../../src/hub/calls/call.ts"
import { getSessionInfo } from "../../src/hub/calls/session.ts"
import { HubSession, type SessionOptions } from "../../src/hub/HubSession.ts"
import { rowOf } from "../../src/hubsim/Database.ts"
import { seedBuilder } from "../../src/hubsim/Seed.ts"
import { adjutant } from "../cli/command.ts"
import { patient } from "../e2e/until.ts"
import { freshHub } from "../hubsim/Hub.ts"

const Report = Schema.fromJsonString(
  Schema.Struct({
    findings: Schema.Array(
      Schema.Struct({
        verdict: Schema.String,
        subject: Schema.String,
        found: Schema.String,
        advice: Schema.NullOr(Schema.String)
      })
    ),
    problems: Schema.Int,
    warnings: Schema.Int
  })
)
const decodeReport = Schema.decodeUnknownSync(Report)
const readSession = rowOf(Schema.Struct({ name: Schema.String, exclusive: Schema.NullOr(Schema.Int) }))

type Hub = Effect.Success<ReturnType<typeof freshHub>>

/** A configuration of this host of the hub, on an engine that is not there. */
const configured = ({ topdir, url, filesUrl }: Hub, user: string, more: ReadonlyArray<string> = []) => {
  const home = join(topdir, "hosts", user)
  mkdirSync(home, { recursive: true })
  const file = join(home, "kojid.conf")
  const lines = [
    ...["[kojid]", `server = ${url}`, `topurl = ${filesUrl}`, `topdir = ${topdir}`, `user = ${user}`, "minspace = 1"],
    ...(more.some((line) => line.startsWith("password")) ? [] : [`password = ${user}`]),
    ...more,
    ...["[adjutant]", `engine_socket = ${home}/none.sock`, `state_dir = ${home}/state`, `log_dir = ${home}/log`, ""]
  ]
  writeFileSync(file, lines.join("\n"), { mode: 0o600 })
  return file
}

const checked = Effect.fnUntraced(function* (file: string, environment: Readonly<Record<string, string>> = {}) {
  const { code, out, err } = yield* adjutant(["check", "-c", file, "--json"], environment)
  assert.strictEqual(err, "")
  const report = decodeReport(out)
  assert.strictEqual(code, report.problems > 0 ? 1 : 0)
  const of = (subject: string) => report.findings.filter((finding) => finding.subject === subject)
  return { ...report, verdict: (subject: string) => of(subject).map(({ verdict }) => verdict), of }
})

const as = (hub: Hub, user: string, exclusive: SessionOptions["exclusive"]) =>
  HubSession.layerPassword({
    ...{ server: hub.url, user, password: Redacted.make(user), exclusive },
    retries: { retriesMax: 0, intervalSeconds: 1, offlineIntervalSeconds: 0, timeoutSeconds: 30 }
  })

/** Sessions that are open at the hub. */
const open = (hub: Hub) =>
  hub.hub.db.all(
    readSession,
    "SELECT users.name, exclusive FROM sessions JOIN users ON users.id = user_id WHERE NOT closed"
  )

describe("check", () => {
  it.live(
    "finds a builder ready but for the engine, and leaves no session behind",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const hub = yield* freshHub()
          const report = yield* checked(configured(hub, "builder1"))
          assert.deepStrictEqual(
            report.findings.filter(({ verdict }) => verdict === "problem").map(({ subject }) => subject),
            ["engine"]
          )
          for (const subject of [
            "hub",
            "login",
            "clock",
            "host",
            "arches",
            "channels",
            "topurl",
            "topdir",
            "secrets"
          ]) {
            assert.deepStrictEqual(report.verdict(subject), ["ok"], subject)
          }
          assert.include(report.of("engine")[0]?.found, "none.sock")
          assert.deepStrictEqual(open(hub), [])
        })
      ),
    patient
  )

  it.live(
    "takes no session from a builder that is at work",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const hub = yield* freshHub()
          yield* Effect.gen(function* () {
            const report = yield* checked(configured(hub, "builder1"))
            assert.deepStrictEqual(report.verdict("hub"), ["ok"])
            assert.deepStrictEqual(report.verdict("login"), ["warning"])
            assert.strictEqual((yield* getSessionInfo())?.exclusive, true)
            assert.deepStrictEqual(open(hub), [{ name: "builder1", exclusive: 1 }])
          }).pipe(Effect.provide(as(hub, "builder1", "force")), Effect.provide(FetchHttpClient.layer))
        })
      ),
    patient
  )

  it.live(
    "says what an administrator has to do",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const hub = yield* freshHub()
          yield* seedBuilder(hub.hub, {
            ...{ name: "odd", password: "odd", arches: ["s390x"], capacity: 4, channels: ["default", "maven"] }
          })
          yield* perform("disableHost", ["odd"]).pipe(
            Effect.provide(as(hub, "kojiadmin", "none")),
            Effect.provide(FetchHttpClient.layer)
          )
          const odd = yield* checked(configured(hub, "odd"))
          assert.deepStrictEqual(odd.verdict("host"), ["warning"])
          assert.deepStrictEqual(odd.verdict("arches"), ["problem"])
          assert.deepStrictEqual(odd.verdict("channels"), ["warning"])
          const person = yield* checked(configured(hub, "kojiadmin"))
          assert.deepStrictEqual(person.verdict("host"), ["problem"])
          assert.include(person.of("host")[0]?.advice, "koji add-host --force kojiadmin")
        })
      ),
    patient
  )

  it.live(
    "tells a proxy of the environment that is none from options that are wrong",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const hub = yield* freshHub()
          const http_proxy = "socks5://we:opensesame@127.0.0.1:1080"
          const report = yield* checked(configured(hub, "builder1"), { http_proxy })
          assert.deepStrictEqual(report.verdict("login"), [])
          const [bad] = report.of("hub")
          assert.match(bad?.found ?? "", /^http_proxy in the environment names no proxy/)
          assert.match(bad?.advice ?? "", /^mend that variable/)
          assert.notInclude(JSON.stringify(report), "opensesame")
        })
      ),
    patient
  )

  it.live(
    "tells a password that is wrong from a hub that is not there, and shows neither password",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const hub = yield* freshHub()
          const file = configured(hub, "builder1", ["password = opensesame"])
          const wrong = yield* checked(file)
          assert.deepStrictEqual(wrong.verdict("hub"), ["ok"])
          assert.deepStrictEqual(wrong.verdict("login"), ["problem"])
          const gone = yield* checked(configured({ ...hub, url: "http://127.0.0.1:1/kojihub" }, "builder2"))
          assert.deepStrictEqual(gone.verdict("hub"), ["problem"])
          assert.deepStrictEqual(gone.verdict("login"), [])
          chmodSync(file, 0o644)
          const { code, out, err } = yield* adjutant(["check", "-c", file])
          assert.strictEqual(code, 1)
          assert.match(out, /^warning {2}secrets: .* is open to group or others \(mode 0644\); chmod 0600 /m)
          assert.match(err, /^adjutant: 2 problems$/m)
          assert.notInclude(`${out}${err}`, "opensesame")
        })
      ),
    patient
  )
})
