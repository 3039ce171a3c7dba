/**
 * The engine's API as typed effects: dockerode's promises with a limit on each, its rejections as `EngineError`, its
 * answers decoded. This file knows HTTP and dockerode, and nothing of steps.
 *
 * What dockerode would do wrong for us is avoided here: options of a `POST` go to the query *and* the body unless they
 * are split (`_query`, `_body`); a log that is not followed is read whole into memory, so logs are dialled as streams;
 * `DOCKER_HOST` in our environment would win over the socket we were given.
 */

import { Readable } from "node:stream"
import { NodeStream } from "@effect/platform-node"
import Dockerode from "dockerode"
import { Effect, Schema, Stream } from "effect"
import type { CreateBody } from "./CreateBody.ts"
import { EngineError } from "./Engine.ts"
import * as Answer from "./EngineAnswers.ts"
import { engineFault, statusOf } from "./EngineFault.ts"

/** Time for a call that only asks or flips a state. */
const quickSeconds = 60
/** A removal or a kill waits for the kernel: large layers, a process in uninterruptible sleep. */
const removalSeconds = 180
/** A commit or an import moves gigabytes. */
const bulkSeconds = 3600
/** How often Podman looks whether a container has ended; Docker is told by the kernel and ignores it. */
const waitInterval = "100ms"

export interface LogRequest {
  readonly follow: boolean
  readonly timestamps: boolean
  /** `seconds.nanoseconds`, inclusive; from the start if undefined. */
  readonly since: string | undefined
}

/** The calls of an engine's API that we make; the memory engine answers them too. */
export type EngineClient = ReturnType<typeof dockerodeClient>

