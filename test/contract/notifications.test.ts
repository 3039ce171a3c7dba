/**
 * Notification tasks as kojid ran them: our handlers, given the same task, ask the same of the hub in the same order, are
 * answered as kojid was, and close the task with the same words. The mail itself nobody recorded.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Result } from "effect"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { Door, type World } from "../../src/buildroot/World.ts"
import { TaskId } from "../../src/core/Ids.ts"
import { HubFault } from "../../src/hub/HubError.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { isStruct, withKeywords } from "../../src/hub/Keywords.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { parametersOf } from "../../src/koji/TaskParameters.ts"
import { type Mail, Mailer } from "../../src/mail/Mailer.ts"
import { taskType } from "../../src/tasks/Registry.ts"
import { builderSettings } from "../buildroot/settings.ts"
import { type RecordedCall, tagNotificationOfE, transcript } from "./Transcripts.ts"

const settings = builderSettings(
  { directory: "/nonexistent", instance: "b1b1b1b1b1b1", image: "none", bootId: "" },
  { topUrls: ["http://hub/kojifiles"] }
)

const answerOf = (recorded: RecordedCall) => Result.getOrThrow(decodeAnswer(recorded.response))
const callOf = (recorded: RecordedCall) => Result.getOrThrow(decodeCall(recorded.request ?? ""))

/** The task of this method that kojid opened, and what it asked for in the task's own session. */
const recordedTask = (phase: Parameters<typeof transcript>[0], method: string) => {
  const calls = transcript(phase)
  for (const call of calls) {
    if (call.method !== "host.openTask") continue
    const answer = answerOf(call)
    if (answer._tag !== "Success" || !isStruct(answer.value) || answer.value["method"] !== method) continue
    const id = Number(answer.value["id"])
    const { params } = Result.getOrThrow(decodeCall(String(answer.value["request"])))
    return { id, params, asked: calls.filter(({ session }) => session === `task${id}`) }
  }
  throw new Error(`no ${method} in ${phase}`)
}

/** Runs the handler against what was recorded. */
const rerun = (phase: Parameters<typeof transcript>[0], method: string) =>
  Effect.gen(function* () {
    const { id, params, asked } = recordedTask(phase, method)
    const rest = [...asked]
    const sent: Array<Mail> = []
    const session = HubSession.of({
      id: 1,
      call: (called, given, keywords) =>
        Effect.suspend(() => {
          const next = rest.shift()
          if (next === undefined) return Effect.die(new Error(`${called}: kojid asked for nothing more`))
          const ours = Result.getOrThrow(
            decodeCall(encodeCall({ method: called, params: withKeywords(given, keywords) }))
          )
          assert.deepStrictEqual(ours, callOf(next), `request ${next.n}`)
          const answer = answerOf(next)
          return answer._tag === "Success"
            ? Effect.succeed(answer.value)
            : Effect.fail(new HubFault({ method: called, code: answer.code, message: answer.message }))
        }),
      upload: () => Effect.die("no uploads here"),
      subsession: Effect.die("no subsessions here")
    })
    const mailer = Mailer.of({
      from: "Koji Build System <buildsys@example.com>",
      send: (mail) => Effect.sync(() => void sent.push(mail))
    })
    const world = Context.make(HubSession, session).pipe(
      Context.add(Mailer, mailer),
      Context.add(BuilderSettings, settings),
      // A notification has no use for the rest of the world.
      (known) => known as Context.Context<never> as Context.Context<World>
    )
    const door = Door.of({
      step: (_, __, work) => Effect.provideContext(work, world),
      here: (_, __, work) => Effect.provideContext(work, world),
      note: () => Effect.void
    })
    const type = taskType(method)
    if (type === undefined) return assert.fail(`${method} is not run here`)
    const parameters = Result.getOrThrow(parametersOf(method, params))
    const { value } = yield* type
      .handler({ id: TaskId.make(id), method, arch: "noarch", parameters })
      .pipe(Effect.provideService(Door, door))
    const [close, logout] = rest
    assert.deepStrictEqual([close?.method, logout?.method, rest.length], ["host.closeTask", "logout", 2])
    const [, document] = close === undefined ? [] : callOf(close).params
    assert.deepStrictEqual(Result.getOrThrow(decodeAnswer(String(document))), { _tag: "Success", value })
    assert.strictEqual(sent.length, 1)
    const [mail] = sent
    assert.deepStrictEqual(mail?.recipients, ["kojiadmin@localhost.localdomain"])
    assert.match(mail?.message ?? "", /^([^\r\n]*\r\n)+$/, "every line ends with CR and LF")
    return (mail?.message ?? "")
      .replace(/^(Started|Finished): (.*)$/gm, (_, label: string, time: string) => {
        assert.match(time, /^\w{3}, \d\d \w{3} 2026 \d\d:\d\d:\d\d \S+$/)
        return `${label}: TIME`
      })
      .replaceAll("\r", "")
      .split("\n")
  })

