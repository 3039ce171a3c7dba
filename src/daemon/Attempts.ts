/** The attempts that are running here, each one fibre in one scope; and how they are told to stop. */
import { Context, Deferred, Effect, Exit, Fiber, HashSet, Layer, Ref, Scope } from "effect"
import type { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { hubFailure } from "../buildroot/HubSteps.ts"
import { order } from "../core/AttemptCommand.ts"
import type { StopReason } from "../core/AttemptEvent.ts"
import { containersLeft } from "../core/AttemptState.ts"
import { AttemptNumber, type TaskId } from "../core/Ids.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import type { JournalError } from "../journal/JournalError.ts"
import { JournalStore, type StreamName } from "../journal/JournalStore.ts"
import { GiveBack } from "../koji/Fault.ts"
import { parametersOf } from "../koji/TaskParameters.ts"
import { taskType } from "../tasks/Registry.ts"
import type { TaskType } from "../tasks/Task.ts"
import { type AttemptRequest, beginAttempt, runAttempt } from "./Attempt.ts"
import { makeRefusals, type Refusals } from "./Refusals.ts"

type Journal = Context.Service.Shape<typeof AttemptJournal>

interface Running {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly journal: Journal
  readonly foreground: boolean
}

type AttemptName = Extract<StreamName, { readonly kind: "attempt" }>

/** The journal holds them without what must not be kept, so the hub is asked for them once more. */
const askedParameters = Effect.fnUntraced(function* (task: TaskId, method: string) {
  const info = yield* getTaskInfo(task, { request: true }).pipe(Effect.mapError(hubFailure))
  if (info?.request == null) return yield* new GiveBack({ message: "the hub does not say what the task asks for" })
  return yield* Effect.fromResult(parametersOf(method, info.request))
})

/** A version that ran tasks of this kind was here before us. */
const unknownType = (method: string): TaskType => ({
  method,
  tagOf: null,
  handler: () => Effect.fail(new GiveBack({ message: `this version does not run ${method}` }))
})

/** Everything an attempt needs besides its own journal. */
type Needs = Exclude<Effect.Services<ReturnType<typeof runAttempt>>, AttemptJournal | Scope.Scope>

export class Attempts extends Context.Service<
  Attempts,
  {
    readonly running: Effect.Effect<HashSet.HashSet<TaskId>>
    /** Those, and the tasks of attempts that have been left to the next process as they are. */
    readonly unfinished: Effect.Effect<HashSet.HashSet<TaskId>>
    /** Whether one runs beside which nothing is to be taken. */
    readonly foreground: Effect.Effect<boolean>
    /**
     * Begins an attempt; returns once its journal is open. The attempt itself goes on by itself. Fails when there can be
     * no journal of it: nobody has been told of it then.
     */
    start(request: Omit<AttemptRequest, "attempt">): Effect.Effect<void, JournalError>
    /**
     * Goes on with an attempt that an earlier process began: known as running when this returns, unless there is nothing
     * to go on with. Fails when its journal cannot be trusted; nothing is done to it then.
     */
    resume(name: AttemptName, hostId: number): Effect.Effect<"running" | "never begun" | "ended", JournalError>
    /**
     * Ends one that an earlier process began and that a later attempt of its task has taken the place of: what it has on
     * the engine goes, and the hub hears nothing. Returns when that is done.
     */
    supersede(name: AttemptName, hostId: number): Effect.Effect<void, JournalError>
    /** Tells an attempt to stop, its reason first in the journal; returns when nothing of it is left. */
    stop(task: TaskId, reason: StopReason, detail: string): Effect.Effect<void>
    /** Tells all of them to, side by side. */
    stopAll(reason: StopReason, detail: string): Effect.Effect<void>
    /** What they have refused; heeded where the hub does not. */
    readonly refusals: Refusals
    /** Names of containers that live attempts intend or have. */
    readonly containers: Effect.Effect<ReadonlySet<string>>
    /** What returns when one has ended from now on: the moment to look for more work. */
    readonly nextEnd: Effect.Effect<Effect.Effect<void>>
  }
>()("adjutant/daemon/Attempts") {
  static readonly layer = Layer.effect(
    Attempts,
    Effect.gen(function* () {
      const services = yield* Effect.context<Needs | JournalStore | BuilderSettings>()
      const store = yield* JournalStore
      const scope = yield* Effect.scope
      const table = yield* Ref.make<ReadonlyMap<TaskId, Running>>(new Map())
      const left = yield* Ref.make(HashSet.empty<TaskId>())
      const refusals = yield* makeRefusals
      const running = Effect.map(Ref.get(table), (attempts) => HashSet.fromIterable(attempts.keys()))
      const bell = yield* Ref.make(yield* Deferred.make<void>())

      const ring = Effect.gen(function* () {
        const next = yield* Deferred.make<void>()
        const rung = yield* Ref.getAndSet(bell, next)
        yield* Deferred.succeed(rung, undefined)
      })
      const nextEnd = Effect.map(Ref.get(bell), Deferred.await)

      const openJournal = Effect.fnUntraced(function* (task: TaskId, attempt: AttemptNumber) {
        const own = yield* Scope.make()
        const built = yield* Layer.buildWithScope(AttemptJournal.layer(task, attempt), own).pipe(
          Effect.provideContext(services),
          Effect.tapError(() => Scope.close(own, Exit.void))
        )
        return { own, built, journal: Context.get(built, AttemptJournal) }
      })
      type Opened = Effect.Success<ReturnType<typeof openJournal>>

      const run = Effect.fnUntraced(function* ({ own, built, journal }: Opened, request: AttemptRequest) {
        const { task, attempt } = request
        const foreground = request.type.foreground === true
        // Whoever tells it to stop finds it begun, and it ends in order however early that is.
        yield* Effect.provideContext(beginAttempt(request), Context.merge(services, built))
        const fiber = yield* runAttempt(request).pipe(
          Effect.provideContext(Context.merge(services, built)),
          Effect.provideService(Scope.Scope, own),
          Effect.tapCause((cause) => Effect.logError(`task ${task}`, cause)),
          Effect.annotateLogs({ task, attempt }),
          Effect.onExit((exit) =>
            Effect.gen(function* () {
              const isLeft = (Exit.isSuccess(exit) && exit.value === undefined) || (yield* journal.poisoned)
              const outcome = Exit.isSuccess(exit) ? exit.value : undefined
              if (outcome?._tag === "Refused") yield* refusals.add(task, outcome.soft)
              if (isLeft) yield* Ref.update(left, (tasks) => HashSet.add(tasks, task))
              yield* Scope.close(own, Exit.void)
              yield* Ref.update(table, (attempts) => without(attempts, task))
              yield* ring
            })
          ),
          Effect.forkIn(scope, { startImmediately: false, uninterruptible: true })
        )
        yield* Ref.update(table, (running) => new Map(running).set(task, { fiber, journal, foreground }))
        return fiber
      })

      const start = Effect.fn("Attempts.start")(function* (request: Omit<AttemptRequest, "attempt">) {
        const before = yield* store.attempts(request.task)
        const attempt = AttemptNumber.make(Math.max(0, ...before) + 1)
        yield* run(yield* openJournal(request.task, attempt), { ...request, attempt })
      }, Effect.uninterruptible)

      const goOn = Effect.fnUntraced(function* ({ task, attempt }: AttemptName, hostId: number, isSuperseded: boolean) {
        const opened = yield* openJournal(task, attempt)
        const first = opened.journal.history[0]?.event
        const hasEnded = (yield* opened.journal.state)._tag === "Ended"
        if (first?._tag !== "Accepted" || hasEnded) {
          yield* Scope.close(opened.own, Exit.void)
          // Without its first line nobody was told of this attempt.
          return hasEnded ? "ended" : "never begun"
        }
        const { method, arch, request } = first
        const fiber = yield* run(opened, {
          task,
          attempt,
          arch,
          hostId,
          request,
          isSuperseded,
          type: taskType(method) ?? unknownType(method),
          parameters: Effect.provideContext(askedParameters(task, method), services)
        })
        if (isSuperseded) yield* Fiber.await(fiber)
        return "running"
      }, Effect.uninterruptible)
      const resume = Effect.fn("Attempts.resume")((name: AttemptName, hostId: number) => goOn(name, hostId, false))
      const supersede = Effect.fn("Attempts.supersede")((name: AttemptName, hostId: number) =>
        Effect.asVoid(goOn(name, hostId, true))
      )

      const stop = Effect.fn("Attempts.stop")(function* (task: TaskId, reason: StopReason, detail: string) {
        const found = (yield* Ref.get(table)).get(task)
        if (found === undefined) return
        yield* found.journal.submit(order.RequestStop.make({ reason, detail })).pipe(Effect.ignoreCause)
        yield* Fiber.interrupt(found.fiber)
      })

      const stopAll = Effect.fn("Attempts.stopAll")(function* (reason: StopReason, detail: string) {
        const tasks = [...(yield* Ref.get(table)).keys()]
        yield* Effect.forEach(tasks, (task) => stop(task, reason, detail), { concurrency: "unbounded", discard: true })
      })

      return Attempts.of({
        running,
        unfinished: Effect.zipWith(running, Ref.get(left), (here, gone) => HashSet.union(here, gone)),
        foreground: Effect.map(Ref.get(table), (running) => [...running.values()].some((one) => one.foreground)),
        start,
        resume,
        supersede,
        stop,
        stopAll,
        nextEnd,
        refusals,
        containers: Effect.flatMap(Ref.get(table), (running) =>
          Effect.map(
            Effect.forEach(running.values(), ({ journal }) => Effect.map(journal.state, containersLeft)),
            (lists) => new Set<string>(lists.flat())
          )
        )
      })
    })
  )
}

const without = (running: ReadonlyMap<TaskId, Running>, task: TaskId) =>
  new Map([...running].filter(([id]) => id !== task))
