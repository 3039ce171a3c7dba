import { execFileSync } from "node:child_process"
import { createServer } from "node:https"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Logger, Redacted, References, Scope, Tracer } from "effect"
import { LogsCalls } from "../../src/hub/Exchange.ts"
import { endOfSession } from "../../src/hub/HubError.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { defaultLimits } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer } from "../../src/hub/XmlRpcEncoder.ts"
import { clockTurns, FakeHub, http, type Mischief, mischief, patient, sessionAt, success, turns } from "./FakeHub.ts"

/** A logged-in session at a fresh hub whose log begins after the login. */
const ready = Effect.fnUntraced(function* (options: Parameters<typeof sessionAt>[1] = {}) {
  const hub = yield* FakeHub.start
  const context = yield* Layer.build(sessionAt(hub, options))
  hub.received.length = 0
  const session = yield* Effect.provide(HubSession, context)
  return { hub, session }
})

const numbers = (hub: FakeHub) => hub.received.map(({ headers }) => Number(headers["koji-session-callnum"]))

const beginning = "<?xml version='1.0'?><methodResponse><params><param><value>"
const nested = (depth: number) => `${beginning}${"<array><data><value>".repeat(depth)}`
const entityBomb = `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${beginning}&b;`
/** Some hundred kilobytes on its way. */
const longText = Buffer.concat([Buffer.from(beginning), Buffer.alloc(defaultLimits.textMax + 1, "a")])

describe("logging in", () => {
  it.effect("goes as kojid goes about it, and ends with a logout", () =>
    Effect.gen(function* () {
      const hub = yield* FakeHub.start
      const id = yield* Effect.map(HubSession, (session) => session.id).pipe(Effect.provide(sessionAt(hub)))
      assert.strictEqual(id, 11)
      assert.deepStrictEqual(hub.methods, ["login", "exclusiveSession", "echo", "logout"])
      const [login, exclusive, echo] = hub.received
      assert.deepStrictEqual(login?.positional, ["builder1", "secret"])
      assert.deepStrictEqual(login?.keywords, { opts: null })
      assert.isUndefined(login?.headers["koji-session-id"])
      assert.deepStrictEqual([exclusive?.positional, exclusive?.keywords], [[], { force: true }])
      assert.deepInclude(echo?.headers, {
        "koji-session-id": "11",
        "koji-session-key": "key-1",
        "koji-session-callnum": "1",
        "user-agent": "koji/1",
        "content-type": "text/xml",
        "content-length": String(echo?.body.length)
      })
      assert.sameMembers(Object.keys(echo?.headers ?? {}), [
        ...["host", "connection", "user-agent", "accept-encoding", "content-type", "content-length"],
        ...["koji-session-id", "koji-session-key", "koji-session-callnum"]
      ])
      assert.strictEqual(hub.sessions.size, 0)
    })
  )

  it.effect("takes no exclusive session when it is not to", () =>
    Effect.gen(function* () {
      const hub = yield* FakeHub.start
      yield* Effect.provide(HubSession, sessionAt(hub, { exclusive: "none" }))
      assert.deepStrictEqual(hub.methods, ["login", "echo", "logout"])
    })
  )

  it.effect("tells a wrong password by the hub's fault, at once", () =>
    Effect.gen(function* () {
      const hub = yield* FakeHub.start
      hub.plays.push(mischief.fault(1002, "invalid username or password"))
      const error = yield* Effect.flip(Effect.provide(HubSession, sessionAt(hub)))
      assert.deepInclude(error, { _tag: "HubFault", method: "login", code: 1002 })
      assert.deepStrictEqual(hub.methods, ["login"])
    })
  )

  it.effect("gives up the login, and the session, when somebody else has the exclusive one", () =>
    Effect.gen(function* () {
      const hub = yield* FakeHub.start
      hub.plays.push(null, mischief.fault(1006, "Cannot get exclusive session"))
      const error = yield* Effect.flip(Effect.provide(HubSession, sessionAt(hub)))
      assert.deepInclude(error, { _tag: "HubFault", method: "exclusiveSession", code: 1006 })
      assert.deepStrictEqual(hub.methods, ["login", "exclusiveSession", "logout"])
    })
  )

  it.effect("is given up at once at a hub whose certificate nobody vouches for", () =>
    Effect.gen(function* () {
      const pem = execFileSync(
        "openssl",
        "req -x509 -newkey rsa:2048 -nodes -keyout - -subj /CN=hub -days 1".split(" "),
        { stdio: ["ignore", "pipe", "ignore"] }
      )
      const server = createServer({ key: pem, cert: pem })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
        () => Effect.sync(() => server.close())
      )
      const address = server.address()
      const port = typeof address === "object" ? address?.port : undefined
      const layer = HubSession.layerPassword({
        server: `https://127.0.0.1:${port}/kojihub`,
        user: "builder1",
        password: Redacted.make("secret"),
        exclusive: "none",
        retries: patient
      }).pipe(Layer.provide(http))
      const error = yield* Effect.flip(Effect.provide(HubSession, layer))
      assert.deepInclude(error, { _tag: "HubUnavailable", method: "login" })
      assert.match(error.message, /self.signed certificate/)
      assert.notMatch(error.message, /tried/)
    })
  )

  it.effect("is given up at a hub that is too old to read sessions in headers", () =>
    Effect.gen(function* () {
      const hub = yield* FakeHub.start
      hub.plays.push(mischief.answer({ _tag: "Success", value: { "session-id": 1, "session-key": "k" } }))
      const error = yield* Effect.flip(Effect.provide(HubSession, sessionAt(hub)))
      assert.deepInclude(error, { _tag: "HubNonsense", method: "login" })
      assert.match(error.message, /older than Koji 1\.31/)
    })
  )

  it.effect("does not quote a key out of an answer that is no session", () =>
    Effect.gen(function* () {
      const hub = yield* FakeHub.start
      hub.plays.push(mischief.answer({ _tag: "Success", value: { "session-id": "x", "session-key": "tell-nobody" } }))
      const error = yield* Effect.flip(Effect.provide(HubSession, sessionAt(hub)))
      assert.strictEqual(error._tag, "HubNonsense")
      assert.notInclude(JSON.stringify(error) + String(error), "tell-nobody")
    })
  )
})

