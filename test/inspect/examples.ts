/**
 * Attempts to look at: orders with their times, carried out by the core as the daemon would have it, so that no
 * example can be a history that never happens.
 */
import { Result, Schema } from "effect"
import { type AttemptCommand, order } from "../../src/core/AttemptCommand.ts"
import { decide } from "../../src/core/AttemptDecider.ts"
import { AttemptEvent, type Outcome } from "../../src/core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../../src/core/AttemptState.ts"
import { AttemptNumber, ContainerName, InstanceId, StepPath, TaskId } from "../../src/core/Ids.ts"
import type { ExitReason } from "../../src/engine/ContainerSpec.ts"
import type { TimedEvent } from "../../src/inspect/Timeline.ts"
import { chainStart, encodeLine } from "../../src/journal/Line.ts"
import type { StreamName } from "../../src/journal/StreamName.ts"

/** 2026-03-01 10:00:00 UTC. */
export const beginning = Date.UTC(2026, 2, 1, 10)
const instance = InstanceId.make("3f2a9c01")
export const task = TaskId.make(4711)

/** Writes a history: each order some milliseconds after the one before. */
export class Story {
  readonly events: Array<TimedEvent> = []
  #state: AttemptState = initial
  #now = beginning

  constructor(attempt = 1) {
    this.tell(
      0,
      order.Accept.make({
        task,
        attempt: AttemptNumber.make(attempt),
        method: "buildArch",
        arch: "x86_64",
        request: ["cli-build/1.abc/hello-2.12-1.src.rpm", 7, "x86_64", true, { repo_id: 42 }],
        instance,
        bootId: "b7c4",
        version: "0.1.0"
      })
    )
  }

