/**
 * Time as the model has it: it stands still while anybody has anything to do, and then jumps to the next moment at
 * which somebody wants to be woken.
 *
 * Everything in the model runs in a *process*: the hub, the engine and the story in one that lives as long as the
 * model, each daemon in one of its own. A process can be killed, and then it is as if the machine had stopped
 * executing it: none of its fibres takes another step, no finaliser runs, its timers never fire. That works because a
 * fibre asks its scheduler before every step whether it should yield; one of a dead process yields, and its turn never
 * comes.
 */
import { Clock, Context, Duration, Effect, Exit, Fiber, Logger, Random, References, Scheduler } from "effect"
import { rng } from "./Chance.ts"

export class Process {
  readonly name: string
  #alive = true

  constructor(name: string) {
    this.name = name
  }

  get alive(): boolean {
    return this.#alive
  }

  /** As SIGKILL does. */
  kill() {
    this.#alive = false
  }
}

interface Sleeper {
  readonly at: number
  readonly process: Process
  readonly wake: () => void
  awake: boolean
}

interface Turn {
  readonly process: Process
  readonly take: () => void
}

/** Something that was logged, by whom. */
export interface Said {
  readonly at: number
  readonly process: string
  readonly level: string
  readonly text: string
}

/** Nothing will ever happen again, and the story is not at its end. */
export class Standstill extends Error {}

/** A history that goes on for longer than this has lost its way. */
const momentsMax = 500_000

export class Time {
  /** Milliseconds since the epoch. */
  now: number
  /** How far the wall clock is from the truth, for all processes: what a jump of it changes. */
  wallOffset = 0
  moments = 0
  readonly log: Array<Said> = []
  readonly #sleepers: Array<Sleeper> = []
  #turns: Array<Turn> = []
  /** How much is under way outside of the model. */
  #outside = 0
  /** Which of several waiting fibres goes first; the one that came first, unless there is a seed. */
  readonly #pick: ((count: number) => number) | undefined

  constructor(options: { readonly now: number; readonly seed?: number }) {
    this.now = options.now
    if (options.seed !== undefined) {
      const next = rng(options.seed)
      this.#pick = (count) => Math.floor(next() * count)
    }
  }

  /** What every fibre of a process runs with. */
  contextOf(process: Process, seed: number): Context.Context<never> {
    const next = rng(seed)
    const random = {
      nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER),
      nextDoubleUnsafe: next
    }
    return Context.empty().pipe(
      Context.add(Clock.Clock, this.#clockOf(process)),
      Context.add(Scheduler.Scheduler, this.#schedulerOf(process)),
      Context.add(Random.Random, random),
      Context.add(References.TracerEnabled, false),
      Context.add(Logger.CurrentLoggers, new Set([this.#loggerOf(process)]))
    )
  }

  /** Runs an effect, and everything else meanwhile, until it ends. */
  async run<A, E>(context: Context.Context<never>, effect: Effect.Effect<A, E>): Promise<A> {
    const fiber = Effect.runForkWith(context)(effect)
    while (fiber.pollUnsafe() === undefined) {
      await this.settle()
      if (fiber.pollUnsafe() !== undefined) break
      if (!this.#jump()) {
        await Effect.runPromise(Fiber.interrupt(fiber).pipe(Effect.timeout("1 second"), Effect.ignoreCause))
        throw new Standstill(`at ${new Date(this.now).toISOString()} nobody has anything to do or to wait for`)
      }
    }
    const exit = fiber.pollUnsafe()
    if (exit === undefined || Exit.isFailure(exit)) return Effect.runPromise(exit ?? Effect.die("no exit"))
    return exit.value
  }

  /** Returns when everybody waits for time to pass. */
  async settle(): Promise<void> {
    do {
      while (this.#turns.length > 0) {
        const [turn] =
          this.#pick === undefined ? [this.#turns.shift()] : this.#turns.splice(this.#pick(this.#turns.length), 1)
        if (turn?.process.alive) turn.take()
      }
      await new Promise((resolve) => setImmediate(resolve))
    } while (this.#turns.length > 0 || this.#outside > 0)
  }

  /** Something that takes time of the machine's has begun: the model's stands still until it is said to be over. */
  begins(): () => void {
    this.#outside++
    let over = false
    return () => {
      if (!over) this.#outside--
      over = true
    }
  }

  /** Goes on to the next moment at which somebody wakes; false if there is none. */
  #jump(): boolean {
    for (;;) {
      const sleeper = this.#sleepers.pop()
      if (sleeper === undefined) return false
      if (sleeper.awake || !sleeper.process.alive) continue
      this.moments++
      if (this.moments > momentsMax) throw new Standstill(`${momentsMax} moments, and no end`)
      this.now = Math.max(this.now, sleeper.at)
      sleeper.awake = true
      sleeper.wake()
      return true
    }
  }

  #sleep(process: Process, millis: number): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const sleeper: Sleeper = { at: this.now + millis, process, wake: () => resume(Effect.void), awake: false }
      // The next one is the last; those of one moment wake in the order in which they fell asleep.
      let place = this.#sleepers.length
      while (place > 0 && (this.#sleepers[place - 1]?.at ?? Number.POSITIVE_INFINITY) <= sleeper.at) place--
      this.#sleepers.splice(place, 0, sleeper)
      return Effect.sync(() => {
        sleeper.awake = true
      })
    })
  }

  #clockOf(process: Process): Clock.Clock {
    const wall = () => this.now + this.wallOffset
    const nanos = (millis: number) => BigInt(Math.round(millis * 1000)) * 1000n
    return {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: () => nanos(wall()),
      currentTimeNanos: Effect.sync(() => nanos(wall())),
      monotonicTimeNanosUnsafe: () => nanos(this.now),
      monotonicTimeNanos: Effect.sync(() => nanos(this.now)),
      sleep: (duration) => this.#sleep(process, Duration.toMillis(duration))
    }
  }

  #schedulerOf(process: Process): Scheduler.Scheduler {
    return {
      executionMode: "async",
      shouldYield: (fiber) => !process.alive || fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
      makeDispatcher: () => ({
        scheduleTask: (take) => void this.#turns.push({ process, take }),
        flush: () => undefined
      })
    }
  }

  #loggerOf(process: Process): Logger.Logger<unknown, void> {
    return Logger.make(({ logLevel, message, cause }) => {
      const words = [message].flat().map((word) => (typeof word === "string" ? word : String(word)))
      const reasons = cause.reasons.map((reason) => String("error" in reason ? reason.error : reason._tag))
      this.log.push({
        at: this.now,
        process: process.name,
        level: logLevel,
        text: [...words, ...reasons].join(" ")
      })
    })
  }
}