describe("a call", () => {
  it.effect("carries numbers that grow by one, keywords folded in, and brings back the value", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      assert.deepStrictEqual(yield* session.call("echo", [1, "é", null]), [1, "é", null])
      yield* session.call("echo", [], { strict: true })
      assert.deepStrictEqual(hub.received[1]?.keywords, { strict: true })
      assert.deepStrictEqual(numbers(hub), [2, 3])
    })
  )

  it.effect("fails with the hub's fault, and is not repeated", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const error = yield* Effect.flip(session.call("noSuchMethod", []))
      assert.deepInclude(error, { _tag: "HubFault", method: "noSuchMethod", code: 1000 })
      assert.strictEqual(hub.received.length, 1)
    })
  )

  const passing: ReadonlyArray<readonly [string, Mischief]> = [
    ["HTTP status 500", mischief.status(500)],
    ["HTTP status 503", mischief.status(503)],
    ["HTTP status 408", mischief.status(408)],
    ["HTTP status 429", mischief.status(429)],
    ["a web server that knows no hub there", mischief.status(404)],
    ["a web server that lets nobody in", mischief.status(403)],
    ["a web server that wants a login", mischief.status(401)],
    ["a redirect, which is not followed", mischief.status(302, { Location: "http://127.0.0.1:1/maintenance" })],
    ["a dropped connection", mischief.drop()],
    ["an answer lost on the way", mischief.dropAnswer()],
    ["half an answer", mischief.halfAnswer()],
    ["half an answer that claims to be whole", mischief.cutAnswer()],
    ["a page instead of an answer", mischief.html()],
    ["an answer that calls itself a page", mischief.wrongType()],
    ["an answer that stops", mischief.stall()],
    ["a broken compression", mischief.brokenGzip()],
    ["no XML", mischief.raw("be right back")],
    ["an answer with entities of its own", mischief.raw(entityBomb)]
  ]
  for (const [what, play] of passing) {
    it.effect(`is made again after ${what}, with the same number and bytes`, () =>
      Effect.gen(function* () {
        const { hub, session } = yield* ready()
        yield* clockTurns
        hub.plays.push(play)
        assert.deepStrictEqual(yield* session.call("echo", ["again"]), ["again"])
        assert.deepStrictEqual(numbers(hub), [2, 2])
        assert.deepStrictEqual(hub.received[0]?.body, hub.received[1]?.body)
      })
    )
  }

  it.effect("is tried again at once, then at intervals, then no more", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      yield* clockTurns
      const times: Array<number> = []
      const clock = yield* Clock.Clock
      hub.rules.set("echo", (answered, response) => {
        times.push(clock.currentTimeMillisUnsafe() / 1000)
        mischief.status(503)(answered, response)
      })
      const error = yield* Effect.flip(session.call("echo", ["x"]))
      assert.deepInclude(error, { _tag: "HubUnavailable", method: "echo" })
      assert.match(error.message, /503 \(tried 5 times\)/)
      const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0))
      assert.strictEqual(times.length, patient.retriesMax + 1)
      assert.isBelow(gaps[0] ?? 0, patient.intervalSeconds)
      for (const gap of gaps.slice(1)) assert.isAtLeast(gap, patient.intervalSeconds)
      assert.deepStrictEqual(new Set(numbers(hub)), new Set([2]))
    })
  )

  for (const status of [400, 411, 413, 414, 415, 417, 431]) {
    it.effect(`is given up at HTTP status ${status}, which is about the call itself`, () =>
      Effect.gen(function* () {
        const { hub, session } = yield* ready()
        hub.plays.push(mischief.status(status))
        const error = yield* Effect.flip(session.call("echo", []))
        assert.deepInclude(error, { _tag: "HubNonsense", method: "echo" })
        assert.match(error.message, new RegExp(String(status)))
        assert.strictEqual(hub.received.length, 1)
      })
    )
  }

  const endless: ReadonlyArray<readonly [string, Mischief, RegExp]> = [
    ["is nested without end", mischief.raw(nested(100_000)), /nested deeper than 200/],
    ["unpacks to more than anybody has asked for", mischief.packed(longText), /a text of more than/]
  ]
  for (const [what, play, words] of endless) {
    it.effect(`is given up at once when its answer ${what}, which it will be again`, () =>
      Effect.gen(function* () {
        const { hub, session } = yield* ready()
        hub.plays.push(play)
        const error = yield* Effect.flip(session.call("echo", []))
        assert.deepInclude(error, { _tag: "HubNonsense", method: "echo" })
        assert.match(error.message, words)
        assert.strictEqual(hub.received.length, 1)
        assert.deepStrictEqual(yield* session.call("echo", ["next"]), ["next"])
      })
    )
  }

  it.effect("waits for a hub that says it is offline, for as long as it says so", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      yield* clockTurns
      const offline = mischief.fault(1014, "database outage")
      hub.plays.push(...Array.from({ length: patient.retriesMax + 3 }, () => offline))
      const start = yield* Clock.currentTimeMillis
      yield* session.call("echo", [])
      const waited = ((yield* Clock.currentTimeMillis) - start) / 1000
      assert.isAtLeast(waited, (patient.retriesMax + 3) * patient.offlineIntervalSeconds)
      assert.deepStrictEqual(new Set(numbers(hub)), new Set([2]))
    })
  )

  it.effect("has all its tries again after the hub was offline", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      yield* clockTurns
      const lost = Array.from({ length: patient.retriesMax }, () => mischief.status(502))
      hub.plays.push(...lost, mischief.fault(1014, "offline"), ...lost)
      assert.deepStrictEqual(yield* session.call("echo", ["x"]), ["x"])
      assert.strictEqual(hub.received.length, 2 * patient.retriesMax + 2)
    })
  )

  it.effect("ends when there is no answer in time", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready({ retries: { ...patient, retriesMax: 0, timeoutSeconds: 300 } })
      hub.plays.push(mischief.silence())
      const call = yield* Effect.forkScoped(Effect.flip(session.call("echo", [])))
      yield* clockTurns
      const error = yield* Fiber.join(call)
      assert.deepInclude(error, { _tag: "HubUnavailable", message: "no answer within 300 s (tried 1 times)" })
    })
  )

  it.effect("reads answers that a web server has compressed", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      hub.plays.push(mischief.gzip(), mischief.deflate())
      const long = "a long text, ".repeat(10_000)
      assert.deepStrictEqual(yield* session.call("echo", [long]), [long])
      assert.deepStrictEqual(yield* session.call("echo", [long]), [long])
      assert.strictEqual(hub.received.length, 2)
    })
  )

  it.effect("waits for the one before it: one request in flight a session", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const held: Array<() => void> = []
      hub.plays.push((answered, response) => held.push(() => mischief.answer(answered())(answered, response)))
      const calls = yield* Effect.forkScoped(
        Effect.all(
          Array.from({ length: 20 }, (_, at) => session.call("echo", [at])),
          { concurrency: "unbounded" }
        )
      )
      yield* turns(200)
      assert.strictEqual(hub.received.length, 1)
      for (const release of held) release()
      const numbered = Array.from({ length: 20 }, (_, at) => at)
      assert.deepStrictEqual(
        yield* Fiber.join(calls),
        numbered.map((at) => [at])
      )
      assert.deepStrictEqual(
        numbers(hub),
        numbered.map((at) => at + 2)
      )
    })
  )

  it.effect("that is interrupted uses up its number and nothing else", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const asked = new Promise<void>((resolve) => hub.plays.push(() => resolve()))
      const call = yield* Effect.forkScoped(session.call("echo", ["never"]))
      yield* Effect.promise(() => asked)
      yield* Fiber.interrupt(call)
      assert.deepStrictEqual(yield* session.call("echo", ["next"]), ["next"])
      assert.deepStrictEqual(numbers(hub), [2, 3])
    })
  )

  it.effect("with an argument that the dialect has no room for is not made", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const error = yield* Effect.flip(session.call("echo", [2n ** 70n]))
      assert.strictEqual(error._tag, "HubNonsense")
      assert.strictEqual(hub.received.length, 0)
    })
  )
})

