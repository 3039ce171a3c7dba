/**
 * Our calls against the recorded ones: asked for the same thing, each must put its arguments as kojid put them, and
 * must read what the hub answered then.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as buildroots from "../../src/hub/calls/buildroots.ts"
import * as builds from "../../src/hub/calls/builds.ts"
import * as host from "../../src/hub/calls/host.ts"
import * as hosts from "../../src/hub/calls/hosts.ts"
import * as repos from "../../src/hub/calls/repos.ts"
import { getSessionInfo } from "../../src/hub/calls/session.ts"
import * as tags from "../../src/hub/calls/tags.ts"
import * as tasks from "../../src/hub/calls/tasks.ts"
import { getUser } from "../../src/hub/calls/users.ts"
import { type HubError, HubFault } from "../../src/hub/HubError.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { isStruct, splitKeywords, withKeywords } from "../../src/hub/Keywords.ts"
import type { Answer, Struct, Value } from "../../src/hub/Value.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { everyPhase, transcript } from "./Transcripts.ts"

const int = Schema.decodeUnknownSync(Schema.Int)
const float = Schema.decodeUnknownSync(Schema.Finite)
const text = Schema.decodeUnknownSync(Schema.String)
const flag = Schema.decodeUnknownSync(Schema.Boolean)
const ints = Schema.decodeUnknownSync(Schema.Array(Schema.Int))
const texts = Schema.decodeUnknownSync(Schema.Array(Schema.String))
const orNull = Schema.decodeUnknownSync(Schema.NullOr(Schema.Int))
const logs = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Array(Schema.String)))
const state = Schema.decodeUnknownSync(Schema.Literals(["BUILDING", "EXPIRED"]))
const list = (value: Value | undefined): ReadonlyArray<Value> => {
  assert.isTrue(Array.isArray(value))
  return Array.isArray(value) ? value : []
}
const struct = (value: Value | undefined): Struct => {
  assert.isTrue(isStruct(value))
  return isStruct(value) ? value : {}
}
const document = (value: Value | undefined): Answer => Result.getOrThrow(decodeAnswer(text(value)))

type Call = Effect.Effect<unknown, HubError, HubSession>

/** Our call for the recorded arguments; undefined for a form that kojid has a use for and we have not. */
const ours: Readonly<Record<string, (p: ReadonlyArray<Value>, k: Struct) => Call | undefined>> = {
  getAverageBuildDuration: (p, k) => builds.getAverageBuildDuration(text(p[0]), { age: int(k["age"]) }),
  getBuild: (p, k) => (k["strict"] === true ? builds.getBuild(int(p[0])) : builds.findBuild(int(p[0]))),
  getBuildConfig: (p, k) => tags.getBuildConfig(int(p[0]), "event" in k ? { event: int(k["event"]) } : {}),
  getBuildTarget: (p, k) => tags.getBuildTarget(text(p[0]), { event: orNull(k["event"]) }),
  getChannel: (p) => host.getChannel(p[0] ?? null),
  getChangelogEntries: (p, k) => builds.getChangelogEntries(int(p[0]), { queryOpts: struct(k["queryOpts"]) }),
  getExternalRepoList: (p, k) => tags.getExternalRepoList(int(p[0]), { event: int(k["event"]) }),
  getFullInheritance: (p) => tags.getFullInheritance(int(p[0])),
  getHost: (p) => hosts.findHost(int(p[0])),
  getLastEvent: () => repos.getLastEvent(),
  getPackageConfig: (p, k) => tags.getPackageConfig(int(p[0]), text(p[1]), { event: int(k["event"]) }),
  getRepo: (p, k) => (Object.keys(k).length === 0 ? repos.getRepo(int(p[0])) : undefined),
  getSessionInfo: () => getSessionInfo(),
  getTag: (p, k) =>
    k["strict"] === true ? tags.getTag(p[0] ?? null, "event" in k ? { event: orNull(k["event"]) } : {}) : undefined,
  getTaskChildren: (p) => tasks.getTaskChildren(int(p[0])),
  getTaskInfo: (p, k) => {
    if (Array.isArray(p[0])) return tasks.getTaskInfos(ints(p[0]))
    return k["strict"] === true ? undefined : tasks.getTaskInfo(int(p[0]), { request: k["request"] === true })
  },
  getTaskRequest: (p) => tasks.getTaskRequest(int(p[0])),
  getTaskResult: (p) => tasks.getTaskResult(int(p[0])),
  getUser: (p) => getUser(int(p[0])),
  listHosts: (_, k) => host.listHosts({ enabled: flag(k["enabled"]), channelID: int(k["channelID"]) }),
  listTaskOutput: (p) => tasks.listTaskOutput(int(p[0])),
  listBuildroots: (_, k) =>
    buildroots.listBuildroots(
      "hostID" in k ? { hostID: int(k["hostID"]), state: ints(k["state"]) } : { buildrootID: ints(k["buildrootID"]) }
    ),
  taskFinished: (p) => tasks.taskFinished(int(p[0])),
  "repo.checkRequest": (p) => repos.checkRepoRequest(int(p[0])),
  "repo.request": (p, k) => repos.requestRepo(int(p[0]), { minEvent: orNull(k["min_event"]) }),
  repoInfo: (p) => repos.repoInfo(int(p[0])),
  "host.assertPolicy": (p) => host.assertPolicy(text(p[0]), struct(p[1])),
  "host.closeTask": (p) => {
    const answer = document(p[1])
    return answer._tag === "Success" ? host.closeTask(int(p[0]), answer.value) : undefined
  },
  "host.completeBuild": (p, k) =>
    builds.completeBuild(int(p[0]), int(p[1]), text(p[2]), texts(p[3]), struct(p[4]), { logs: logs(k["logs"]) }),
  "host.failBuild": (p) => builds.failBuild(int(p[0]), int(p[1])),
  "host.failTask": (p) => {
    const answer = document(p[1])
    return answer._tag === "Fault" ? host.failTask(int(p[0]), answer) : undefined
  },
  "host.freeTasks": (p) => host.freeTasks(ints(p[0])),
  "host.getHost": () => host.getHost(),
  "host.getHostTasks": () => host.getHostTasks(),
  "host.getID": () => host.getID(),
  "host.getTasks": () => host.getTasks(),
  "host.initBuild": (p) => builds.initBuild(struct(p[0])),
  "host.moveBuildToScratch": (p, k) =>
    builds.moveBuildToScratch(int(p[0]), text(p[1]), texts(p[2]), { logs: logs(k["logs"]) }),
  "host.newBuildRoot": (p, k) => buildroots.newBuildRoot(int(p[0]), text(p[1]), int(k["task_id"])),
  "host.openTask": (p) => host.openTask(int(p[0])),
  "host.refuseTask": (p, k) => host.refuseTask(int(p[0]), { soft: flag(k["soft"]), message: text(k["msg"]) }),
  "host.repoDone": (p) => repos.repoDone(int(p[0]), struct(p[1])),
  "host.repoInit": (p, k) =>
    repos.repoInit(int(p[0]), { opts: struct(k["opts"]), taskId: int(k["task_id"]), event: null }),
  "host.setBuildRootList": (p) => buildroots.setBuildRootList(int(p[0]), list(p[1]).map(struct)),
  // Its maintenance sends numbers, its tasks names: the hub takes both.
  "host.setBuildRootState": (p) =>
    typeof p[1] === "number" ? undefined : buildroots.setBuildRootState(int(p[0]), state(p[1])),
  "host.setTaskWeight": (p) => host.setTaskWeight(int(p[0]), float(p[1])),
  // Its test tasks give positional arguments.
  "host.subtask": (p, k) =>
    p.length > 0
      ? undefined
      : tasks.subtask({
          method: text(k["method"]),
          arglist: list(k["arglist"]),
          parent: int(k["parent"]),
          ...("label" in k ? { label: text(k["label"]) } : {}),
          ...("arch" in k ? { arch: text(k["arch"]) } : {})
        }),
  "host.tagBuild": (p, k) =>
    builds.tagBuild(int(p[0]), int(p[1]), int(p[2]), {
      force: k["force"] === null ? null : flag(k["force"]),
      fromtag: orNull(k["fromtag"])
    }),
  "host.tagNotification": (p) =>
    builds.tagNotification(flag(p[0]), int(p[1]), orNull(p[2]), int(p[3]), int(p[4]), flag(p[5]), ""),
  "host.taskSetWait": (p) => tasks.taskSetWait(int(p[0]), ints(p[1])),
  "host.taskWait": (p) => tasks.taskWait(int(p[0])),
  "host.taskWaitResults": (p, k) =>
    tasks.taskWaitResults(int(p[0]), ints(p[1]), k["canfail"] === null ? null : ints(k["canfail"])),
  "host.updateBuildRootList": (p) => buildroots.updateBuildRootList(int(p[0]), list(p[1]).map(struct)),
  "host.updateHost": (p, k) =>
    "data" in k
      ? host.updateHost(float(p[0]), flag(p[1]), struct(k["data"]))
      : host.updateHost(float(k["task_load"]), flag(k["ready"]))
}

