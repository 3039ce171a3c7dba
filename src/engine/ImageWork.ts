/** Images: what the engine has, what a registry has, what we make of a tar. */
import { NodeStream } from "@effect/platform-node"
import { Clock, Effect, Option, Ref, Stream } from "effect"
import type { EngineClient } from "./DockerodeClient.ts"
import { EngineError, type ImageInfo, type PullPolicy } from "./Engine.ts"
import { type ImageAnswer, milliseconds } from "./EngineAnswers.ts"

/** The kernel's names of machines, by the engines' names. */
const machines: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  i386: "386",
  i686: "386",
  armv7l: "arm",
  armv7hl: "arm"
}
export const engineArchitecture = (name: string): string => machines[name] ?? name

/** What a machine runs besides its own. */
const alsoRuns: Readonly<Record<string, string>> = { amd64: "386", arm64: "arm" }
const runs = (machine: string, image: string): boolean => {
  const [host, made] = [engineArchitecture(machine), engineArchitecture(image)]
  return host === made || alsoRuns[host] === made
}

/** What an engine's answer says of an image. */
export const imageInfo = (answer: ImageAnswer): ImageInfo => ({
  id: answer.Id.startsWith("sha256:") ? answer.Id : `sha256:${answer.Id}`,
  references: [...(answer.RepoTags ?? []), ...(answer.RepoDigests ?? [])],
  architecture: answer.Architecture,
  sizeBytes: answer.Size,
  createdAt: milliseconds(answer.Created ?? ""),
  labels: answer.Config?.Labels ?? {}
})

export const inspectImage = (client: EngineClient, reference: string) =>
  client.inspectImage(reference).pipe(
    Effect.map((answer): ImageInfo | undefined => imageInfo(answer)),
    Effect.catchIf(
      ({ reason }) => reason === "missing",
      () => Effect.succeed(undefined)
    )
  )

/** See `Engine.ensureImage`. */
export const ensureImage = Effect.fnUntraced(function* (
  client: EngineClient,
  reference: string,
  options: {
    readonly policy: PullPolicy
    readonly timeoutSeconds: number
    readonly inactivitySeconds: number
    readonly architecture: string | null
  }
) {
  const here = yield* inspectImage(client, reference)
  const wanted = options.policy === "always" || (options.policy === "if-not-present" && here === undefined)
  if (wanted) yield* pull(client, reference, options.timeoutSeconds, options.inactivitySeconds)
  const image = wanted ? yield* inspectImage(client, reference) : here
  if (image === undefined) {
    const why = wanted ? "pulled, and still not there" : "not on this host, and the policy is never to pull"
    return yield* problem("pull", reference, "missing", why)
  }
  const { architecture } = options
  if (architecture !== null && !runs(architecture, image.architecture)) {
    const what = `the image is for ${image.architecture}, not for ${architecture}`
    return yield* problem("pull", reference, "wrong-architecture", what)
  }
  return image
})

/** Pulls, as long as something happens and not for ever. The registry's words are in the error. */
const pull = Effect.fnUntraced(function* (
  client: EngineClient,
  reference: string,
  timeoutSeconds: number,
  inactivitySeconds: number
) {
  const lastAt = yield* Ref.make(yield* Clock.currentTimeMillis)
  const work = Stream.runForEach(client.pull(reference), () =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(lastAt, now))
  ).pipe(
    // What a registry does not have is not what we may not have: the caller asked for a pull, and it was refused.
    Effect.mapError((error) => (error.reason === "missing" ? new EngineError({ ...error, reason: "refused" }) : error))
  )
  const inactivity = Effect.gen(function* () {
    while (true) {
      const left = (yield* Ref.get(lastAt)) + 1000 * inactivitySeconds - (yield* Clock.currentTimeMillis)
      if (left <= 0) return yield* problem("pull", reference, "timeout", `no progress for ${inactivitySeconds} seconds`)
      yield* Effect.sleep(`${left} millis`)
    }
  })
  const deadline = Effect.sleep(`${timeoutSeconds} seconds`).pipe(
    Effect.andThen(problem("pull", reference, "timeout", `not done within ${timeoutSeconds} seconds`))
  )
  yield* Effect.raceAllFirst([work, inactivity, deadline])
})

/** What both engines read alike in `LABEL name=value`; anything else one of them would change. */
const plainLabel = /^[A-Za-z0-9._:/@+,=~-]*$/

export const checkLabels = (operation: string, subject: string, labels: Readonly<Record<string, string>>) => {
  const odd = Object.entries(labels).find(([name, value]) => !plainLabel.test(name) || !plainLabel.test(value))
  return odd === undefined
    ? Effect.void
    : problem(operation, subject, "refused", `a label that the engines read differently: ${odd.join("=")}`)
}

/** See `Engine.importImage`. */
export const importImage = <E>(
  client: EngineClient,
  tar: Stream.Stream<Uint8Array, E>,
  reference: string,
  labels: Readonly<Record<string, string>>
): Effect.Effect<ImageInfo, EngineError | E> =>
  Effect.gen(function* () {
    yield* checkLabels("import", reference, labels)
    // If the source fails, the request breaks off, and the engine's complaint about that is not what went wrong.
    const failed = yield* Ref.make(Option.none<E>())
    const watched = Stream.tapError(tar, (error) => Ref.set(failed, Option.some(error)))
    const id = yield* Effect.acquireUseRelease(
      NodeStream.toReadable(watched),
      (readable) => Stream.runLast(client.importImage(readable, reference, labels)),
      (readable) => Effect.sync(() => readable.destroy())
    ).pipe(
      Effect.catch((error) =>
        Effect.flatMap(Ref.get(failed), (source) => Effect.fail(Option.getOrElse(source, (): EngineError | E => error)))
      )
    )
    const made = Option.filter(id, (status) => status.startsWith("sha256:"))
    return imageInfo(yield* client.inspectImage(Option.getOrElse(made, () => reference)))
  })

/** Images that carry all of these labels; what goes while we look is not listed. */
export const listImages = Effect.fnUntraced(function* (client: EngineClient, labels: Readonly<Record<string, string>>) {
  const ids = yield* client.listImages(labels)
  const images = yield* Effect.forEach(new Set(ids.map(({ Id }) => Id)), (id) => inspectImage(client, id), {
    concurrency: 4
  })
  return images
    .filter((image) => image !== undefined)
    .filter((image) => Object.entries(labels).every(([name, value]) => image.labels[name] === value))
})

const problem = (operation: string, subject: string, reason: EngineError["reason"], message: string) =>
  Effect.fail(new EngineError({ operation, subject, reason, message }))