describe("a session that has expired", () => {
  it.effect("is renewed under its id with a new key, numbers going on, and the call made again", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      for (const row of hub.sessions.values()) row.expired = true
      assert.deepStrictEqual(yield* session.call("echo", ["x"]), ["x"])
      assert.deepStrictEqual(hub.methods, ["echo", "login", "echo"])
      assert.deepStrictEqual(numbers(hub), [2, 3, 4])
      assert.deepStrictEqual(hub.received[1]?.keywords, { opts: null, renew: true, exclusive: true })
      assert.deepStrictEqual(
        hub.received.map(({ headers }) => headers["koji-session-key"]),
        ["key-1", "key-1", "key-2"]
      )
    })
  )

  it.effect("is renewed once; expired again at once, the fault is told", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const expired = mischief.fault(1007, "session expired")
      hub.plays.push(expired, null, expired)
      const error = yield* Effect.flip(session.call("echo", ["x"]))
      assert.deepInclude(error, { _tag: "HubFault", code: 1007 })
      assert.deepStrictEqual(hub.methods, ["echo", "login", "echo"])
    })
  )

  it.effect("is renewed though the first try of that fails", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      hub.plays.push(mischief.fault(1007, "session expired"), mischief.status(502))
      assert.deepStrictEqual(yield* session.call("echo", ["x"]), ["x"])
      assert.deepStrictEqual(numbers(hub), [2, 3, 3, 4])
    })
  )

  it.effect("is replaced at a hub that cannot renew, the lock taken again and calls counted from the beginning", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      for (const row of hub.sessions.values()) row.expired = true
      hub.plays.push(null, mischief.fault(1007, 'session "11" has expired'))
      assert.deepStrictEqual(yield* session.call("echo", ["x"]), ["x"])
      assert.deepStrictEqual(hub.methods, ["echo", "login", "login", "exclusiveSession", "echo"])
      const [, , login, exclusive, echo] = hub.received
      assert.isUndefined(login?.headers["koji-session-id"])
      assert.deepStrictEqual(login?.keywords, { opts: null })
      assert.deepStrictEqual(exclusive?.keywords, { force: false })
      const callOf = (received: typeof echo) => [
        received?.headers["koji-session-id"],
        received?.headers["koji-session-callnum"]
      ]
      assert.deepStrictEqual(
        [callOf(exclusive), callOf(echo)],
        [
          [`${session.id}`, "0"],
          [`${session.id}`, "1"]
        ]
      )
    })
  )

  it.effect("is not replaced at such a hub where somebody else has the lock: it was taken from us, for good", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      for (const row of hub.sessions.values()) row.expired = true
      hub.plays.push(null, mischief.fault(1007, 'session "11" has expired'))
      hub.rules.set("exclusiveSession", mischief.fault(1006, "Cannot get exclusive session"))
      const error = yield* Effect.flip(session.call("echo", ["x"]))
      assert.strictEqual(endOfSession(error), "stolen")
      hub.rules.clear()
    })
  )

  it.effect("below another is replaced by another one below it at a hub that cannot renew", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const below = yield* session.subsession
      const row = hub.sessions.get(below.id)
      if (row !== undefined) row.expired = true
      hub.received.length = 0
      hub.plays.push(null, mischief.fault(1007, 'session "12" has expired'))
      assert.deepStrictEqual(yield* below.call("echo", ["x"]), ["x"])
      assert.deepStrictEqual(hub.methods, ["echo", "login", "subsession", "echo"])
    })
  )

  it.effect("below another is renewed without asking for a lock of its own", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const below = yield* session.subsession
      const row = hub.sessions.get(below.id)
      if (row !== undefined) row.expired = true
      yield* below.call("echo", ["x"])
      assert.deepStrictEqual(hub.calls("login").at(-1)?.keywords, { opts: null, renew: true, exclusive: false })
    })
  )

  it.effect("cannot be renewed when the one above it is gone", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      hub.plays.push(mischief.fault(1007, "session expired"), mischief.answer({ _tag: "Success", value: null }))
      const error = yield* Effect.flip(session.call("echo", []))
      assert.deepInclude(error, { _tag: "HubFault", method: "login", code: 1002 })
    })
  )

  it.effect("is told by its fault when the hub takes neither key nor number", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      for (const row of hub.sessions.values()) row.key = "another"
      assert.deepInclude(yield* Effect.flip(session.call("echo", [])), { _tag: "HubFault", code: 1002 })
      for (const row of hub.sessions.values()) Object.assign(row, { key: "key-1", lastNumber: 900 })
      assert.deepInclude(yield* Effect.flip(session.call("echo", [])), { _tag: "HubFault", code: 1008 })
      assert.strictEqual(hub.received.length, 2)
    })
  )
})