/** A client on this unix socket. Making it opens nothing. */
export const dockerodeClient = (socketPath: string) => {
  const docker = new Dockerode({ socketPath, host: "", protocol: "http" })

  const call = <A>(
    operation: string,
    subject: string,
    limitSeconds: number | "unlimited",
    promise: (signal: AbortSignal) => Promise<A>
  ): Effect.Effect<A, EngineError> => {
    const answer = Effect.tryPromise({ try: promise, catch: (cause) => engineFault(operation, subject, cause) })
    if (limitSeconds === "unlimited") return answer
    return answer.pipe(
      Effect.timeoutOrElse({
        duration: `${limitSeconds} seconds`,
        orElse: () => {
          const message = `no answer within ${limitSeconds} seconds`
          return Effect.fail(new EngineError({ operation, subject, reason: "timeout", message }))
        }
      })
    )
  }

  const ask = <A, I>(
    operation: string,
    subject: string,
    schema: Schema.Codec<A, I>,
    promise: (signal: AbortSignal) => Promise<unknown>,
    limitSeconds = quickSeconds
  ): Effect.Effect<A, EngineError> =>
    call(operation, subject, limitSeconds, promise).pipe(
      Effect.flatMap((answer) =>
        Schema.decodeUnknownEffect(schema)(answer).pipe(
          Effect.mapError((error) => {
            const message = `an answer we do not understand: ${error.message}`
            return new EngineError({ operation, subject, reason: "refused", message })
          })
        )
      )
    )

  const body = (
    operation: string,
    subject: string,
    open: (signal: AbortSignal) => Promise<NodeJS.ReadableStream>,
    limitSeconds: number | "unlimited" = quickSeconds
  ) =>
    Stream.unwrap(
      Effect.map(call(operation, subject, limitSeconds, open), (readable) =>
        NodeStream.fromReadable({
          evaluate: () => readable,
          onError: (cause) => engineFault(operation, subject, cause)
        })
      )
    )

  /** An answer's body as it comes. dockerode would read it whole, or leave us waiting when it breaks off. */
  const dialled = (
    operation: string,
    subject: string,
    method: string,
    path: string,
    options: Record<string, unknown>
  ) =>
    body(
      operation,
      subject,
      (abortSignal) =>
        new Promise((resolve, reject) => {
          const statusCodes = { 200: true, 404: "no such container", 500: "server error" }
          const dial = { path, method, isStream: true, options, statusCodes, abortSignal }
          docker.modem.dial(dial, (error, response) =>
            response instanceof Readable ? resolve(response) : reject(error)
          )
        }),
      // Podman begins to answer when there is something to say.
      "unlimited"
    )

  /** The items of a progress stream; the first that is an error fails it. */
  const progress = (operation: string, subject: string, bytes: Stream.Stream<Uint8Array, EngineError>) =>
    bytes.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.filter((line) => line.trim() !== ""),
      Stream.mapEffect((line) =>
        Schema.decodeUnknownEffect(Schema.fromJsonString(Answer.ProgressItem))(line).pipe(
          Effect.mapError((error) => new EngineError({ operation, subject, reason: "refused", message: error.message }))
        )
      ),
      Stream.mapEffect((item) =>
        typeof item.error === "string"
          ? Effect.fail(new EngineError({ operation, subject, reason: "refused", message: item.error }))
          : Effect.succeed(item.status ?? "")
      )
    )

  /** Names and references go into the request's path: what is no name must not become another path. */
  const named = <A>(operation: string, subject: string, effect: Effect.Effect<A, EngineError>) =>
    /^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$/.test(subject) && !subject.includes("..")
      ? effect
      : Effect.fail(new EngineError({ operation, subject, reason: "refused", message: "not a name" }))

  return {
    version: ask("version", socketPath, Answer.VersionAnswer, () => docker.version()),
    info: ask("info", socketPath, Answer.InfoAnswer, () => docker.info()),

    /** The id of the new container. */
    createContainer: (name: string, create: CreateBody) => {
      const options = { name, _query: { name }, _body: create }
      return named(
        "create",
        name,
        call(
          "create",
          name,
          quickSeconds,
          async (abortSignal) => (await docker.createContainer({ ...options, abortSignal })).id
        )
      )
    },
    startContainer: (id: string) =>
      call("start", id, quickSeconds, async (abortSignal) => {
        await docker
          .getContainer(id)
          .start({ abortSignal })
          .catch((cause) => (statusOf(cause) === 304 ? undefined : Promise.reject(cause)))
      }),
    inspectContainer: (id: string) =>
      named(
        "inspect",
        id,
        ask("inspect", id, Answer.ContainerAnswer, (abortSignal) => docker.getContainer(id).inspect({ abortSignal }))
      ),
    /**
     * Returns once the container does not run, at once if it does not; it must have been started. Not dockerode's own
     * `wait`, which never returns when the connection breaks after the answer has begun, and Docker begins it at once.
     */
    waitContainer: (id: string) =>
      dialled("wait", id, "POST", `/containers/${id}/wait?`, { condition: "not-running", interval: waitInterval }).pipe(
        Stream.decodeText,
        Stream.mkString,
        Effect.flatMap((text) =>
          Schema.decodeUnknownEffect(Schema.fromJsonString(Answer.WaitAnswer))(text).pipe(
            Effect.mapError(() => problem("wait", id, "unreachable", `the answer broke off: ${text}`))
          )
        ),
        Effect.asVoid
      ),
    /** SIGKILL. Succeeds when it does not run any more. */
    killContainer: (id: string) =>
      call("kill", id, removalSeconds, (abortSignal) =>
        docker.getContainer(id).kill({ signal: "SIGKILL", abortSignal })
      ).pipe(
        Effect.catchIf(
          ({ reason }) => reason === "conflict" || reason === "missing",
          () => Effect.void
        ),
        Effect.asVoid
      ),
    /** Kills it if need be and takes its anonymous volumes along. Fails with `missing` when it is not there. */
    removeContainer: (id: string) =>
      named(
        "remove",
        id,
        call("remove", id, removalSeconds, (abortSignal) =>
          docker.getContainer(id).remove({ force: true, v: true, abortSignal })
        )
      ).pipe(Effect.asVoid),
    /** The raw log stream, as much of it as asked for; a followed one ends some time after the container. */
    containerLog: (id: string, { since, follow, timestamps }: LogRequest) =>
      dialled("logs", id, "GET", `/containers/${id}/logs?`, {
        ...{ follow, timestamps, stdout: true, stderr: true },
        ...(since === undefined ? {} : { since })
      }),
    /** Whether the engine itself was told to kill the container between these times (milliseconds since the epoch). */
    killedThroughEngine: (id: string, since: number, until: number) =>
      body("events", id, (abortSignal) => {
        const filters = JSON.stringify({ container: [id], event: ["kill"] })
        const options = { since: Math.floor(since / 1000), until: Math.ceil(until / 1000), filters }
        return docker.getEvents({ ...options, abortSignal })
      }).pipe(
        Stream.runFold(
          () => 0,
          (bytes, chunk) => bytes + chunk.length
        ),
        Effect.map((bytes) => bytes > 2),
        Effect.timeoutOrElse({ duration: `${quickSeconds} seconds`, orElse: () => Effect.succeed(false) })
      ),
    listContainers: (labels: Readonly<Record<string, string>>) =>
      ask("list", "containers", Answer.ContainerListAnswer, (abortSignal) =>
        docker.listContainers({ all: true, filters: { label: pairs(labels) }, abortSignal })
      ),
    /** The id of the image made of a container that has ended. Podman insists on a body, though it reads the query. */
    commitContainer: (id: string, reference: string, labels: Readonly<Record<string, string>>) => {
      const { repository, tag } = splitReference(reference)
      const query = { container: id, repo: repository, tag, pause: false, changes: changesOf(labels) }
      return ask(
        "commit",
        id,
        Answer.CommitAnswer,
        (abortSignal) => docker.getContainer(id).commit({ _query: query, _body: { Labels: labels }, abortSignal }),
        bulkSeconds
      ).pipe(Effect.map(({ Id }) => (Id.startsWith("sha256:") ? Id : `sha256:${Id}`)))
    },

    inspectImage: (reference: string) =>
      named(
        "inspect",
        reference,
        ask("inspect", reference, Answer.ImageAnswer, () => docker.getImage(reference).inspect())
      ),
    /** Images with at least one of the labels: asked for two at once, Podman 4.3 finds none. */
    listImages: (labels: Readonly<Record<string, string>>) =>
      ask("list", "images", Answer.ImageListAnswer, (abortSignal) =>
        docker.listImages({ filters: { label: pairs(labels).slice(0, 1) }, abortSignal })
      ),
    removeImage: (reference: string) =>
      named(
        "remove",
        reference,
        call("remove", reference, removalSeconds, (abortSignal) =>
          docker.getImage(reference).remove({ force: false, abortSignal })
        )
      ).pipe(Effect.asVoid),
    /** The pull's progress, a text an item; it fails with the registry's or the engine's words. */
    pull: (reference: string) =>
      progress(
        "pull",
        reference,
        body(
          "pull",
          reference,
          (abortSignal) => {
            const { repository, tag } = splitReference(reference)
            return docker.createImage({ fromImage: repository, tag, abortSignal })
          },
          bulkSeconds
        )
      ),
    importImage: (tar: Readable, reference: string, labels: Readonly<Record<string, string>>) =>
      // The tag goes with the name: Podman does not see a parameter of its own for it.
      progress(
        "import",
        reference,
        body(
          "import",
          reference,
          (abortSignal) => docker.importImage(tar, { repo: reference, changes: changesOf(labels), abortSignal }),
          bulkSeconds
        )
      )
  }
}

const problem = (operation: string, subject: string, reason: EngineError["reason"], message: string) =>
  new EngineError({ operation, subject, reason, message })

const pairs = (labels: Readonly<Record<string, string>>): Array<string> =>
  Object.entries(labels).map(([name, value]) => `${name}=${value}`)

const changesOf = (labels: Readonly<Record<string, string>>): Array<string> =>
  Object.entries(labels).map(([name, value]) => `LABEL ${name}=${value}`)

/** `name` and `tag` (or digest) of a reference; without either it is `latest`, or the engine would pull every tag. */
const splitReference = (reference: string): { readonly repository: string; readonly tag: string } => {
  const at = reference.indexOf("@")
  if (at >= 0) return { repository: reference.slice(0, at), tag: reference.slice(at + 1) }
  const colon = reference.lastIndexOf(":")
  if (colon > reference.lastIndexOf("/")) {
    return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) }
  }
  return { repository: reference, tag: "latest" }
}
