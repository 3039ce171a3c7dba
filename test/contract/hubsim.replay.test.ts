import { mkdirSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { isStruct, splitKeywords, withKeywords } from "../../src/hub/Keywords.ts"
import type { Answer, Struct, Value } from "../../src/hub/Value.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { asUser } from "../../src/hubsim/Dispatcher.ts"
import type { RunningHub } from "../../src/hubsim/HubSim.ts"
import { runScheduler } from "../../src/hubsim/Scheduler.ts"
import { seedBuilds, seedPackages } from "../../src/hubsim/Seed.ts"
import { builderLogin, get, login, post, type Session } from "../hubsim/Client.ts"
import { freshHub, freshTopdir } from "../hubsim/Hub.ts"
import { rpmFile, rpmName } from "../hubsim/RpmFile.ts"
import {
  answersTo,
  askForTasks,
  countFrom,
  type Exchange,
  exchanges,
  fillPast,
  isKept,
  uploadBytes
} from "./HubReplay.ts"
import { transcript } from "./Transcripts.ts"

/** Compared by type only: times, keys, what depends on bytes that are not kept, and the count of events. */
const looseKeys =
  /(_time|_ts|^ts|_event|_event_id|mtime|^date|^session-(id|key)|^authtype|^callnum|hash|^buildtime|^query_event)$/

/** Answered otherwise on purpose: this hub does not read changelogs. */
const notCompared = new Set(["getChangelogEntries", "sslLogin"])

/** Sent while an updateHost was under way, recorded after it, answered before it. */
const overtaken = new Set([1186, 1859])

const kind = (value: Value | undefined): string =>
  value === null ? "nil" : Array.isArray(value) ? "array" : typeof value

/** In the order of ids: without ORDER BY, PostgreSQL returns rows as it likes. */
const sorted = (items: ReadonlyArray<Value>): ReadonlyArray<Value> =>
  items.every((item) => isStruct(item) && typeof item["id"] === "number")
    ? items.toSorted((a, b) => Number(Object(a).id) - Number(Object(b).id))
    : items

/** A task's request is a document; how its writer lays it out is no matter. */
const isRequest = (value: Value | undefined): value is string => typeof value === "string" && value.startsWith("<?xml")

/** Where two answers differ, as paths; nothing when they say the same. */
const differences = (
  ours: Value | undefined,
  theirs: Value | undefined,
  path: string,
  loose: boolean
): ReadonlyArray<string> => {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return [`${path}: ${JSON.stringify(ours)} for ${JSON.stringify(theirs)}`]
    const [left, right] = [sorted(ours), sorted(theirs)]
    return left.flatMap((item, at) => differences(item, right[at], `${path}[${at}]`, loose))
  }
  if (isStruct(ours) && isStruct(theirs)) {
    const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort()
    return names.flatMap((name) =>
      differences(ours[name], theirs[name], `${path}.${name}`, loose || looseKeys.test(name))
    )
  }
  if (isRequest(ours) && isRequest(theirs)) {
    const [left, right] = [ours, theirs].map((text) => Object(decodeCall(text)).success)
    return [
      ...differences(left.method, right.method, `${path}.method`, loose),
      ...differences(left.params, right.params, `${path}.params`, loose)
    ]
  }
  const [one, other] = loose ? [kind(ours), kind(theirs)] : [JSON.stringify(ours), JSON.stringify(theirs)]
  return one === other ? [] : [`${path}: ${JSON.stringify(ours)} for ${JSON.stringify(theirs)}`]
}

