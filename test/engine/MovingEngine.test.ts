/** An engine that is asked about what comes and goes while it looks: in its own words, over a real socket. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { type Answer, answeringEngine, granted, refusal } from "./answeringEngine.ts"

const container = (running: boolean) =>
  granted({
    Id: "c0ffee",
    Created: "2026-01-01T00:00:00Z",
    Config: { Labels: {} },
    State: {
      ...{ Status: running ? "running" : "exited", Running: running, OOMKilled: false, ExitCode: 127, Error: "" },
      ...{ StartedAt: "2026-01-01T00:00:00Z", FinishedAt: "2026-01-01T00:00:01Z" }
    }
  })
const containers = granted([{ Id: "c0ffee", Names: ["/c0ffee"], ImageID: "sha256:1", State: "exited", Labels: {} }])
const image = granted({ Id: "sha256:1", Architecture: "amd64", Size: 1 })

/** The client of an engine that gives the answer only after it has refused so often in these words. */
const atLast = (words: string, times: number, answer: Answer) =>
  answeringEngine((_, _query, nth) => (nth > times ? answer : refusal(words)))

describe("a container that ends while Podman looks", () => {
  const words = "read /proc/32356/cgroup: no such process"

  it.live("is looked at again", () =>
    Effect.gen(function* () {
      const { client, asked } = yield* atLast(words, 2, container(false))
      assert.strictEqual((yield* client.inspectContainer("c0ffee")).State.ExitCode, 127)
      assert.lengthOf(asked, 3)
    })
  )

  it.live("does not spoil the list of all", () =>
    Effect.gen(function* () {
      const { client, asked } = yield* atLast(words, 1, containers)
      assert.deepStrictEqual(
        (yield* client.listContainers({})).map(({ Id }) => Id),
        ["c0ffee"]
      )
      assert.lengthOf(asked, 2)
    })
  )

  it.live("and no other refusal is asked about twice", () =>
    Effect.gen(function* () {
      const { client, asked } = yield* atLast("read /proc/32356/cgroup: permission denied", 1, container(false))
      const error = yield* Effect.flip(client.inspectContainer("c0ffee"))
      assert.strictEqual(error.reason, "refused")
      assert.lengthOf(asked, 1)
    })
  )
})

describe("a container that is removed while Podman looks", () => {
  it.live("is missing, and was killed well enough", () =>
    Effect.gen(function* () {
      const words = "container c0ffee does not exist in database: no such container"
      const { client } = yield* answeringEngine(() => refusal(words))
      assert.strictEqual((yield* Effect.flip(client.inspectContainer("c0ffee"))).reason, "missing")
      assert.strictEqual((yield* Effect.flip(client.waitContainer("c0ffee", "podman"))).reason, "missing")
      yield* client.killContainer("c0ffee")
    })
  )

  it.live("does not spoil the list of all", () =>
    Effect.gen(function* () {
      const words = 'getting container from store "c0ffee": container not known'
      const { client } = yield* atLast(words, 1, containers)
      assert.lengthOf(yield* client.listContainers({}), 1)
    })
  )
})

describe("a container whose conmon is slow to say that it has ended", () => {
  it.live("has been killed all the same", () =>
    Effect.gen(function* () {
      const words = "timed out waiting for file /run/libpod/exits/c0ffee: internal libpod error"
      const { client } = yield* answeringEngine(() => refusal(words))
      yield* client.killContainer("c0ffee")
    })
  )
})