describe("a subsession", () => {
  it.effect("has its own id, key, numbers and turn, and ends with its scope", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const scope = yield* Scope.make()
      const below = yield* Scope.provide(session.subsession, scope)
      assert.strictEqual(below.id, 12)
      // The master's call hangs; the subsession's goes through.
      const asked = new Promise<void>((resolve) => hub.plays.push(() => resolve()))
      const hanging = yield* Effect.forkScoped(session.call("echo", []))
      yield* Effect.promise(() => asked)
      assert.deepStrictEqual(yield* below.call("echo", ["below"]), ["below"])
      assert.deepInclude(hub.received.at(-1)?.headers, { "koji-session-id": "12", "koji-session-callnum": "0" })
      yield* Fiber.interrupt(hanging)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(hub.methods, ["subsession", "echo", "echo", "logout"])
      assert.deepStrictEqual([...hub.sessions.keys()], [11])
    })
  )

  it.effect("renews itself", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const below = yield* session.subsession
      Object.assign(hub.sessions.get(12) ?? {}, { expired: true })
      assert.deepStrictEqual(yield* below.call("echo", ["x"]), ["x"])
      assert.strictEqual(hub.calls("login")[0]?.headers["koji-session-id"], "12")
    })
  )

  for (const [what, play] of [
    ["refuses", mischief.fault(1000, "no")],
    ["drops the connection", mischief.drop()],
    ["says nothing", mischief.silence()]
  ] as const) {
    it.effect(`does not fail to end when the hub ${what}`, () =>
      Effect.gen(function* () {
        const { hub, session } = yield* ready()
        yield* clockTurns
        hub.rules.set("logout", play)
        yield* Effect.scoped(session.subsession)
        assert.deepStrictEqual(hub.methods, ["subsession", "logout"])
        hub.rules.clear()
      })
    )
  }

  it.effect("is logged out when whoever holds it is interrupted", () =>
    Effect.gen(function* () {
      const { hub, session } = yield* ready()
      const held = yield* Deferred.make<void>()
      const holding = Effect.andThen(
        session.subsession,
        Effect.andThen(Deferred.succeed(held, undefined), Effect.never)
      )
      const fiber = yield* Effect.forkScoped(Effect.scoped(holding))
      yield* Deferred.await(held)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(hub.methods, ["subsession", "logout"])
      assert.isFalse(hub.sessions.has(12))
    })
  )
})

