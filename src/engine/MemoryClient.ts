/** The engine's API over the state in memory: the calls of `DockerodeClient`, answered as Docker or Podman would. */

import { createHash } from "node:crypto"
import type { Readable } from "node:stream"
import { Clock, Deferred, Effect, Stream } from "effect"
import type { CreateBody } from "./CreateBody.ts"
import type { EngineClient } from "./DockerodeClient.ts"
import { EngineError } from "./Engine.ts"
import type { MemoryEngineOptions, MemoryProgram, MemoryRoot } from "./MemoryEngine.ts"
import { frame, logOf, spoiled, terminalOf } from "./MemoryLog.ts"
import { logPath } from "./MemoryLogFile.ts"
import type { MemoryContainer, MemoryModel, StoredImage } from "./MemoryModel.ts"

/** What lies between one client and the engine: the call may come late, or not at all, and so may its answer. */
export type Through = <A>(operation: string, call: Effect.Effect<A, EngineError>) => Effect.Effect<A, EngineError>
export const direct: Through = (_, call) => call

/** The API. `programOf` says what the container of this name does when it is started. */
export const memoryClient = (
  model: MemoryModel,
  options: MemoryEngineOptions,
  programOf: (name: string, root: MemoryRoot) => MemoryProgram,
  through: Through
): EngineClient => {
  const kind = options.kind ?? "docker"
  const problem = (operation: string, subject: string, reason: EngineError["reason"], message: string) =>
    new EngineError({ operation, subject, reason, message })
  const unreachable = (operation: string) => problem(operation, "engine", "unreachable", "the engine is away")

  const calls = new Map<string, number>()
  /** Breaks off when the engine goes away, as a connection does. */
  const call = <A>(operation: string, effect: Effect.Effect<A, EngineError>): Effect.Effect<A, EngineError> =>
    through(operation, Effect.provideContext(answered(operation, effect), model.own))
  const answered = <A>(operation: string, effect: Effect.Effect<A, EngineError>): Effect.Effect<A, EngineError> =>
    Effect.gen(function* () {
      if (model.isGone()) return yield* unreachable(operation)
      const nth = (calls.get(operation) ?? 0) + 1
      calls.set(operation, nth)
      const answer = yield* Effect.raceFirst(
        effect,
        Effect.flatMap(model.goes, () => Effect.fail(unreachable(operation)))
      )
      return options.losesAnswer?.(operation, nth) === true ? yield* unreachable(operation) : answer
    })
  const container = (operation: string, nameOrId: string) =>
    Effect.suspend(() => {
      const found = model.findContainer(nameOrId)
      return found === undefined
        ? Effect.fail(problem(operation, nameOrId, "missing", "no such container"))
        : Effect.succeed(found)
    })
  const image = (operation: string, reference: string) =>
    Effect.suspend(() => {
      const found = model.findImage(reference)
      return found === undefined
        ? Effect.fail(problem(operation, reference, "missing", "no such image"))
        : Effect.succeed(found)
    })

  let logsRead = 0

  return {
    ping: call("ping", Effect.succeed(kind)),
    version: call(
      "version",
      Effect.succeed({
        Version: "0",
        ApiVersion: "1.41",
        Arch: "amd64",
        Components: [{ Name: kind === "podman" ? "Podman Engine" : "Engine" }, { Name: "docker-init", Version: "0" }]
      })
    ),
    info: call("info", Effect.succeed({ DockerRootDir: "/nonexistent", MemoryLimit: true, PidsLimit: true })),
    createContainer: (name, body) =>
      call(
        "create",
        Effect.gen(function* () {
          if (model.containers.has(name)) return yield* problem("create", name, "conflict", "the name is in use")
          const { info, contents } = yield* image("create", body.Image)
          const id = createHash("sha256").update(`${name} ${model.created.length}`).digest("hex")
          model.containers.set(name, {
            id,
            name,
            body,
            image: info.id,
            root: { contents },
            createdAt: yield* Clock.currentTimeMillis,
            state: "created",
            startedAt: 0,
            finishedAt: 0,
            exitCode: 0,
            outOfMemory: false,
            outOfSpace: false,
            log: [],
            killedBy: undefined,
            endSeen: false,
            changed: yield* Deferred.make<void>(),
            fiber: undefined,
            answers: undefined,
            size: undefined
          })
          model.created.push(name)
          return id
        })
      ),
    startContainer: (id) =>
      call(
        "start",
        Effect.flatMap(container("start", id), (found) => {
          model.started.push(found.name)
          return model.start(found, programOf(found.name, found.root))
        })
      ),
    inspectContainer: (id) =>
      call(
        "inspect",
        Effect.map(container("inspect", id), (found) => answer(found, options))
      ),
    waitContainer: (id) => {
      const wait: Effect.Effect<void, EngineError> = Effect.flatMap(container("wait", id), (found) =>
        found.state === "running" ? Effect.andThen(Deferred.await(found.changed), wait) : Effect.void
      )
      return call("wait", wait)
    },
    killContainer: (id) => call("kill", Effect.asVoid(model.kill(id, "us"))),
    removeContainer: (id) => call("remove", Effect.flatMap(container("remove", id), model.remove)),
    containerLog: (id, request) =>
      Stream.unwrap(
        call(
          "logs",
          Effect.map(container("logs", id), (found) => logOf(options, found, request))
        )
      ).pipe(
        Stream.map((entry) => frame(entry, request.timestamps)),
        Stream.concat(
          Stream.suspend(() => (options.spoilsLog?.(++logsRead) === true ? Stream.make(spoiled) : Stream.empty))
        ),
        Stream.interruptWhen(Effect.flatMap(model.goes, () => Effect.fail(unreachable("logs"))))
      ),
    attachTerminal: (id) =>
      call(
        "attach",
        Effect.map(container("attach", id), (found) => ({
          output: terminalOf(found),
          write: (bytes: Uint8Array) =>
            Effect.provideContext(model.type(found, new TextDecoder().decode(bytes)), model.own),
          end: Effect.void
        }))
      ),
    resizeTerminal: (id, size) =>
      call(
        "resize",
        Effect.map(container("resize", id), (found) => {
          found.size = size
        })
      ),
    sawHappen: (id, _, event) =>
      call(
        "events",
        Effect.map(container("events", id), ({ killedBy, endSeen }) =>
          event === "kill" ? killedBy !== undefined : endSeen
        )
      ),
    listContainers: (labels) =>
      call(
        "list",
        Effect.sync(() =>
          [...model.containers.values()]
            .filter(({ body }) => carries(body.Labels, labels))
            .map(({ id, name, image: ImageID, state, body }) => {
              return { Id: id, Names: [`/${name}`], ImageID, State: state, Labels: body.Labels }
            })
        )
      ),
    commitContainer: (id, reference, labels) =>
      call(
        "commit",
        Effect.gen(function* () {
          const found = yield* container("commit", id)
          const { contents } = found.root
          const image = { ...plain(found.body), reference, labels, contents }
          const made = yield* model.addImage(image, `${found.id} committed`)
          return made.id
        })
      ),
    inspectImage: (reference) => call("inspect", Effect.map(image("inspect", reference), imageAnswer)),
    listImages: (labels) =>
      call(
        "list",
        Effect.sync(() =>
          [...model.images.values()]
            .filter(({ info }) => carries(info.labels, labels))
            .map(({ info }) => ({ Id: info.id }))
        )
      ),
    removeImage: (reference) =>
      call(
        "remove",
        Effect.gen(function* () {
          const { info } = yield* image("remove", reference)
          const user = [...model.containers.values()].find((found) => found.image === info.id)
          if (user !== undefined) return yield* problem("remove", reference, "conflict", `${user.name} uses it`)
          model.images.delete(info.id)
        })
      ),
    pull: (reference) => {
      const offered = (options.registry ?? []).find((entry) => entry.reference === reference)
      if (offered === undefined) return Stream.fail(problem("pull", reference, "refused", "manifest unknown"))
      const items = Stream.fromIterable(offered.progressMillis ?? []).pipe(
        Stream.mapEffect((millis) => Effect.as(Effect.sleep(`${millis} millis`), "Downloading"))
      )
      const last =
        offered.fails === undefined
          ? Effect.as(model.addImage(offered, offered.reference), "Pull complete")
          : Effect.fail(problem("pull", reference, "refused", offered.fails))
      return Stream.concat(items, Stream.fromEffect(call("pull", last)))
    },
    importImage: (tar, reference, labels) =>
      Stream.fromEffect(
        call(
          "import",
          Effect.gen(function* () {
            const { bytes, digest, contents } = yield* Effect.tryPromise({
              try: () => consume(tar),
              catch: (cause) => problem("import", reference, "refused", String(cause))
            })
            const made = yield* model.addImage({ reference, labels, sizeBytes: bytes, contents }, digest)
            return made.id
          })
        )
      )
  }
}

