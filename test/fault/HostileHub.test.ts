/**
 * A hub that answers with bombs, over real HTTP, to a whole daemon: each is told of and survived, and no task is lost.
 */
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { story, type World } from "../model/World.ts"
import type { Words } from "./HubProxy.ts"
import { overHttp } from "./OverHttp.ts"

const answer = (value: string) =>
  `<?xml version='1.0'?><methodResponse><params><param><value>${value}</value></param></params></methodResponse>`
const laughs = [...Array(9).keys()].map((nth) => `<!ENTITY l${nth + 1} "${`&l${nth};`.repeat(10)}">`).join("")
const nested = (depth: number) => `${"<array><data><value>".repeat(depth)}x${"</value></data></array>".repeat(depth)}`

interface Bomb {
  readonly words: Words
  readonly said: RegExp
  /** Whether it is of a kind that only the hub itself can be to blame for. */
  readonly isFinal: boolean
}

const bombs: ReadonlyArray<Bomb> = [
  {
    words: {
      what: "entities that grow to a billion words",
      body: Buffer.from(`<?xml version='1.0'?><!DOCTYPE l [<!ENTITY l0 "lol">${laughs}]>${answer("&l9;").slice(21)}`)
    },
    said: /<!DOCTYPE l +is not allowed/,
    isFinal: false
  },
  {
    words: { what: "lists in lists without end", body: Buffer.from(answer(nested(100_000))) },
    said: /nested deeper than 200/,
    isFinal: true
  },
  {
    words: {
      what: "a text that unpacks to half a gigabyte",
      body: gzipSync(answer(`<string>${"x".repeat(2 ** 29 - 200)}</string>`), { level: 1 }),
      encoding: "gzip"
    },
    said: /a text of more than 67108864 characters/,
    isFinal: true
  }
]

const hasEnded = ({ hub }: World, task: number) => ["CLOSED", "FAILED"].includes(hub.state(task) ?? "")
const retries = { retriesMax: 2, intervalSeconds: 2, timeoutSeconds: 5 }
const errors = ({ time }: World) => time.log.flatMap(({ level, text }) => (level === "Error" ? [text] : []))

describe("a hub whose answer is a bomb", () => {
  for (const { words, said, isFinal } of bombs) {
    for (const method of ["host.getTasks", "host.getHostTasks"]) {
      it(`is told of, and asked again at the next look: ${words.what} for ${method}`, () =>
        story((world) =>
          Effect.gen(function* () {
            const { hub } = world
            let isHostile = true
            yield* overHttp(world, (asked) => (isHostile && asked === method ? words : undefined))
            const daemon = yield* world.daemon({ retries })
            yield* daemon.start
            const task = hub.makeTask("sleep", [1])
            yield* world.until(() => errors(world).filter((text) => text.startsWith(method)).length >= 2)
            for (const text of errors(world)) assert.match(text, said)
            assert.strictEqual(hub.state(task), "FREE")
            isHostile = false
            yield* world.until(() => hub.state(task) === "CLOSED")
            assert.isTrue(daemon.running)
            yield* daemon.terminate
          }).pipe(Effect.scoped)
        ))
    }

    it(`costs no other task than the one whose call it answers: ${words.what}`, () =>
      story((world) =>
        Effect.gen(function* () {
          const { hub } = world
          let hostile = 0
          yield* overHttp(world, (asked) =>
            asked === "getBuildTarget" && hostile++ <= retries.retriesMax ? words : undefined
          )
          const daemon = yield* world.daemon({ retries })
          yield* daemon.start
          const task = hub.makeTask("build", [world.source({ name: "hello" }), tag.target, { scratch: true }])
          const other = hub.makeTask("sleep", [1])
          yield* world.until(() => hasEnded(world, task) && hub.state(other) === "CLOSED")
          if (isFinal) {
            const { faultCode, faultString } = Object(hub.result(task))
            assert.deepStrictEqual([hub.state(task), faultCode], ["FAILED", 1])
            assert.match(faultString, /^the hub's answer to getBuildTarget makes no sense: /)
            assert.match(faultString, said)
          } else {
            // A proxy may have done it: the task is given back, and is done when it comes again.
            assert.strictEqual(hub.state(task), "CLOSED")
            const attempts = yield* daemon.attempts
            assert.lengthOf(
              attempts.filter((one) => one.task === task),
              2
            )
          }
          yield* daemon.terminate
        }).pipe(Effect.scoped)
      ))
  }
})