describe("secrets", () => {
  it.effect("are in no span", () => {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Effect.gen(function* () {
      const { session } = yield* ready()
      yield* session.call("echo", ["x"])
      assert.isTrue(spans.some(({ name }) => name === "HubSession.call"))
      for (const { name, attributes } of spans) {
        assert.notMatch(`${name} ${JSON.stringify([...attributes])}`, /key-1|secret/)
      }
    }).pipe(Effect.withTracer(tracer))
  })

  it.effect("are not in the lines of --debug-xmlrpc, which tell of every call and how it ended", () => {
    const lines: Array<string> = []
    const logger = Logger.make((entry) => void lines.push(String(entry.message)))
    return Effect.gen(function* () {
      const { hub, session } = yield* ready()
      for (const value of [["a", "b"], "text", { one: 1 }, null, 7, true]) {
        hub.rules.set("getTaskInfo", mischief.raw(encodeAnswer(success(value))))
        yield* session.call("getTaskInfo", [4711])
      }
      hub.rules.set("getTaskInfo", mischief.fault(1000, "no such task"))
      yield* Effect.flip(session.call("getTaskInfo", [4711]))
      assert.deepStrictEqual(lines, [
        ...["login: 3 members", "exclusiveSession: nothing", "echo: 1 items"].map((line) => `hub: ${line}`),
        ...["2 items", "4 characters", "1 members", "nothing", "a number", "a boolean", "fault 1000: no such task"].map(
          (line) => `hub: getTaskInfo: ${line}`
        )
      ])
    }).pipe(
      Effect.scoped,
      Effect.provideService(LogsCalls, true),
      Effect.provideService(References.MinimumLogLevel, "Error"),
      Effect.provide(Logger.layer([logger]))
    )
  })

  it.effect("are in no error and in no log", () => {
    const lines: Array<string> = []
    const logger = Logger.make((entry) => void lines.push(JSON.stringify(entry.message)))
    return Effect.gen(function* () {
      const { hub, session } = yield* ready()
      yield* clockTurns
      const errors: Array<string> = []
      for (const play of [mischief.status(503), mischief.drop(), mischief.html(), mischief.raw("<x")]) {
        hub.rules.set("echo", play)
        const error = yield* Effect.flip(session.call("echo", []))
        errors.push(JSON.stringify(error), String(error), error.message)
      }
      assert.isAbove(lines.length, 4)
      for (const text of [...lines, ...errors, JSON.stringify(session)]) assert.notMatch(text, /key-1|secret/)
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})