/** All but E, since this hub makes no dist-repos: its parts that are run here are in the others. */
const phasesPlayed = ["A", "B", "C", "D", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O"] as const

/** What an administrator did, by the number of the next recorded call. */
const meanwhile: Readonly<Record<number, Struct>> = {
  1482: { method: "cancelTask", task: 37 },
  1988: { method: "cancelTask", task: 50 }
}

/** A channel for one builder, made by an administrator while other things were tried. */
const channelOfJ = { id: 9, name: "only-b2", host: "builder2" }

const initialPackages = Effect.gen(function* () {
  const directory = `${yield* freshTopdir}/rpms`
  mkdirSync(directory)
  for (const name of ["bash", "gcc", "make", "rpm-build"]) {
    for (const arch of ["src", "noarch"]) {
      const rpm = { name, version: "1.0", release: "1", arch }
      writeFileSync(`${directory}/${rpmName(rpm)}`, rpmFile(rpm))
    }
  }
  return directory
})

describe("the embedded hub, asked what a real hub was asked", () => {
  it.effect(
    "answers as it did",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const phases = yield* Effect.forEach(phasesPlayed, (phase) => exchanges(transcript(phase)))
          yield* TestClock.setTime(Number(Object(phases[0]?.[0]?.recorded).at) * 1000 - 60_000)
          const running = yield* freshHub({
            options: {
              runIntervalSeconds: 1e9,
              notifications: true,
              emailDomain: "localhost.localdomain",
              webUrl: "https://localhost:8443/koji"
            }
          })
          yield* seedPackages(running.hub, "dist-test", ["hello"])
          yield* seedBuilds(running.hub, { directory: yield* initialPackages, tag: "dist-test" })
          const { id: channel, name, host } = channelOfJ
          const { db } = running.hub
          db.insert("channels", { id: channel, name })
          db.run(
            `INSERT INTO host_channels (host_id, channel_id, create_event)
              SELECT host.id, ?, (SELECT max(id) FROM events) FROM host WHERE name = ?`,
            channel,
            host
          )
          const replay = makeReplay(running)
          // Nothing is left out without its being said here.
          assert.isAbove(phases.flat().length, 1800)
          const problems = yield* Effect.forEach(phases, replay)
          assert.deepStrictEqual(problems.flat(), [])
        })
      ),
    { timeout: 120_000 }
  )
})

