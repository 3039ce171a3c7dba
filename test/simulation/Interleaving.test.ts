/**
 * Six things that can come together at a step's end, in every order: the daemon looks at the hub, the task is canceled,
 * the container's end is heard of, the end of its log is read, the daemon is told to stop, the reaper comes by.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { story } from "../model/World.ts"
import { look } from "./History.ts"
import { isAtEnd } from "./Incidents.ts"

const happenings = ["poll", "cancel", "exit", "end of log", "SIGTERM", "reap"] as const
type Happening = (typeof happenings)[number]

const orders = (left: ReadonlyArray<Happening>): ReadonlyArray<ReadonlyArray<Happening>> =>
  left.length === 0
    ? [[]]
    : left.flatMap((first) => orders(left.filter((other) => other !== first)).map((rest) => [first, ...rest]))

/** The histories of all of them are for `scripts/test`; its fast part tells every so manieth. */
const every = process.env["ADJUTANT_SEEDS"] === undefined ? 24 : 1

/** What is wrong in the end when they come in this order; `atOnce`: none waits for what the one before it sets off. */
const tell = (order: ReadonlyArray<Happening>, atOnce: boolean, engine: "docker" | "podman") =>
  story(
    (world) =>
      Effect.gen(function* () {
        const { hub } = world
        const gates = new Map<Happening, Deferred.Deferred<void>>()
        for (const name of ["poll", "exit", "end of log"] as const) gates.set(name, yield* Deferred.make<void>())
        const passed = (name: Happening) => {
          const gate = gates.get(name)
          return gate === undefined ? Effect.void : Deferred.await(gate)
        }
        let held = false
        const daemon = yield* world.daemon({
          options: { sleepSeconds: 5 },
          through: (operation, call) => {
            if (!held) return call
            if (operation === "wait") return Effect.tap(call, () => passed("exit"))
            return operation === "logs" ? Effect.andThen(passed("end of log"), call) : call
          }
        })
        const task = hub.makeTask("rebuildSRPM", [world.source({ name: "hello" }), tag.build, { repo_id: 1 }])
        world.interfere((step, program) => {
          // From this container's start on nothing is heard but what the order lets through.
          if (step !== "build/source" || held) return program
          held = true
          return program
        })
        hub.waits = (call) => (held && call.method === "host.getHostTasks" ? passed("poll") : Effect.void)
        yield* daemon.start
        yield* world.until(() => held, 100)
        yield* Effect.sleep("10 seconds")
        const happen = (name: Happening): Effect.Effect<unknown> => {
          switch (name) {
            case "cancel":
              return Effect.sync(() => hub.admin("cancelTask", [task]))
            case "SIGTERM":
              return Effect.forkDetach(daemon.terminate)
            case "reap":
              return Effect.forkDetach(daemon.reap)
            default: {
              const gate = gates.get(name)
              return gate === undefined ? Effect.void : Deferred.succeed(gate, undefined)
            }
          }
        }
        for (const name of order) {
          yield* happen(name)
          if (!atOnce) yield* Effect.sleep("100 millis")
        }
        yield* world.until(() => !daemon.running, 500)
        yield* daemon.start
        yield* world.until(() => isAtEnd(hub.state(task)) && !daemon.isWorking(task))
        yield* Effect.sleep("150 seconds")
        const { problems } = yield* look(world, [daemon], [task], ["rebuildSRPM"])
        const state = hub.state(task)
        yield* daemon.terminate
        return [...problems, ...(state === "FAILED" ? ["the task failed"] : [])].map(
          (problem) => `${order}: ${problem}`
        )
      }),
    { engine, wire: "values" }
  )

describe("the end of a step", () => {
  const chosen = orders(happenings).filter((_, at) => at % every === 0)
  for (const atOnce of [true, false]) {
    it(`comes to the same in every order of what meets there, ${atOnce ? "at once" : "one after another"}`, async () => {
      const problems: Array<string> = []
      for (const [at, order] of chosen.entries()) {
        problems.push(...(await tell(order, atOnce, at % 2 === 0 ? "docker" : "podman")))
      }
      assert.deepStrictEqual(problems, [])
      assert.isAtLeast(chosen.length, 30)
    }, 600_000)
  }
})
