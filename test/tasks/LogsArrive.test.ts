/** What becomes of a build's logs, and of the build, while the hub is away or does not want them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { HubFate } from "../model/Hub.ts"
import type { Recipe } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { ofArch } from "./building.ts"
import type { Plot, Told } from "./telling.ts"

const lines = Array.from({ length: 120 }, (_, at) => `line ${at}`)
/** Two minutes of output. */
const talkative: Recipe = { name: "hello", lines, lineMillis: 1000 }

const notes = ({ history }: Told): ReadonlyArray<string> =>
  history.flatMap((event) => (event._tag === "Noted" && /bytes from byte/.test(event.text) ? [event.text] : []))

/** Tells it, and how long its build ran. */
const timed = async (recipe: Recipe, away: (world: World) => void) => {
  const ran: Array<number> = []
  const meanwhile: Plot["meanwhile"] = (world) =>
    Effect.gen(function* () {
      yield* world.until(() => world.isRunning("build/1"), 100)
      const start = world.time.now
      away(world)
      yield* world.until(() => !world.isRunning("build/1"), 100)
      ran.push(world.time.now - start)
    })
  const told = await ofArch(recipe, { meanwhile })
  return { told, ran }
}

/** What the hub says to uploads of this log from a place on. */
const refusing = (name: string, from: (world: World) => boolean) => (world: World) => {
  world.hub.fateOf = ({ file }): HubFate =>
    file?.endsWith(`/${name}`) === true && from(world)
      ? { _tag: "Says", answer: { _tag: "Fault", code: 1000, message: "no room for it" } }
      : { _tag: "Done" }
}

describe("the logs of a build", () => {
  it("arrive whole from a build that ends while the hub is away, and that is not a moment slower for it", async () => {
    const [calm, stormy] = [
      await timed(talkative, () => undefined),
      await timed(talkative, ({ hub, time }) => {
        hub.awayUntil = time.now + 10 * 60_000
      })
    ]
    assert.strictEqual(stormy.told.state, "CLOSED")
    assert.deepStrictEqual(stormy.ran, calm.ran)
    assert.strictEqual(stormy.told.files.get("build.log"), calm.told.files.get("build.log"))
    assert.include(stormy.told.files.get("build.log") ?? "", lines.join("\n"))
    assert.isTrue(stormy.told.seen.some(({ method, fate }) => method === "rawUpload" && fate === "Lost"))
    assert.deepStrictEqual(notes(stormy.told), [])
  })

  it("that fails are told by offset and length where the hub does not take them; the others arrive", async () => {
    const failing: Recipe = { ...talkative, end: { exit: 1 } }
    const whole = await timed(failing, () => undefined)
    const text = whole.told.files.get("build.log") ?? ""
    const half = await timed(failing, (world) => {
      const end = world.time.now + 60_000
      refusing("build.log", ({ time }) => time.now > end)(world)
    })
    assert.strictEqual(half.told.state, "FAILED")
    const arrived = half.told.files.get("build.log") ?? ""
    assert.isAbove(arrived.length, 100)
    assert.isTrue(text.startsWith(arrived))
    const bytes = text.length - arrived.length
    assert.deepStrictEqual(notes(half.told), [
      `build.log: ${bytes} bytes from byte ${arrived.length} on have not reached the hub: rawUpload: no room for it`
    ])
    assert.strictEqual(
      half.told.files.get("state.log")?.split("\n").length,
      whole.told.files.get("state.log")?.split("\n").length
    )
  })

  it("arrive late, and whole, when the hub did not take them for a while", async () => {
    const { told } = await timed(talkative, (world) => {
      const end = world.time.now + 60_000
      refusing("build.log", ({ time }) => time.now < end)(world)
    })
    assert.strictEqual(told.state, "CLOSED")
    assert.include(told.files.get("build.log") ?? "", lines.join("\n"))
    assert.deepStrictEqual(notes(told), [])
  })
})