/** Plays a phase and returns where the hub answered otherwise than it should have. */
const makeReplay = ({ url, hub }: RunningHub) => {
  const sessions = new Map<string, Session>()
  const events = new Map<number, number>()

  const translated = (value: Value): Value => {
    if (typeof value !== "number") return value
    return events.get(value) ?? value
  }

  /** Events and sessions are called by other numbers here. */
  const params = ({ call }: Exchange): ReadonlyArray<Value> => {
    const { positional, keywords } = splitKeywords(call?.params ?? [])
    const given = Object.entries(keywords).map(([name, value]): [string, Value] => [
      name,
      /^(min_)?event$/.test(name) ? translated(value) : value
    ])
    const first = positional[0]
    const child = call?.method === "logoutChild" ? [sessions.get(`${first}`)?.id ?? 0] : positional
    return withKeywords(child, Object.fromEntries(given))
  }

  const ask = Effect.fnUntraced(function* (exchange: Exchange) {
    const { recorded, call } = exchange
    const id = recorded.requestHeaders["Koji-Session-Id"]
    if (id !== undefined && !sessions.has(id)) sessions.set(id, yield* builderLogin(url, "builder2"))
    const session = id === undefined ? undefined : sessions.get(id)
    const callnum = recorded.requestHeaders["Koji-Session-Callnum"]
    const headers: Record<string, string> =
      session === undefined
        ? {}
        : {
            "Koji-Session-Id": `${session.id}`,
            "Koji-Session-Key": session.key,
            ...(callnum === undefined ? {} : { "Koji-Session-Callnum": callnum })
          }
    if (call?.method === "sslLogin") return yield* remember(exchange, yield* login(url, "builder2"))
    const reply = yield* call === null
      ? post(`${url}?${recorded.query}`, uploadBytes(recorded), {
          ...headers,
          "Content-Type": "application/octet-stream"
        })
      : post(url, encodeCall({ method: call.method, params: params(exchange) }), headers)
    const answer = yield* Effect.fromResult(decodeAnswer(reply.text)).pipe(Effect.orDie)
    if (call?.method === "subsession" && answer._tag === "Success") {
      const { "session-id": ourId, "session-key": key } = Object(answer.value)
      yield* remember(exchange, { id: ourId, key, callnum: 0 })
    }
    return answer
  })

  const remember = (exchange: Exchange, session: Session) =>
    Effect.sync((): Answer => {
      const recorded = exchange.answer._tag === "Success" ? Object(exchange.answer.value) : {}
      sessions.set(`${recorded["session-id"]}`, session)
      return exchange.answer
    })

  /** Pairs of event numbers, found where the same member of two answers has one. */
  const learn = (ours: Value | undefined, theirs: Value | undefined, name = ""): void => {
    if (Array.isArray(ours) && Array.isArray(theirs)) for (const [at, item] of ours.entries()) learn(item, theirs[at])
    else if (isStruct(ours) && isStruct(theirs))
      for (const key of Object.keys(theirs)) learn(ours[key], theirs[key], key)
    else if (/(_event|_event_id)$/.test(name) && typeof ours === "number" && typeof theirs === "number")
      events.set(theirs, ours)
  }

  /** What must have happened before the hub could answer so. */
  const prepare = Effect.fnUntraced(function* ({ recorded, call, answer }: Exchange, phase: ReadonlyArray<Exchange>) {
    const doing = meanwhile[recorded.n]
    if (doing !== undefined) {
      const admin = yield* login(url, "kojiadmin")
      yield* get(url, admin, { method: `${doing["method"]}`, params: [doing["task"] ?? null] })
    }
    if (call === null || answer._tag === "Fault") return
    if (call.method === "host.getHost") {
      const { enabled } = Object(answer.value)
      const admin = yield* login(url, "kojiadmin")
      const now = Object(yield* get(url, admin, { method: "getHost", params: ["builder2"] })).enabled
      const change = enabled ? "enableHost" : "disableHost"
      if (now !== enabled) yield* get(url, admin, { method: change, params: ["builder2"] })
    }
    if (call.method === "host.subtask") askForTasks(hub.db, phase, Number(answer.value) - 1)
    if (call.method === "host.getTasks" && Array.isArray(answer.value) && answer.value.length > 0) {
      const ids = answer.value.map((task: Value) => Number(Object(task).id))
      askForTasks(hub.db, phase, Math.max(...ids))
      const assigned = "SELECT 1 FROM task WHERE id = ? AND state = 4"
      if (!ids.every((id) => hub.db.has(assigned, id))) yield* asUser(hub, null, runScheduler(true))
    }
  })

  return Effect.fnUntraced(function* (phase: ReadonlyArray<Exchange>) {
    const problems: Array<string> = []
    const began = Number(Object(phase[0]?.recorded).at)
    fillPast(hub.db, phase, began)
    const given = answersTo(phase, "host.getTasks").flatMap((tasks) => (Array.isArray(tasks) ? tasks : []))
    countFrom(hub.db, "task", Math.min(...given.map((task: Value) => Number(Object(task).id))))
    countFrom(hub.db, "build", Math.min(...answersTo(phase, "host.initBuild").map(Number)))
    for (const exchange of phase) {
      const { recorded, call, answer: theirs } = exchange
      yield* TestClock.setTime(Number(Object(recorded).at) * 1000)
      yield* prepare(exchange, phase)
      const ours = yield* ask(exchange)
      const what = `${recorded.n} ${recorded.method}`
      if (ours._tag === "Fault" || theirs._tag === "Fault") {
        if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
          problems.push(`${what}: ${JSON.stringify(ours)} for ${JSON.stringify(theirs)}`)
        }
        continue
      }
      learn(ours.value, theirs.value)
      if (call?.method === "host.repoInit")
        learn({ a_event: Object(ours.value)[1] }, { a_event: Object(theirs.value)[1] })
      if (call?.method === "getLastEvent")
        learn({ a_event: Object(ours.value).id }, { a_event: Object(theirs.value).id })
      if (notCompared.has(recorded.method) || overtaken.has(recorded.n)) continue
      problems.push(...differences(ours.value, theirs.value, what, looseAnswer(exchange)))
    }
    return problems
  })
}

/** Answers whose every part is compared by type: sizes and digests of bytes that are not kept, averages, event ids. */
const looseAnswer = ({ call, recorded }: Exchange): boolean =>
  ["host.repoInit", "getLastEvent", "getAverageBuildDuration", "checkUpload"].includes(call?.method ?? "") ||
  (call === null && !isKept(recorded))