/** Of tasks that this builder does not run: `distRepo` and `createdistrepo`. */
const tasksNotHere: ReadonlySet<string> = new Set(["E task28", "E task30"])

/** The session's own calls, which its tests are about. */
const notHere = [
  ["sslLogin", "exclusiveSession", "echo", "subsession", "logout", "logoutChild", "checkUpload"],
  ["rawUpload"]
].flat()

/** Results travel as documents inside of documents: compared by what they say. */
const meaning = (params: ReadonlyArray<Value>): unknown =>
  params.map((param) => (typeof param === "string" && param.startsWith("<?xml") ? document(param) : param))

describe("our calls and the recorded ones", () => {
  const seen = new Map<string, number>()
  for (const phase of everyPhase.filter((phase) => phase !== "session-faults")) {
    it.effect(`are alike in transcript ${phase}`, () =>
      Effect.gen(function* () {
        for (const recorded of transcript(phase)) {
          const { method, request, response, n, session: whose } = recorded
          if (notHere.includes(method) || tasksNotHere.has(`${phase} ${whose}`)) continue
          const { params } = Result.getOrThrow(decodeCall(request ?? ""))
          const { positional, keywords } = splitKeywords(params)
          assert.property(ours, method)
          const call = ours[method]?.(positional, keywords)
          if (call === undefined) continue
          const sent: Array<{ readonly method: string; readonly params: ReadonlyArray<Value> }> = []
          const answer = Result.getOrThrow(decodeAnswer(response))
          const session = HubSession.of({
            id: 1,
            call: (called, given, named) => {
              const document = encodeCall({ method: called, params: withKeywords(given, named) })
              sent.push(Result.getOrThrow(decodeCall(document)))
              return answer._tag === "Success"
                ? Effect.succeed(answer.value)
                : new HubFault({ method: called, code: answer.code, message: answer.message })
            },
            upload: () => Effect.die("no uploads here"),
            subsession: Effect.die("no subsessions here")
          })
          const result = yield* Effect.result(Effect.provideService(call, HubSession, session))
          assert.deepStrictEqual(
            sent.map((one) => [one.method, meaning(one.params)]),
            [[method, meaning(params)]],
            `request ${n}`
          )
          if (Result.isFailure(result))
            assert.strictEqual(answer._tag, "Fault", `answer ${n}: ${result.failure.message}`)
          else assert.strictEqual(answer._tag, "Success")
          seen.set(method, (seen.get(method) ?? 0) + 1)
        }
      })
    )
  }

  it("were all compared at least once", () => {
    for (const method of Object.keys(ours)) {
      assert.isAbove(seen.get(method) ?? 0, 0, method)
    }
  })
})