const consume = async (tar: Readable) => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of tar) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return { bytes: bytes.length, digest: createHash("sha256").update(bytes).digest("hex"), contents: bytes.toString() }
}

const plain = (body: CreateBody) => ({ environment: body.Env.filter((entry) => entry.includes("=")) })

const carries = (has: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => has[name] === value)

const time = (milliseconds: number): string =>
  milliseconds === 0 ? "0001-01-01T00:00:00Z" : new Date(milliseconds).toISOString()

const answer = (found: MemoryContainer, { hidesWantOfMemory = false }: MemoryEngineOptions) => ({
  Id: found.id,
  Created: time(found.createdAt),
  LogPath: logPath(found.id),
  Config: { Labels: found.body.Labels },
  State: {
    Status: found.state,
    Running: found.state === "running",
    OOMKilled: found.outOfMemory && !hidesWantOfMemory,
    ExitCode: found.exitCode,
    Error: "",
    StartedAt: time(found.startedAt),
    FinishedAt: time(found.finishedAt)
  }
})

const imageAnswer = ({ info, environment, volumes }: StoredImage) => ({
  Id: info.id,
  RepoTags: info.references,
  Architecture: info.architecture,
  Size: info.sizeBytes,
  Created: time(info.createdAt),
  Config: { Labels: info.labels, Env: environment, Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) }
})