describe("an image that is removed while an engine looks", () => {
  const gone = refusal("failed to find image 1: No such image", 404)

  for (const [engine, words] of [
    ["Podman", `failed to convert ImageData to ImageInspect '1': locating image with ID "1": image not known`],
    [
      "Podman, of its id",
      `parsing named reference "1": invalid repository name (1), cannot specify 64-byte hexadecimal strings`
    ],
    ["Docker", "layer does not exist"]
  ] as const) {
    it.live(`is missing at the next look (${engine})`, () =>
      Effect.gen(function* () {
        const { client, asked } = yield* atLast(words, 1, gone)
        assert.strictEqual((yield* Effect.flip(client.inspectImage("sha256:1"))).reason, "missing")
        assert.lengthOf(asked, 2)
      })
    )
  }

  it.live("or is there, if it was another that went", () =>
    Effect.gen(function* () {
      const { client } = yield* atLast("reading image: layer not known", 1, image)
      assert.strictEqual((yield* client.inspectImage("sha256:1")).Id, "sha256:1")
    })
  )

  it.live("does not spoil the list of all", () =>
    Effect.gen(function* () {
      const words =
        'retrieving label for image "2": you may need to remove the image to resolve the error: image not known'
      const { client, asked } = yield* atLast(words, 1, granted([{ Id: "sha256:1" }]))
      assert.deepStrictEqual(yield* client.listImages({ a: "b" }), [{ Id: "sha256:1" }])
      assert.lengthOf(asked, 2)
    })
  )
})

describe("a container whose exit code Podman has forgotten", () => {
  const waits = (running: boolean) =>
    Effect.gen(function* () {
      const state = running ? "running" : "exited"
      const { client } = yield* answeringEngine((asked) =>
        asked.startsWith("POST")
          ? refusal(`getting exit code of container c0ffee from DB: no such exit code (container in state ${state})`)
          : container(running)
      )
      return yield* Effect.result(client.waitContainer("c0ffee", "podman"))
    })

  it.live("is waited for no more if it has ended", () =>
    Effect.gen(function* () {
      assert.isTrue(Result.isSuccess(yield* waits(false)))
    })
  )

  it.live("and is not taken for ended because of it", () =>
    Effect.gen(function* () {
      const end = yield* waits(true)
      assert.isTrue(Result.isFailure(end) && end.failure.message.includes("no such exit code"))
    })
  )
})

describe("whether somebody told the engine to kill", () => {
  const second = 1_700_000_000
  const event = (Action: string, time: number) => `${JSON.stringify({ Action, time, Type: "container" })}\n`
  const saw = (client: Effect.Success<ReturnType<typeof answeringEngine>>["client"], kind: "docker" | "podman") =>
    client.sawHappen("c0ffee", kind, "kill", second * 1000, (second + 2) * 1000)

  /** It stops at `until`, however far it has come: with a time that has passed, before it has begun. */
  const podman = (events: string) => (_: string, query: URLSearchParams) =>
    granted(query.has("until") || query.get("stream") !== "false" ? "" : events)

  it.live("is heard of Podman after the fact too", () =>
    Effect.gen(function* () {
      const { client } = yield* answeringEngine(podman(event("kill", second + 1)))
      assert.isTrue(yield* saw(client, "podman"))
    })
  )

  it.live("is asked of a time, and later events are not of it", () =>
    Effect.gen(function* () {
      const { client } = yield* answeringEngine(podman(event("kill", second + 3)))
      assert.isFalse(yield* saw(client, "podman"))
    })
  )

  it.live("is not read out of an error that Podman writes into its answer", () =>
    Effect.gen(function* () {
      const half = JSON.stringify({ cause: "unexpected end of JSON input", message: "unexpected end", response: 500 })
      const { client, asked } = yield* answeringEngine((_, query, nth) =>
        podman(nth === 1 ? `${half}\n` : event("died", second))("", query)
      )
      assert.isFalse(yield* saw(client, "podman"))
      assert.lengthOf(asked, 2)
    })
  )

  it.live("is heard of Docker in its own way", () =>
    Effect.gen(function* () {
      const { client } = yield* answeringEngine((_, query) =>
        granted(query.get("until") === String(second + 2) ? event("kill", second) : "")
      )
      assert.isTrue(yield* saw(client, "docker"))
    })
  )
})
