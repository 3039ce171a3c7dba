/**
 * Histories for the property tests: orders drawn from few names, so that they collide, judged by `decide`.
 *
 * Half of the orders are drawn so as to make sense (the next phase of a container that exists, the settling of an
 * open step), or no generated history would ever come to its end.
 */
import { Result } from "effect"
import { type AttemptCommand, order } from "../../src/core/AttemptCommand.ts"
import { decide } from "../../src/core/AttemptDecider.ts"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../../src/core/AttemptState.ts"
import { AttemptNumber, ContainerName, InstanceId, StepPath, TaskId } from "../../src/core/Ids.ts"

/** A small generator of numbers (mulberry32): one seed is one history. */
export const numbersFrom = (seed: number) => {
  let state = seed >>> 0
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const steps = ["init/1", "init/2", "build/1", "expire"].map((name) => StepPath.make(name))
const containers = ["adjutant-i-7-1-init", "adjutant-i-7-1-build"].map((name) => ContainerName.make(name))
const logs = ["build.log", "root.log"]

export const accept: AttemptCommand = order.Accept.make({
  task: TaskId.make(7),
  attempt: AttemptNumber.make(1),
  method: "buildArch",
  arch: "x86_64",
  request: [],
  instance: InstanceId.make("i"),
  bootId: "b",
  version: "0"
})

export const commandFrom = (draw: (below: number) => number): AttemptCommand => {
  const pick = <A>(choices: ReadonlyArray<A>): A => {
    const chosen = choices[draw(choices.length)]
    if (chosen === undefined) throw new Error("nothing to pick from")
    return chosen
  }
  const container = () => pick(containers)
  const step = () => pick(steps)
  return pick<() => AttemptCommand>([
    () => accept,
    () =>
      order.Resume.make({
        instance: InstanceId.make("i"),
        bootId: "b",
        version: "0"
      }),
    () =>
      order.IntendStep.make({
        step: step(),
        rule: pick(["repeat", "ask", "give-up"] as const),
        input: pick(["a", "a", "b"])
      }),
    () => order.IntendStep.make({ step: step(), rule: "repeat", input: "a" }),
    () =>
      order.SucceedStep.make({
        step: step(),
        value: { _tag: "Inline", value: draw(9) }
      }),
    () => order.FailStep.make({ step: step(), error: { message: "no" } }),
    () =>
      order.IntendContainer.make({
        container: container(),
        step: step(),
        spec: {},
        capture: "c.out",
        logs: [pick(logs)]
      }),
    () =>
      order.WriteLog.make({
        step: pick([null, step()]),
        logs: [pick(logs)],
        at: pick([null, 5]),
        text: { _tag: "Inline", text: "l" }
      }),
    () => order.ConfirmCreated.make({ container: container(), id: "c" }),
    () =>
      order.ConfirmStarted.make({
        container: container(),
        startedAt: draw(100)
      }),
    () => order.ConfirmExited.make({ container: container(), exit: {} }),
    () => order.ConfirmRemoved.make({ container: container() }),
    () => order.ConfirmRemoved.make({ container: container() }),
    () => order.AdvanceLog.make({ name: pick(logs), offset: draw(5) }),
    () =>
      order.ConfirmUpload.make({
        name: pick(logs),
        bytes: draw(9),
        sha256: "s"
      }),
    () => order.Note.make({ text: "n" }),
    ...(draw(6) === 0
      ? [
          () =>
            order.RequestStop.make({
              reason: pick(["canceled", "lost", "shutdown"] as const),
              detail: ""
            }),
          () =>
            order.DecideResult.make({
              outcome: pick([
                {
                  _tag: "Success" as const,
                  result: { _tag: "Inline" as const, value: null },
                  files: [pick(logs)]
                },
                { _tag: "Fault" as const, code: 1005, message: "m" },
                { _tag: "Freed" as const, reason: "r" }
              ])
            }),
          () => order.Conclude.make({ note: "" })
        ]
      : [])
  ])()
}

export interface GeneratedHistory {
  readonly events: ReadonlyArray<AttemptEvent>
  readonly states: ReadonlyArray<AttemptState>
  readonly rejected: number
}

/** A history of up to `length` orders, with the state held after each event. */
export const historyFrom = (seed: number, length: number): GeneratedHistory => {
  const draw = numbersFrom(seed)
  const events: Array<AttemptEvent> = []
  const states: Array<AttemptState> = [initial]
  let state: AttemptState = initial
  let rejected = 0
  const commands = [accept, ...Array.from({ length }, () => commandFrom(draw))]
  for (const command of draw(20) === 0 ? commands.slice(1) : commands) {
    const decision = decide(state, command)
    if (Result.isFailure(decision)) {
      rejected++
      continue
    }
    for (const event of decision.success) {
      state = evolve(state, event)
      events.push(event)
      states.push(state)
    }
  }
  return { events, states, rejected }
}
