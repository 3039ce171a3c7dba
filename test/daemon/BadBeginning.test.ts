/**
 * A daemon that cannot begin: the whole process says what is wrong, where, and what to do, and leaves; the task that waits
 * for it is still there, and is done once that has been put right.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:https"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { taskStateName } from "../../src/koji/TaskState.ts"
import { startDaemon } from "../e2e/daemonProcess.ts"
import { patient, until } from "../e2e/until.ts"
import { idleEngine } from "../engine/idleEngine.ts"
import { certificateDirectory, type Issued, issue, makeAuthority } from "../hub/Certificates.ts"
import { get, login } from "../hubsim/Client.ts"
import { freshHub } from "../hubsim/Hub.ts"

interface Wrong {
  readonly what: string
  /** Lines for [kojid], taking the place of what is right; `@@` before a name is the test's directory. */
  readonly kojid: ReadonlyArray<string>
  readonly says: ReadonlyArray<string>
}

/** A web server with this certificate. Nobody comes so far as to ask it for something. */
const secureServer = ({ certificate, key }: Issued) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) =>
            response.writeHead(500).end()
          )
          server.listen(0, "127.0.0.1", () => resolve(server))
        })
    ),
    (server) => Effect.sync(() => server.close().closeAllConnections())
  ).pipe(Effect.map((server) => `https://localhost:${Object(server.address()).port}/kojihub`))

const stage = Effect.gen(function* () {
  const directory = yield* certificateDirectory
  const { url, filesUrl, topdir } = yield* freshHub({ topdir: join(directory, "top") })
  const socket = join(directory, "engine.sock")
  yield* idleEngine(socket)
  const right = {
    ...{ server: url, topurl: filesUrl, topdir, user: "builder1", password: "builder1", minspace: "1" },
    cert: join(directory, "none.pem")
  }
  const own = [
    `[adjutant]\nengine = docker\nengine_socket = ${socket}\nload_average_max = 4096\nlog_format = text`,
    `state_dir = ${join(directory, "state")}\nlog_dir = ${join(directory, "log")}\n`
  ].join("\n")
  const config = join(directory, "kojid.conf")
  const write = (lines: ReadonlyArray<string>) => {
    const named = new Set(lines.map((line) => line.replace(/ =.*/s, "")))
    const rest = Object.entries(right).flatMap(([name, value]) => (named.has(name) ? [] : [`${name} = ${value}`]))
    const text = ["[kojid]", ...lines, ...rest, own].join("\n").replaceAll("@@", `${directory}/`)
    // Bytes as they are, so that some may be no text.
    writeFileSync(config, Buffer.from(text, "latin1"), { mode: 0o600 })
  }
  const admin = yield* login(url, "kojiadmin")
  const task = Number(yield* get(url, admin, { method: "makeTask", params: ["sleep", [0]] }))
  const stateOf = Effect.map(get(url, admin, { method: "getTaskInfo", params: [task] }), (info) =>
    taskStateName(Number(Object(info).state))
  )
  return { directory, config, write, stateOf }
})

/** Certificates that do not match, each in its own way. */
const mismatches = Effect.fnUntraced(function* (directory: string) {
  const [ours, theirs] = ["ours", "theirs"].map((name) => makeAuthority(directory, name))
  if (ours === undefined || theirs === undefined) return assert.fail()
  const [builder, other] = ["builder1", "builder2"].map((name) => issue(directory, ours, { name }))
  if (builder === undefined || other === undefined) return assert.fail()
  const mixed = join(directory, "mixed.pem")
  writeFileSync(mixed, readFileSync(builder.certificate, "latin1") + readFileSync(other.key, "latin1"))
  const here = issue(directory, theirs, { name: "here", alternatives: "DNS:localhost" })
  const elsewhere = issue(directory, ours, { name: "elsewhere", alternatives: "DNS:hub.example.org" })
  const [stranger, renamed] = [yield* secureServer(here), yield* secureServer(elsewhere)]
  return [
    {
      what: "a key that is another's",
      kojid: [`cert = ${mixed}`],
      says: [
        `${mixed} (cert): the private key is not the one of the certificate (O=Test, CN=builder1)`,
        "Put the two together that were made together"
      ]
    },
    {
      what: "a hub of another authority",
      kojid: [`server = ${stranger}`, `serverca = ${ours.certificate}`],
      says: [`${stranger}: login: nobody who is trusted here vouches for the hub's certificate: set serverca`]
    },
    {
      what: "a hub of another name",
      kojid: [`server = ${renamed}`, `serverca = ${ours.certificate}`],
      says: [`${renamed}: login: the hub's certificate is for another name: set server to a name`, "hub.example.org"]
    }
  ] satisfies ReadonlyArray<Wrong>
})

const badFiles: ReadonlyArray<Wrong> = [
  {
    what: "values of the wrong type, and an option that nobody knows",
    kojid: ["maxjobs = many", "sleeptime = 1.5", "use_createrepo_c = perhaps", "sleptime = 3"],
    says: [
      'kojid.conf, line 2: value for maxjobs option must be a whole number from 0 to 1000, not "many"',
      'kojid.conf, line 3: value for sleeptime option must be a whole number from 1 to 86400, not "1.5"',
      "kojid.conf, line 4: value for use_createrepo_c option must be yes or no",
      "kojid.conf, line 5: unknown config option: sleptime (did you mean sleeptime?)"
    ]
  },
  {
    what: "an option that comes twice",
    kojid: ["maxjobs = 1", "MaxJobs = 2"],
    says: ["kojid.conf, line 3: option maxjobs comes twice in [kojid]"]
  },
  {
    what: "bytes that are no text",
    kojid: ["maxjobs = 1", "vendor = caf\xe9"],
    says: ["kojid.conf, line 3: there are bytes that are not UTF-8: save the file in that encoding"]
  }
]

describe("a daemon that cannot begin", () => {
  it.live(
    "says what is wrong with its configuration or its certificates, and leaves the task that waits for it",
    () =>
      Effect.gen(function* () {
        const { directory, config, write, stateOf } = yield* stage
        for (const { what, kojid, says } of [...badFiles, ...(yield* mismatches(directory))]) {
          write(kojid)
          const daemon = yield* startDaemon(config)
          assert.strictEqual(yield* daemon.exit, 1, `${what}: ${daemon.said()}`)
          for (const words of says) assert.include(daemon.said(), words, what)
          assert.notMatch(daemon.said(), /^ +at .*:\d+:\d+\)?$/m, `${what}: a stack is no message`)
          assert.strictEqual(yield* stateOf, "FREE", what)
        }
        write([])
        const daemon = yield* startDaemon(config)
        const isDone = Effect.map(stateOf, (state) => (state === "CLOSED" ? true : undefined))
        yield* until("the task to be done", daemon.said, isDone)
        yield* daemon.signal("SIGTERM")
        assert.strictEqual(yield* daemon.exit, 0)
      }).pipe(Effect.scoped),
    patient
  )
})