  tell(after: number, command: AttemptCommand): this {
    this.#now += after
    const decision = decide(this.#state, command)
    if (Result.isFailure(decision)) throw decision.failure
    for (const event of decision.success) {
      this.#state = evolve(this.#state, event)
      this.events.push({ at: this.#now, event })
    }
    return this
  }

  step(path: string, took: number, value: Schema.Json = null): this {
    return this.begin(path).tell(took, succeed(path, value))
  }

  begin(path: string): this {
    return this.tell(20, order.IntendStep.make({ step: StepPath.make(path), rule: "repeat", input: "0" }))
  }

  fail(path: string, error: Schema.Json): this {
    return this.tell(5, order.FailStep.make({ step: StepPath.make(path), error }))
  }

  /** A container of an open step, up to its start. */
  start(step: string, command: ReadonlyArray<string>, image = imageId("8f2a")): this {
    const container = nameOf(step)
    return this.tell(
      10,
      order.IntendContainer.make({
        container,
        step: StepPath.make(step),
        spec: { image, command: [...command] },
        capture: `${step.replaceAll("/", "-")}.out`,
        logs: ["build.log"]
      })
    )
      .tell(40, order.ConfirmCreated.make({ container, id: "c0ffee" }))
      .tell(250, order.ConfirmStarted.make({ container, startedAt: this.#now }))
  }

  exit(
    step: string,
    took: number,
    reason: ExitReason,
    outputBytes = 4096,
    more: { readonly missingBytes?: number } = {}
  ): this {
    const container = nameOf(step)
    const startedAt = this.#now
    const exit = { reason, startedAt, finishedAt: startedAt + took, outputBytes, committed: null, ...more }
    return this.tell(took, order.ConfirmExited.make({ container, exit })).tell(
      30,
      order.ConfirmRemoved.make({ container })
    )
  }

  upload(name: string, bytes: number): this {
    return this.tell(80, order.ConfirmUpload.make({ name, bytes, sha256: "0".repeat(64) }))
  }

  conclude(outcome: Outcome, note = ""): this {
    return this.tell(60, order.DecideResult.make({ outcome })).tell(90, order.Conclude.make({ note }))
  }
}

export const exited = (code: number): ExitReason => ({ _tag: "Exited", code })
export const imageId = (digits: string): string => `sha256:${digits.padEnd(64, "0")}`
const nameOf = (step: string) => ContainerName.make(`adjutant-${instance}-${task}-1-${step.replaceAll("/", "-")}`)
const succeed = (path: string, value: Schema.Json) =>
  order.SucceedStep.make({ step: StepPath.make(path), value: { _tag: "Inline", value } })

const script = 'set -e\nrpm -qa\nexec rpmbuild "$@"\n'

/** Up to the point where rpmbuild runs. */
const begun = (attempt = 1) =>
  new Story(attempt)
    .step("openTask", 110)
    .step("weight", 40)
    .step("source", 830)
    .step("arch", 95)
    .step("buildroot/row", 60, 311)
    .begin("buildroot/base")
    .start("buildroot/base", ["/bin/sh", "-c", script, "base", "dnf5", "build"], imageId("11ab"))
    .exit("buildroot/base", 47_300, exited(0), 182_400)
    .tell(900, succeed("buildroot/base", { image: imageId("8f2a") }))
    .begin("build/rpmbuild")
    .start("build/rpmbuild", [
      "/bin/sh",
      "-c",
      "exec rpmbuild -bb --target x86_64 --nodeps /builddir/build/SPECS/hello.spec"
    ])

const logs = (story: Story) =>
  story.upload("build.log", 1_310_720).upload("root.log", 190_000).upload("state.log", 1_204)

export const good = () =>
  logs(
    begun()
      .exit("build/rpmbuild", 251_000, exited(0), 1_310_000)
      .tell(5, succeed("build/rpmbuild", { status: 0 }))
      .upload("hello-2.12-1.x86_64.rpm", 92_160)
  ).conclude({
    _tag: "Success",
    result: { _tag: "Inline", value: {} },
    files: ["build.log", "hello-2.12-1.x86_64.rpm"]
  })

const mockFailed = "error building package (arch x86_64), mock exited with status 1; see build.log for more information"

/** rpmbuild's status is the value of a step that succeeded; the handler fails afterwards. */
export const failed = () =>
  logs(
    begun()
      .tell(2_000, order.Note.make({ text: "this engine does not enforce memory limits (rootless, cgroup v1)" }))
      .exit("build/rpmbuild", 96_000, exited(1), 640_000)
      .tell(5, succeed("build/rpmbuild", { status: 1 }))
  ).conclude({ _tag: "Fault", code: 1005, message: mockFailed })

/** A limit ended the command, and the step failed with the fault of the task. */
export const limited = () =>
  begun()
    .exit("build/rpmbuild", 3_600_000, { _tag: "LimitReached", limit: "silence", value: 3600 }, 640_000)
    .fail("build/rpmbuild", { _tag: "KojiFault", code: 1005, message: mockFailed })
    .conclude({ _tag: "Fault", code: 1005, message: mockFailed })

export const canceled = () =>
  begun()
    .tell(31_000, order.RequestStop.make({ reason: "canceled", detail: "the hub says that the task is CANCELED" }))
    .tell(140, order.ConfirmRemoved.make({ container: nameOf("build/rpmbuild") }))
    .conclude({ _tag: "Canceled", reason: "the task was canceled" })

/** The daemon went away while rpmbuild ran; the next one ran the step again. */
export const recovered = () =>
  logs(
    begun()
      .tell(45_000, order.Note.make({ text: "build.log: 812 bytes of output were not kept by the engine" }))
      .tell(95_000, order.Resume.make({ instance, bootId: "c911", version: "0.1.1" }))
      .tell(80, order.ConfirmRemoved.make({ container: nameOf("build/rpmbuild") }))
      .start("build/rpmbuild", ["rpmbuild", "-bb", "hello.spec"])
      .exit("build/rpmbuild", 240_000, exited(0), 1_310_000, { missingBytes: 812 })
      .tell(5, succeed("build/rpmbuild", { status: 0 }))
      .upload("hello-2.12-1.x86_64.rpm", 92_160)
  ).conclude({ _tag: "Success", result: { _tag: "Inline", value: {} }, files: ["hello-2.12-1.x86_64.rpm"] })

export const unfinished = () => begun()

/** Logs that are on their way while the command runs. */
export const growing = () =>
  begun()
    .tell(1_000, order.AdvanceLog.make({ name: "build.log", offset: 4_096 }))
    .tell(1_000, order.AdvanceLog.make({ name: "build.log", offset: 70_000 }))

/** A build that writes to the reader's terminal wherever it can. */
export const hostile = () =>
  new Story()
    .begin("build/\x1b[2Jrpmbuild")
    .start("build/\x1b[2Jrpmbuild", ["rpmbuild", "\x1b]0;owned\x07", "a\nb"], "\u202eegami")
    .exit("build/\x1b[2Jrpmbuild", 4_000, { _tag: "Uncertain", detail: "the engine\nwas \x9b31maway" })
    .fail("build/\x1b[2Jrpmbuild", { odd: "\x1b[31m" })
    .tell(5, order.Note.make({ text: "first\r\nsecond\x1b[H" }))
    .upload("evil\n\u202e.rpm", 10)
    .conclude(
      { _tag: "Fault", code: 1, message: Array.from({ length: 30 }, (_, line) => `line ${line}\x1b[0;0H`).join("\n") },
      "\x07"
    )

const encode = Schema.encodeSync(AttemptEvent)

/** The bytes of a journal with this history, as the store writes them. */
export const journalOf = (
  history: ReadonlyArray<TimedEvent>,
  stream: StreamName = { kind: "attempt", task, attempt: AttemptNumber.make(1) }
): string =>
  linesOf(
    history.map(({ at, event }) => ({ at, event: encode(event) })),
    stream
  )

/** The same for events of any kind. */
export const linesOf = (
  events: ReadonlyArray<{ readonly at: number; readonly event: unknown }>,
  stream: StreamName
): string => {
  let previous = chainStart(stream)
  return events
    .map(({ at, event }, seq) => {
      const line = Result.getOrThrow(encodeLine(previous, seq, at, event))
      previous = line.stored.hash
      return `${line.text}\n`
    })
    .join("")
}
