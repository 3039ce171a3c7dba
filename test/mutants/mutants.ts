/**
 * Defects that somebody could make, each in one place: what tests are worth is whether they notice.
 *
 * `find` stands once in the file; `put` takes its place. `tests` are those that are there to notice it.
 */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly put: string
  readonly tests: string
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a container is not removed when its step is over",
    file: "engine/ContainerRun.ts",
    find: "      yield* Exit.isSuccess(exit) ? host.patience.ask(remove) : remove\n",
    put: "",
    tests: "engine/MemoryEngine.test.ts"
  },
  {
    name: "an append is acknowledged before it is synced",
    file: "journal/StreamWriter.ts",
    find: "      yield* file.datasync\n",
    put: "",
    tests: "journal/GroupCommit.test.ts"
  },
  {
    name: "a piece of output is dropped",
    file: "engine/LogFrames.ts",
    find: "if (bytes.length > 0) parts.push(bytes)",
    put: "if (bytes.length > 1) parts.push(bytes)",
    tests: "engine/LogFrames.test.ts"
  },
  {
    name: "the output of a step that is taken over begins again",
    file: "buildroot/ContainerSteps.ts",
    find: "stdout: yield* capture.bytes",
    put: "stdout: 0",
    tests: "crash/KilledAnywhere.test.ts"
  },
  {
    name: "what was begun before is done again unasked",
    file: "journal/Door.ts",
    find: 'if (!begunBefore || at.rule === "repeat") return yield* work',
    put: 'if (!begunBefore || at.rule !== "give-up") return yield* work',
    tests: "crash/KilledAnywhere.test.ts"
  },
  {
    name: "an attempt whose journal cannot be written is not left to the next process",
    file: "daemon/Attempt.ts",
    find: " || (yield* journal.poisoned)",
    put: "",
    tests: "crash/KilledAnywhere.test.ts"
  },
  {
    name: "a task that was canceled is given back",
    file: "daemon/Outcome.ts",
    find: 'return cases.Canceled.make({ reason: "the task was canceled" })',
    put: 'return cases.Freed.make({ reason: "the task was canceled" })',
    tests: "tasks/RebuildSrpm.test.ts"
  },
  {
    name: "the directory of an attempt goes though it has not ended",
    file: "daemon/Attempt.ts",
    find: 'if ((yield* journal.state)._tag === "Ended") yield* removeWorkspace',
    put: "yield* removeWorkspace",
    tests: "crash/KilledAnywhere.test.ts"
  },
  {
    name: "what the hub holds of a log is not compared with what was sent",
    file: "hub/LogFollower.ts",
    find: " && there.hexdigest === wanted",
    put: "",
    tests: "hub/LogFollower.test.ts"
  },
  {
    name: "the reaper takes containers of live attempts",
    file: "engine/Reaper.ts",
    find: "          !claimed.containers.has(name) &&\n",
    put: "",
    tests: "engine/Reaper.test.ts"
  },
  {
    name: "a success is decided whose files never arrived",
    file: "core/AttemptDecider.ts",
    find: "if (missing.length > 0) return rejected",
    put: "if (missing.length > 1000) return rejected",
    tests: "core/"
  },
  {
    name: "a step is settled that was never intended",
    file: "core/AttemptDecider.ts",
    find: "  if (step === undefined) return rejected(state, command, `${command.step} was never intended`)\n",
    put: "  if (step === undefined) return so(event)\n",
    tests: "core/"
  },
  {
    name: "the torn end of a journal stays in it",
    file: "journal/StreamFile.ts",
    find: "    yield* poison.guard(file.truncate(found.wholeBytes))\n",
    put: "",
    tests: "crash/Journal.test.ts"
  },
  {
    name: "a damaged line is believed",
    file: "journal/Line.ts",
    find: "if (stored.hash !== digest(`${previous}\\n${text.slice(0, -tailLength)}`)) {",
    put: "if (stored.hash === previous) {",
    tests: "journal/Line.test.ts"
  },
  {
    name: "the watchdog is fed before the hub has heard of us",
    file: "daemon/Look.ts",
    find: '    yield* forms.checkIn(load, ready, { methods, maxjobs: options.maxJobs })\n    yield* manager.tell({ _tag: "CheckedIn" })\n',
    put: '    yield* manager.tell({ _tag: "CheckedIn" })\n    yield* forms.checkIn(load, ready, { methods, maxjobs: options.maxJobs })\n',
    tests: "daemon/ServiceManager.test.ts"
  },
  {
    name: "a mail that may have gone is sent again",
    file: "tasks/Notices.ts",
    find: "    Effect.succeedSome(null)\n",
    put: "    Effect.succeedNone\n",
    tests: "tasks/Notifications.test.ts"
  }
]