const built = "http://hub/kojifiles/packages/hello/1.0/1"

describe("the notifications that kojid sent", () => {
  it.effect("are sent of a build that went well", () =>
    Effect.gen(function* () {
      const lines = yield* rerun("B", "buildNotification")
      const webUrl = lines
        .find((line) => line.startsWith("Task Info: "))
        ?.replace(/^Task Info: (.*)\/taskinfo.*$/, "$1")
      const file = (task: number, name: string) => `  ${webUrl}/getfile?taskID=${task}&name=${name}&volume=DEFAULT`
      const logs = (task: number, names: string) => names.split(" ").map((name) => file(task, `${name}.log`))
      assert.deepStrictEqual(lines, [
        "From: Koji Build System <buildsys@example.com>",
        "Subject: Package: hello-1.0-1 Tag: dist-test Status: complete Built by: kojiadmin",
        "To: kojiadmin@localhost.localdomain",
        "X-Koji-Tag: dist-test",
        "X-Koji-Package: hello",
        "X-Koji-Builder: kojiadmin",
        "X-Koji-Status: complete",
        "X-Koji-Draft: False",
        "",
        "Package: hello-1.0-1",
        "Tag: dist-test",
        "Status: complete",
        "Built by: kojiadmin",
        "ID: 5",
        "Started: TIME",
        "Finished: TIME",
        "Changelog:",
        "* Mon Nov 02 2026 Tester <tester@example.invalid> - 1.0-1",
        "- initial",
        "",
        "",
        "",
        "SRPMS:",
        "  hello-1.0-1.src.rpm",
        "",
        "Closed tasks:",
        "-------------",
        "",
        "Task 8 on builder2",
        "Task Type: buildArch (hello-1.0-1.src.rpm, noarch)",
        "logs:",
        ...logs(8, "build hw_info installed_pkgs mock_config mock_output root state"),
        "rpms:",
        `  ${built}/noarch/hello-1.0-1.noarch.rpm`,
        "misc:",
        file(8, "noarch_rpmdiff.json"),
        "",
        "Task 7 on builder2",
        "Task Type: rebuildSRPM (noarch)",
        "logs:",
        ...logs(7, "hw_info installed_pkgs mock_config mock_output root state"),
        "",
        "Task 10 on builder2",
        "Task Type: tagBuild (noarch)",
        "",
        "",
        "Task Info: " + `${webUrl}/taskinfo?taskID=6`,
        "Build Info: " + `${webUrl}/buildinfo?buildID=5`,
        ""
      ])
    })
  )

  it.effect("are sent of a build that failed, with what it failed of and where", () =>
    Effect.gen(function* () {
      const lines = yield* rerun("F", "buildNotification")
      const text = lines.join("\n")
      assert.include(text, "\nX-Koji-Status: failed\n")
      assert.include(
        text,
        "\nhello-1.0-3 (7) failed on builder2 (noarch), builder2 (x86_64):\n  BuildError: error building package (arch x86_64), " +
          "mock exited with status 1; see build.log or root.log for more information\n"
      )
      assert.include(
        text,
        "\nFailed tasks:\n-------------\n\nTask 33 on builder2\nTask Type: build (dist-test, hello-1.0-3.src.rpm)\n"
      )
      assert.notInclude(text, "Changelog:")
    })
  )

  it.effect("are sent of a build that was canceled, with who did it", () =>
    Effect.gen(function* () {
      const text = (yield* rerun("G", "buildNotification")).join("\n")
      assert.include(text, "\nStatus: canceled\nCanceled by: kojiadmin\nBuilt by: kojiadmin\n")
      assert.include(text, "\nCanceled tasks:\n---------------\n\nTask 37 on builder2\n")
      assert.notInclude(text, "failed on")
    })
  )

  it.effect("are sent of a build that was tagged", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* rerun(tagNotificationOfE, "tagNotification"), [
        "From: Koji Build System <buildsys@example.com>",
        "Subject: hello-1.0-1 successfully tagged into dist-other by kojiadmin",
        "To: kojiadmin@localhost.localdomain",
        "X-Koji-Package: hello",
        "X-Koji-NVR: hello-1.0-1",
        "X-Koji-Draft: False",
        "X-Koji-User: kojiadmin",
        "X-Koji-Status: complete",
        "X-Koji-Tag: dist-other",
        "",
        "Package: hello",
        "NVR: hello-1.0-1",
        "User: kojiadmin",
        "Status: complete",
        "Tag Operation: tagged",
        "Into Tag: dist-other",
        "",
        "hello-1.0-1 successfully tagged into dist-other by kojiadmin",
        ""
      ])
    })
  )
})
